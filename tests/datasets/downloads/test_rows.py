import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from keras_isa.datasets.downloads.pickles import read_pickle
from keras_isa.datasets.downloads.rows import label_array, renumber_labels


@pytest.mark.parametrize("labels", [[3, 0, 9], (3, 0, 9), np.array([[3], [0], [9]], ">i4")])
def test_labels(labels):
    found = label_array(labels)
    assert (found.tolist(), found.dtype) == ([3, 0, 9], np.int64)


@pytest.mark.parametrize(
    "labels",
    [None, "12", b"12", 3, 2.5, [True], [[1, 2]], ([1], [2]), (1, (2,)), [2**70], np.zeros(3)],
)
def test_what_is_no_labels(labels):
    with pytest.raises(ValueError, match="its labels are not whole numbers"):
        label_array(labels)


@pytest.mark.parametrize("end", [b"\x86", b"\x87"], ids=["two", "three"])
def test_a_list_that_is_named_again_and_again(tmp_path, end):
    """A file of two kilobytes whose labels would be millions of numbers."""
    ones = b"]q\x01(" + b"K\x01" * 300 + b"e"
    lists = b"]q\x02(" + b"h\x01" * 300 + b"e"
    several = b"h\x02" * (end[0] - 0x84)
    path = tmp_path / "batch"
    path.write_bytes(b"\x80\x02}U\x01a" + ones + b"sU\x01b" + lists + b"sU\x06labels" + several)
    path.write_bytes(path.read_bytes() + end + b"s.")
    assert path.stat().st_size < 2_000
    labels = read_pickle(path)["labels"]
    assert np.shape(labels[0][:2]) == (2, 300)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="its labels are not whole numbers"):
            label_array(labels)
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


def test_classes_of_the_training_part_are_counted_without_gaps():
    found = renumber_labels(np.array([5, 1, 9]), np.array([1, 5, 9]), Path("labels"))
    assert (found.tolist(), found.dtype) == ([1, 0, 2], np.int32)
    with pytest.raises(ValueError, match="its training part lacks. Received: 4 in labels$"):
        renumber_labels(np.array([5, 4]), np.array([1, 5, 9]), Path("labels"))
