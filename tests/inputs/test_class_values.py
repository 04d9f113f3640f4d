"""Integers beside class names that are whole numbers."""

import numpy as np
import pytest

from keras_isa.inputs.class_labels import check_labels, to_class_numbers
from keras_isa.inputs.class_names import classes_by_value, is_whole


@pytest.mark.parametrize(
    ("names", "labels", "numbers"),
    [
        (["0", "1", "10", "2"], [0, 10, 2], [0, 2, 3]),
        (["1", "2", "unknown"], [1, 2, 1], [0, 1, 0]),
        (["1.0", "2.0", "3.0"], [1, 3, 2], [0, 2, 1]),
        (["-1", "0", "1"], [0, 1, -1], [1, 2, 0]),
        (["cat", "3000000000"], [3 * 10**9], [1]),
        (["01", "02", " 3"], [1, 3], [0, 2]),
        (["01", "1", "2"], [2], [2]),
    ],
)
def test_integers_are_matched_to_the_names_that_have_their_value(names, labels, numbers):
    with pytest.warns(
        UserWarning, match="class number [012] is .* matched to the names by"
    ) as said:
        found = check_labels(labels, len(labels), "y", names, by_value=True)
    assert found.dtype == np.int32 and found.tolist() == numbers
    assert len(said) == 1 and said[0].filename == __file__
    with pytest.raises(ValueError, match="`y` must hold the numbers that are class names, .* 7 at"):
        check_labels([*labels, 7], len(labels) + 1, "y", names, by_value=True)


@pytest.mark.parametrize(
    "names",
    [["cat", "dog"], ["0", "1"], ["0", "1", "a"], ["x", "1.5"], ["0.0", "+1"], ["1e3", "nan"]],
)
def test_integers_are_class_numbers_where_no_name_is_another_number(names):
    assert classes_by_value(names) is None
    assert check_labels([1, 0], 2, "y", names, by_value=True).tolist() == [1, 0]
    assert to_class_numbers([1, 0], 2, "y", names).tolist() == [1, 0]


def test_a_number_that_is_written_in_two_ways_is_refused():
    with pytest.raises(ValueError, match="strings, each of one class. .* 1 at index 1$"):
        check_labels([2, 1], 2, "y", ["01", "1", "2"], by_value=True)
    assert check_labels(["1", "01"], 2, "y", ["01", "1"], by_value=True).tolist() == [1, 0]


def test_names_beside_integers_say_that_these_are_class_numbers():
    for names in (["1", "2", "unknown"], ["1", "0"]):
        with pytest.warns(UserWarning, match="labels are taken for class numbers"):
            assert to_class_numbers([1, 0], 2, "y", names).tolist() == [1, 0]
        assert to_class_numbers([1, 0], 2, "y", names, warn=False).tolist() == [1, 0]
    # Neither 0 nor 1 is a name.
    assert to_class_numbers([1, 0], 2, "y", ["cat", "911"]).tolist() == [1, 0]
    with pytest.warns(UserWarning, match="labels are matched to the names by their value"):
        assert to_class_numbers([-1, 1], 2, "y", ["-1", "0", "1"]).tolist() == [0, 2]


def test_names_that_are_whole_numbers():
    names = ["7", "-1", " 2.0", "1.5", "a1", ""]
    assert list(map(is_whole, names)) == [True, True, True, False, False, False]
