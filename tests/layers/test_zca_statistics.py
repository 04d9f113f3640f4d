"""Statistics for whitening: blocks of images, memory, and both ways to the eigenvectors."""

import keras
import numpy as np
import pytest

from keras_isa.inputs.arrays import to_numpy
from keras_isa.layers import zca_statistics
from keras_isa.layers.zca_statistics import (
    BlockMoments,
    blocks_to_space,
    check_whitening_memory,
    space_to_blocks,
)

RNG = np.random.default_rng(0)


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
    monkeypatch.setattr(zca_statistics, "_PRODUCT_ROWS", 16)
    for start in range(0, 60, 7):
        parts.add(images[start : start + 7])
    for found, expected in zip(parts.whitening(0.1, True), whole.whitening(0.1, True), strict=True):
        np.testing.assert_allclose(np.abs(found), np.abs(expected), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("count", [5, 80])  # fewer images than pixels, and more
def test_eigenvectors_and_factors_whiten(count):
    images = RNG.normal(size=(count, 4, 4, 1)) * np.linspace(1, 3, 4)[:, None] + 7
    moments = BlockMoments((4, 4, 1), 1)
    moments.add(images)
    whitening = moments.whitening(0.0, standardize=False)
    vectors, scale = whitening.eigenvectors, whitening.scale
    directions = min(count - 1, 16)
    assert vectors.shape == (16, directions) and scale.shape == (directions,)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(directions), atol=1e-9)
    np.testing.assert_allclose(whitening.mean, images.mean(axis=0), rtol=1e-12)
    rows = (images - whitening.mean).reshape(count, -1) @ vectors * scale
    np.testing.assert_allclose(rows.T @ rows / count, np.eye(directions), atol=1e-8)


def test_too_large_a_whitening_says_what_it_needs_and_what_to_do(monkeypatch):
    monkeypatch.setattr("keras_isa.memory.available_bytes", lambda: 10**6)
    check_whitening_memory(1000, (10, 10, 1), 1)  # 40 * 100**2 bytes
    with pytest.raises(ValueError, match="^whitening 400 features needs .*use blocks=2"):
        check_whitening_memory(1000, (20, 20, 1), 1)
    with pytest.raises(ValueError, match="whitening 441 features needs") as error:
        check_whitening_memory(1000, (21, 21, 1), 1)
    assert "blocks" not in str(error.value) and "'standardize'" in str(error.value)
