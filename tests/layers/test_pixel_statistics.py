"""Batches of images for the preprocessing layers; statistics of channels, and for whitening."""

import keras
import numpy as np
import pytest

from keras_isa.inputs.arrays import StoredImages, to_numpy
from keras_isa.layers import pixel_statistics
from keras_isa.layers.pixel_statistics import (
    BlockMoments,
    blocks_to_space,
    channel_statistics,
    check_whitening_memory,
    image_batches,
    space_to_blocks,
)

RNG = np.random.default_rng(0)

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


# ---------------------------------------------------------------- for whitening


@pytest.mark.parametrize(
    ("shape", "blocks"), [((4, 6, 3), 2), ((6, 3, 2), 3), ((4, 4, 1), 1), ((5,), 1)]
)
def test_blocks_are_the_interleaved_images(shape, blocks):
    images = RNG.normal(size=(3, *shape)).astype("float32")
    parts = space_to_blocks(images, blocks)
    assert parts.shape == (3, blocks**2, images[0].size // blocks**2)
    if len(shape) == 3:
        for k in range(blocks**2):
            part = images[:, k // blocks :: blocks, k % blocks :: blocks]
            np.testing.assert_array_equal(parts[:, k], part.reshape(3, -1))
    np.testing.assert_array_equal(blocks_to_space(parts, blocks, shape), images)
    tensors = space_to_blocks(keras.ops.convert_to_tensor(images), blocks, keras.ops)
    np.testing.assert_array_equal(to_numpy(tensors), parts)
    back = blocks_to_space(tensors, blocks, shape, keras.ops)
    np.testing.assert_array_equal(to_numpy(back), images)


@pytest.mark.parametrize("blocks", [1, 2])
def test_parts_give_the_statistics_of_the_whole(monkeypatch, blocks):
    images = RNG.integers(0, 256, (60, 4, 4, 2)).astype("uint8")
    whole, parts = (BlockMoments((4, 4, 2), blocks) for _ in range(2))
    whole.add(images)
    monkeypatch.setattr(pixel_statistics, "_PRODUCT_ROWS", 16)
    for start in range(0, 60, 7):
        parts.add(images[start : start + 7])
    expected = whole.whitening(0.1, True)
    for name, found in parts.whitening(0.1, True).items():
        np.testing.assert_allclose(np.abs(found), np.abs(expected[name]), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("count", [5, 80])  # fewer images than pixels, and more
def test_eigenvectors_and_factors_whiten(count):
    images = RNG.normal(size=(count, 4, 4, 1)) * np.linspace(1, 3, 4)[:, None] + 7
    moments = BlockMoments((4, 4, 1), 1)
    moments.add(images)
    whitening = moments.whitening(0.0, standardize=False)
    vectors, scale = whitening["eigenvectors"], whitening["scale"]
    directions = min(count - 1, 16)
    assert vectors.shape == (16, directions) and scale.shape == (directions,)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(directions), atol=1e-9)
    np.testing.assert_allclose(whitening["mean"], images.mean(axis=0), rtol=1e-12)
    rows = (images - whitening["mean"]).reshape(count, -1) @ vectors * scale
    np.testing.assert_allclose(rows.T @ rows / count, np.eye(directions), atol=1e-8)


def test_too_large_a_whitening_says_what_it_needs_and_what_to_do(monkeypatch):
    monkeypatch.setattr("keras_isa.memory.available_bytes", lambda: 10**6)
    check_whitening_memory(1000, (10, 10, 1), 1)  # 40 * 100**2 bytes
    with pytest.raises(ValueError, match="^whitening 400 features needs .*use blocks=2"):
        check_whitening_memory(1000, (20, 20, 1), 1)
    with pytest.raises(ValueError, match="whitening 441 features needs") as error:
        check_whitening_memory(1000, (21, 21, 1), 1)
    assert "blocks" not in str(error.value) and "'standardize'" in str(error.value)
