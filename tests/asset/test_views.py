"""The set as arrays and batches, for every way in which it is stored."""

import numpy as np
import pytest

from keras_isa import DistilledData


@pytest.fixture(params=["identity", "multi_formation:2", "bases:3+quantized:8"])
def distilled(request):
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (30, 8, 8, 1)).astype("uint8"), np.arange(30) % 3
    return DistilledData.from_samples(x, y, 2, parametrization=request.param)


def test_pixels_go_back_to_model_space(distilled):
    images, labels = distilled.to_numpy()
    pixels, same = distilled.to_numpy(space="pixels")
    assert images.shape == pixels.shape == (len(distilled.class_ids), 8, 8, 1)
    np.testing.assert_array_equal(labels, same)
    np.testing.assert_allclose(distilled.preprocess(pixels), images, atol=1e-4)
    assert abs(pixels.mean() - 127) < 30


def test_batches_are_the_rows_in_order(distilled):
    images, labels = distilled.to_numpy()
    parts = list(distilled.batches(4))
    assert [len(part) for part, _ in parts[:-1]] == [4] * (len(parts) - 1)
    np.testing.assert_array_equal(np.concatenate([part for part, _ in parts]), images)
    np.testing.assert_array_equal(np.concatenate([part for _, part in parts]), labels)
    with pytest.raises(ValueError, match="batch_size"):
        next(distilled.batches(0))
    with pytest.raises(ValueError, match="space"):
        distilled.to_numpy("raw")
