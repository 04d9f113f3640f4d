"""Features of random networks side by side."""

import keras
import numpy as np
import pytest

from keras_isa import ops
from keras_isa.inputs.arrays import to_numpy
from keras_isa.models import MLP, ConvNet
from keras_isa.models.random_features import RandomFeatures
from keras_isa.models.recorded_network import RecordedNetwork


def test_products_are_the_kernel_of_the_formula():
    network = RecordedNetwork(lambda: ConvNet((8, 8, 1), 2, width=3), (8, 8, 1), 2)
    features = RandomFeatures(network, networks=3, judges=2, seed=1)
    x = np.random.default_rng(0).normal(size=(4, 8, 8, 1)).astype("float32")
    networks = features.fresh(keras.random.SeedGenerator(5))
    found = to_numpy(features.features(networks, x))
    parts = [to_numpy(features.ensemble.features(one, x)).reshape(4, -1) for one in networks]
    size = parts[0].shape[1]
    assert found.shape == (4, features.length) == (4, 3 * size + 1)
    expected = sum(2 / (3 * size) * part @ part.T for part in parts) + 0.01
    np.testing.assert_allclose(found @ found.T, expected, rtol=1e-4)


def test_fresh_networks_differ_and_judges_stay():
    network = RecordedNetwork(lambda: ConvNet((8, 8, 1), 2, width=3), (8, 8, 1), 2)
    features = RandomFeatures(network, networks=2, judges=3)
    x = np.ones((1, 8, 8, 1), "float32")
    generator = keras.random.SeedGenerator(0)
    drawn = [to_numpy(features.features(features.fresh(generator), x)) for _ in range(2)]
    assert not np.allclose(*drawn)
    judged = [to_numpy(features.features(features.read(0), x)) for _ in range(2)]
    np.testing.assert_array_equal(*judged)
    assert len(features.read(0)) == 3 and features.size == 1


def test_many_wide_networks_have_the_kernel_of_infinite_ones():
    def build():
        return MLP((5,), 2, width=2000, depth=2, initialization="nngp")

    features = RandomFeatures(RecordedNetwork(build, (5,), 2), networks=8, judges=12, seed=3)
    x = np.random.default_rng(1).normal(size=(4, 5)).astype("float32")
    found = to_numpy(features.features(features.read(0), x))
    expected = to_numpy(ops.infinite_width_kernel(x, x, depth=2))
    np.testing.assert_allclose(found @ found.T, expected, rtol=0.15)


def test_numbers_are_checked():
    network = RecordedNetwork(lambda: MLP((5,), 2, width=3), (5,), 2)
    with pytest.raises(ValueError, match="`networks`"):
        RandomFeatures(network, networks=0)
    with pytest.raises(ValueError, match="`judges`"):
        RandomFeatures(network, networks=1, judges=0)
