"""Multi-formation, compared with tiles cut and resized one by one."""

import keras
import numpy as np
import pytest

from keras_isa.parametrizations import MultiFormation


@pytest.mark.parametrize("factor", [2, 3, 4])
@pytest.mark.parametrize("shared", [False, True])
def test_decode_cuts_and_enlarges_each_tile(factor, shared, rng):
    tiles = MultiFormation(factor, shared)
    size = 4 * factor
    images = rng.normal(size=(2, size, size, 3)).astype("float32")
    labels = rng.normal(size=(2 if shared else 2 * factor**2, 2)).astype("float32")
    found, found_labels = tiles.decode({"images": images, "labels": labels}, images.shape[1:])
    expected = []
    for image in images:
        for row in range(factor):
            for column in range(factor):
                tile = image[4 * row : 4 * row + 4, 4 * column : 4 * column + 4]
                resized = keras.ops.image.resize(tile[None], (size, size))
                expected.append(keras.ops.convert_to_numpy(resized)[0])
    np.testing.assert_allclose(keras.ops.convert_to_numpy(found), expected, atol=1e-5)
    own = np.repeat(labels, factor**2, axis=0) if shared else labels
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(found_labels), own)


@pytest.mark.parametrize("size", [(8, 8), (9, 7), (28, 28)])
@pytest.mark.parametrize("factor", [2, 3])
def test_smooth_images_survive_packing(size, factor):
    """A ramp is nearly the same ramp after it was averaged down and enlarged."""
    rows, columns = np.meshgrid(*(np.linspace(0, 1, n) for n in size), indexing="ij")
    images = np.stack([k * rows + columns for k in range(factor**2)])[..., None].astype("float32")
    tiles = MultiFormation(factor)
    stored = tiles.encode(images, np.eye(factor**2, dtype="float32"))
    assert stored["images"].shape == (1, *size, 1)
    found = keras.ops.convert_to_numpy(tiles.decode(stored, (*size, 1))[0])
    assert np.abs(found - images).mean() < 0.12 * factor
    flat = np.full_like(images, 2.5)
    again = tiles.decode(tiles.encode(flat, np.eye(factor**2)), (*size, 1))[0]
    np.testing.assert_allclose(keras.ops.convert_to_numpy(again), flat, rtol=1e-5)


def test_shared_labels_are_the_mean_of_those_of_the_tiles():
    labels = np.arange(16.0).reshape(8, 2)
    stored = MultiFormation(2, shared_labels=True).encode(np.zeros((8, 4, 4, 1)), labels)
    np.testing.assert_allclose(stored["labels"], labels.reshape(2, 4, 2).mean(axis=1))


@pytest.mark.parametrize("shape", [(3, 8, 1), (16, 3), (64,)])
def test_images_without_room_for_tiles_are_refused(shape):
    with pytest.raises(ValueError, match="needs images of at least 4 pixels a side"):
        MultiFormation(2).check(shape, 4)


@pytest.mark.parametrize("factor", [1, 9, 0, -2, 2.5, "2"])
def test_factors_out_of_range_are_refused(factor):
    with pytest.raises(ValueError, match="factor"):
        MultiFormation(factor)
