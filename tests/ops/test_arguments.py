"""The checks of arguments: what they let through, and how they name what they do not."""

import keras
import numpy as np
import pytest

from keras_isa.inputs.arrays import to_numpy
from keras_isa.ops import arguments

WORDS = ("near", "far")
BAD = [
    (arguments.whole_number, ("n", 0), ValueError, "`n` must be a positive integer. Received: n=0"),
    (arguments.whole_number, ("n", -1, 0), ValueError, "`n` must be a non-negative integer"),
    (arguments.whole_number, ("n", 1, 2), ValueError, "`n` must be an integer >= 2"),
    (arguments.whole_number, ("n", True), ValueError, "Received: n=True"),
    (arguments.seed_number, (2**31,), ValueError, r"`seed` must be below 2\*\*31"),
    (arguments.finite_number, ("x", False), ValueError, "`x` must be a finite number"),
    (arguments.finite_number, ("x", float("nan")), ValueError, "Received: x=nan"),
    (arguments.positive_number, ("x", 0.0), ValueError, "`x` must be positive. Received: x=0.0"),
    (arguments.true_or_false, ("f", "no"), TypeError, "`f` must be True or False"),
    (arguments.instance_of, ("a", 3, keras.Optimizer), TypeError, "`a` must be an? \\w+. .*: int"),
    (arguments.one_of, ("w", "nigh", WORDS), ValueError, "`w` must be one of 'near', 'far'"),
    (arguments.words_of, ("w", "near", WORDS), ValueError, "each once. Received: w='near'"),
    (arguments.words_of, ("w", ["far", "far"], WORDS), ValueError, "each once"),
    (arguments.image_shape_of, ("s", (2, 2, 2, 2)), ValueError, "`s` must be .height, width"),
    (arguments.image_shape_of, ("s", "441"), ValueError, "Received: s='441'"),
    (arguments.real_numbers, ("x", [[1], [1, 2]]), ValueError, "`x` must be an array, or lists"),
    (arguments.real_numbers, ("x", ["a"]), TypeError, "`x` must hold real numbers"),
    (arguments.float_tensor, ("x", [1.0], "n, d"), ValueError, r"`x` must be a matrix \(n, d\)"),
    (arguments.integer_tensor, ("x", [1.0]), TypeError, "`x` must hold integers"),
    (arguments.integer_tensor, ("x", [[1]], "B"), ValueError, r"`x` must be a vector \(B\)"),
]


@pytest.mark.parametrize(("check", "given", "error", "message"), BAD)
def test_bad_arguments_are_named(check, given, error, message):
    with pytest.raises(error, match=message) as raised:
        check(*given)
    assert "\n" not in str(raised.value)


def test_good_arguments_come_back_as_plain_values():
    assert type(arguments.whole_number("n", np.int64(3))) is int
    assert type(arguments.finite_number("x", np.float32(3))) is float
    assert arguments.seed_number(2**31 - 1) == 2**31 - 1
    assert arguments.true_or_false("f", np.bool_(True)) is True
    assert arguments.words_of("w", ["far"], WORDS) == ("far",)
    assert arguments.image_shape_of("s", np.array([8, 8, 1])) == (8, 8, 1)
    assert not arguments.is_count(True) and arguments.is_count(0, least=0)


def test_tensors_stay_tensors_and_other_values_become_arrays():
    variable = keras.Variable([1.0, 2.0])
    assert keras.ops.is_tensor(arguments.real_numbers("x", variable))
    assert isinstance(arguments.real_numbers("x", [1, 2]), np.ndarray)
    assert isinstance(arguments.integer_tensor("x", [1, 2], "B"), np.ndarray)
    found = arguments.float_tensor("x", np.array([[1, 2]], "uint8"), "n, d")
    assert keras.ops.is_tensor(found) and to_numpy(found).dtype == "float32"
