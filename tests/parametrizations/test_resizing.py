"""Resizing along an axis, compared with Keras's own and with sums written out."""

import keras
import numpy as np
import pytest

from keras_isa.parametrizations.resizing import enlarging, shrinking, tile_starts


@pytest.mark.parametrize(("small", "large"), [(1, 4), (2, 4), (3, 8), (4, 8), (10, 28), (5, 5)])
def test_enlarging_is_bilinear_as_that_of_keras(small, large):
    image = np.random.default_rng(0).normal(size=(1, small, small, 1)).astype("float32")
    theirs = keras.ops.image.resize(image, (large, large), interpolation="bilinear")
    matrix = enlarging(small, large)
    ours = matrix @ image[0, :, :, 0] @ matrix.T
    np.testing.assert_allclose(ours, keras.ops.convert_to_numpy(theirs)[0, :, :, 0], atol=1e-5)


@pytest.mark.parametrize(("large", "small"), [(4, 2), (28, 10), (7, 3), (5, 5), (3, 1)])
def test_shrinking_averages_over_the_area(large, small):
    values = np.random.default_rng(1).normal(size=large)
    fine = np.repeat(values, small)  # every pixel in as many parts as there will be pixels
    expected = fine.reshape(small, large).mean(axis=1)
    np.testing.assert_allclose(shrinking(large, small) @ values, expected, atol=1e-6)


@pytest.mark.parametrize("size", range(4, 33))
@pytest.mark.parametrize("factor", [2, 3, 4])
def test_tiles_cover_the_axis_and_stay_inside(size, factor):
    tile, starts = tile_starts(size, factor)
    covered = {pixel for start in starts for pixel in range(start, start + tile)}
    assert covered == set(range(size))
    assert len(starts) == factor
    if size % factor == 0:
        assert starts == [k * tile for k in range(factor)]
