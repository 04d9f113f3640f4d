"""Images of PIL in a list."""

import numpy as np
import pytest

from keras_isa.inputs.checks import check_images
from keras_isa.inputs.values import to_array


def test_images_of_pil():
    image = pytest.importorskip("PIL.Image")
    grey = image.fromarray(np.arange(6, dtype="uint8").reshape(2, 3))
    assert check_images([grey, grey], "x").shape == (2, 2, 3, 1)
    with pytest.raises(ValueError, match=r"`x` must hold grey or RGB .*mode 'P' at index 1"):
        check_images([grey, grey.convert("P")], "x")
    with pytest.raises(ValueError, match=r"shape \(3, 2\) at index 1, and \(2, 3\) at index 0"):
        check_images([grey, grey.transpose(image.Transpose.ROTATE_90)], "x")
    with pytest.raises(ValueError, match=r"`x` must be a list of images; .*size \(3, 2\)"):
        to_array(grey, "x")
    with pytest.raises(ValueError, match="a ndarray of mode None at index 0"):
        to_array([np.zeros((2, 3), np.uint8), grey], "x")


def test_images_of_pil_are_seen_as_a_viewer_shows_them():
    image = pytest.importorskip("PIL.Image")
    turned = image.fromarray(np.arange(6, dtype="uint8").reshape(2, 3))
    turned.getexif()[0x0112] = 6  # turned clockwise
    assert to_array([turned], "x").tolist() == [[[3, 0], [4, 1], [5, 2]]]
    clear = [image.new("LA", (1, 1), (9, 0)), image.new("LA", (1, 1), (9, 255))]
    with pytest.warns(UserWarning, match="`x` has 2 images with transparency, the first at index"):
        assert to_array(clear, "x").ravel().tolist() == [255, 9]
    with pytest.warns(UserWarning, match="laid on white"):
        colour = to_array([image.new("RGB", (1, 1)), image.new("RGBA", (1, 1), (9, 9, 9, 0))], "x")
    assert colour.ravel().tolist() == [0, 0, 0, 255, 255, 255]
