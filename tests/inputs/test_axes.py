"""Which axis is what: as said, as the shape shows, or refused."""

import numpy as np
import pytest

from keras_isa.inputs.arrays import StoredImages
from keras_isa.inputs.axes import AXES, find_axes, library_shape, to_library_axes
from keras_isa.inputs.checks import check_images

UINT8, FLOAT = np.dtype("uint8"), np.dtype("float32")


@pytest.mark.parametrize(
    ("shape", "dtype", "axes"),
    [
        ((5, 28, 28), UINT8, "NHW"),
        ((5, 32, 256), UINT8, "NHW"),  # lines of text
        ((5, 32, 256, 1), FLOAT, "NHWC"),
        ((5, 24, 24), FLOAT, "NHW"),
        ((5, 32, 32, 3), UINT8, "NHWC"),
        ((5, 3, 3, 3), UINT8, "NHWC"),
        ((5, 2, 9, 4), FLOAT, "NHWC"),
        ((5, 7, 7, 512), FLOAT, "NHWC"),
        ((5, 24, 32, 12), FLOAT, "NHWC"),
        ((5, 20), FLOAT, "NF"),
    ],
)
def test_what_is_unmistakable_is_read_silently(shape, dtype, axes):
    assert find_axes(shape, dtype, "x") == axes


@pytest.mark.parametrize(
    ("shape", "axes", "words"),
    [
        ((5, 3, 32, 32), "NCHW", "channels-first images"),
        ((5, 1, 28, 20), "NCHW", "channels-first images"),
        ((5, 48, 3), "NTF", r"sequences \(N, T, F\); if it is one image \(H, W, C\), add a"),
        ((5, 28, 20), "NHW", "grey images"),
        ((5, 128, 9, 1), "NHWC", r"images \(N, H, W, C\); if .* remove the last .*='NTF'"),
    ],
)
def test_what_is_likely_is_read_and_said(shape, axes, words):
    with pytest.warns(UserWarning, match=f"`x` of shape .* is read as {words}"):
        assert find_axes(shape, FLOAT, "x") == axes


@pytest.mark.parametrize("shape", [(5, 784, 1), (5, 1000, 3), (5, 3, 1000)])
def test_bytes_of_an_odd_shape_are_said_to_be_images(shape):
    with pytest.warns(UserWarning, match=r"grey images \(N, H, W\); .* axes='NTF' or 'NFT' \(--"):
        assert find_axes(shape, UINT8, "x") == "NHW"
    assert find_axes(shape, UINT8, "x", "NTF") == "NTF"


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((5, 28, 28, 28), "things: 'NHWC' for images of 28 channels; volumes .* are not supported"),
        ((5, 13, 64, 64), "'NCHW' for channels-first images of 13 channels, 'NHWC' for .* of 64"),
        ((5, 12, 24, 32), "'NCHW' for channels-first images of 12 channels, 'NHWC' for .* of 32"),
        ((5, 9, 128), r"'NHW' for grey .*, 'NTF' for sequences, 'NFT' for .*s. Received: .*128\)$"),
        ((5, 8, 8, 8, 1), "volumes or videos"),
        ((32, 24, 3, 40), "an axis of length 40 is last; move it to the front"),
        ((5,), "must have shape"),
    ],
)
def test_what_could_be_two_things_is_refused(shape, words):
    with pytest.raises(ValueError, match=words):
        find_axes(shape, FLOAT, "x")


@pytest.mark.parametrize("axes", AXES)
def test_what_is_said_counts(axes):
    shape = (2, 5, 5, 5)[: len(axes)]
    assert find_axes(shape, FLOAT, "x", axes) == axes
    assert library_shape(shape, axes) == to_library_axes(np.zeros(shape), axes).shape
    with pytest.raises(ValueError, match="`axes` must have one letter"):
        find_axes((*shape, 5), FLOAT, "x", axes)


def test_an_unknown_word_is_refused():
    with pytest.raises(ValueError, match="`axes` must be one of NHWC"):
        find_axes((2, 5, 5), FLOAT, "x", "NWH")


@pytest.mark.parametrize(
    ("shape", "image_shape", "axes"),
    [
        ((5, 9, 128), (9, 128), "NTF"),
        ((5, 28, 20), (28, 20, 1), "NHW"),
        ((5, 28, 28, 28), (28, 28, 28), "NHWC"),
    ],
)
def test_a_known_shape_decides(shape, image_shape, axes):
    assert find_axes(shape, FLOAT, "x", image_shape=image_shape) == axes


@pytest.mark.parametrize(
    ("shape", "image_shape", "axes"),
    [((5, 13, 64, 32), (64, 32, 13), "NCHW"), ((5, 9, 128), (128, 9), "NFT")],
)
def test_what_fits_a_known_shape_turned_is_turned_and_said(shape, image_shape, axes):
    with pytest.warns(UserWarning, match="first"):
        assert find_axes(shape, FLOAT, "x", image_shape=image_shape) == axes


@pytest.mark.parametrize("stored", [False, True])
def test_channels_first_pixels_come_to_their_places(stored):
    pixels = np.arange(2 * 3 * 6 * 5, dtype="uint8").reshape(2, 3, 6, 5)
    with pytest.warns(UserWarning, match="channels-first"):
        found = check_images(StoredImages(pixels) if stored else pixels, "x")
    assert found.shape == (2, 6, 5, 3)
    for n, c, h, w in np.ndindex(2, 3, 6, 5):
        assert found[n : n + 1][0, h, w, c] == pixels[n, c, h, w]
