import numpy as np
import pytest

from keras_isa.datasets.downloads.pickled_arrays import (
    Array,
    Dtype,
    Name,
    set_state,
    to_array,
    to_dictionary,
    to_text,
    unwrap_arrays,
)

BYTE, INTEGER = Dtype(np.dtype("u1")), Dtype(np.dtype("<i4"))


def test_arrays_are_made_of_their_bytes():
    content = np.arange(6, dtype="u1").tobytes()
    assert to_array(content, BYTE, (2, 3)).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert to_array(memoryview(content), BYTE, (2, 3), b"F").tolist() == [[0, 2, 4], [1, 3, 5]]
    assert to_array(b"\1\0\0\0", INTEGER, ()).item() == 1


@pytest.mark.parametrize(
    ("content", "dtype", "shape", "reason"),
    [
        ("text", BYTE, (4,), "an array that is not of numbers"),
        (b"1234", "u1", (4,), "an array that is not of numbers"),
        (b"1234", BYTE, (-4,), "without a shape"),
        (b"1234", BYTE, [4], "without a shape"),
        (b"1234", BYTE, (1,) * 9, "more than eight axes"),
        (b"1234", INTEGER, (4,), "an array needs 16 bytes, but there are 4"),
    ],
)
def test_bytes_that_are_no_array_of_numbers(content, dtype, shape, reason):
    with pytest.raises(ValueError, match=reason):
        to_array(content, dtype, shape)


def test_a_state_is_set_once():
    dtype, array = Dtype(np.dtype("i4")), Array()
    set_state(dtype, (3, ">", None, None, None, -1, -1, 0))
    assert dtype.dtype == np.dtype(">i4")
    with pytest.raises(ValueError, match="an array without content"):
        unwrap_arrays({"data": array})
    set_state(array, (1, (1,), dtype, False, b"\0\0\0\2"))
    assert unwrap_arrays({"data": array, "name": "a"})["data"].tolist() == [2]
    for target in (array, Name("numpy.dtype"), {}):
        with pytest.raises(ValueError, match="neither an array nor a dtype"):
            set_state(target, (1, (1,), dtype, False, b"\0\0\0\2"))
    with pytest.raises(ValueError, match="a dtype that is not one of numbers"):
        set_state(dtype, (3, "|", None, ("a",), {}, -1, -1, 0))


def test_dictionaries_and_texts():
    assert to_dictionary([b"data", 1, "labels", [2]]) == {"data": 1, "labels": [2]}
    with pytest.raises(ValueError, match="a key in it has no value"):
        to_dictionary(["data"])
    with pytest.raises(ValueError, match="where a text should be"):
        to_text(3)
