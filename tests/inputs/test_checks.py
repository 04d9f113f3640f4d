"""Images of every kind of storage are checked once, and not read if that is not needed."""

from pathlib import Path

import numpy as np
import pytest

from keras_isa.inputs.arrays import StoredImages
from keras_isa.inputs.checks import check_dictionary, check_finite, check_images, check_keys


def test_stored_uint8_images_are_not_read():
    class Unreadable:
        shape, dtype = (5, 4, 4, 3), np.dtype("uint8")

        def __getitem__(self, rows):
            raise AssertionError("read")

    images = StoredImages(Unreadable())
    assert check_images(images, "x") is images
    with pytest.raises(ValueError, match="`x` must have shape .*volumes"):
        check_images(StoredImages(np.zeros((2, 3, 3, 3, 1), "uint8")), "x")
    with pytest.raises(ValueError, match="`x` must hold at least one image"):
        check_images(StoredImages(np.zeros((0, 3, 3, 1), "uint8")), "x")


def test_stored_floats_are_read_in_pieces():
    sizes = []

    class Counted(np.ndarray):
        def __getitem__(self, rows):
            found = super().__getitem__(rows)
            sizes.append(len(found))
            return found

    values = np.zeros((5000, 2, 2, 1), "float32")
    values[4321] = np.nan
    with pytest.raises(ValueError, match="`x` must hold finite .*1 such .*index 4321"):
        check_images(StoredImages(values.view(Counted)), "x")
    assert max(sizes) < 5000


def test_numbers_that_are_not_finite():
    assert check_finite([1, 2.5], "x").tolist() == [1, 2.5]
    with pytest.raises(ValueError, match="`x` must hold finite numbers. Received: nan at index 0$"):
        check_finite(float("nan"), "x")
    for values, received in (("a", "dtype=<U1$"), (["a"], "dtype=<U1, .*'a'.* at index 0$")):
        with pytest.raises(TypeError, match=f"`x` must hold numbers. Received: {received}"):
            check_finite(np.array(values), "x")


def test_names_and_bytes_of_files_are_no_images():
    for names in (["a.png", "b.png"], [b"a.png"], [Path("a.png")], np.array([b"\x89PNG\0"])):
        with pytest.raises(TypeError, match="`x` must hold numbers .* decode the images first"):
            check_images(names, "x")
    with pytest.raises(ValueError, match="`x` must hold .* decode the images first.*PNG"):
        check_images([b"\x89PNG\0"], "x")


def test_dictionaries_and_their_keys():
    assert check_dictionary(None, "d") == {}
    with pytest.raises(TypeError, match="`d` must be a dictionary"):
        check_dictionary([1], "d")
    check_keys({"a": 1}, ["a", "b"], "d")
    with pytest.raises(ValueError, match="`d` must have keys out of a, b. Received: c, d$"):
        check_keys({"d": 1, "a": 2, "c": 3}, ["a", "b"], "d")
    with pytest.raises(TypeError, match="`d` must be a mapping"):
        check_keys(["a"], ["a"], "d")
