"""Batches of images for the preprocessing layers, and statistics of channels."""

import numpy as np
import pytest

from keras_isa.inputs.arrays import StoredImages
from keras_isa.layers import pixel_statistics
from keras_isa.layers.pixel_statistics import channel_statistics, image_batches

IMAGES = np.random.default_rng(0).integers(0, 256, (23, 4, 4, 2)).astype("uint8")


@pytest.mark.parametrize(
    "images",
    [IMAGES, StoredImages(IMAGES), [IMAGES[:1], IMAGES[1:1], IMAGES[1:]], iter([IMAGES])],
    ids=["array", "stored", "parts", "iterator"],
)
def test_every_image_comes_once_in_bounded_parts(monkeypatch, images):
    monkeypatch.setattr(pixel_statistics, "CHUNK_BYTES", 5 * 8 * 32)
    parts = list(image_batches(images))
    assert all(1 <= len(part) <= 5 for part in parts)
    np.testing.assert_array_equal(np.concatenate(parts), IMAGES)


@pytest.mark.parametrize(
    ("images", "error", "message"),
    [
        (3, TypeError, "an array or an iterable of arrays. Received: int"),
        ("images", TypeError, "an array or an iterable of arrays. Received: str"),
        (np.zeros(()), ValueError, r"must have shape \(N, ..., C\). Received: \(\)"),
        (np.zeros(3), ValueError, r"must have shape \(N, ..., C\)"),
        (np.zeros((2, 2), complex), TypeError, "real numbers. Received: dtype=complex128"),
        (np.full((2, 2), np.inf), ValueError, "finite pixels"),
        ([np.zeros((2, 3)), np.zeros((2, 4))], ValueError, r"\(2, 4\) after \(2, 3\)"),
        (np.zeros((0, 2)), ValueError, r"at least one image. Received: images.shape=\(0, 2\)"),
        ([], ValueError, "at least one image. Received: none"),
    ],
)
def test_other_values_are_refused(images, error, message):
    with pytest.raises(error, match=message):
        list(image_batches(images))


def test_statistics_of_a_channel_are_those_of_all_its_pixels():
    images = np.random.default_rng(1).normal(size=(50, 4, 4, 3)) * [1, 2, 3] + [0, 5, -5]
    expected = images.mean(axis=(0, 1, 2)), images.std(axis=(0, 1, 2))
    mean, variance = images.mean(axis=0), images.var(axis=0)
    for found in (
        channel_statistics(mean, variance),
        channel_statistics(mean, variance.mean(axis=0, keepdims=True)),
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_constant_channel_has_the_deviation_one():
    mean = np.array([[7.0, 1e6, 0.0]])
    centre, std = channel_statistics(mean, np.array([[0.0, 1e-4, 4.0]]))
    assert centre.tolist() == [7.0, 1e6, 0.0]
    assert std.tolist() == [1.0, 1.0, 2.0]  # a spread of 0.01 on a million is rounding
