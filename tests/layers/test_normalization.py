"""Normalisations against those of Keras; tests/kernels differentiates them twice."""

import keras
import numpy as np
import pytest

from keras_isa import backend
from keras_isa.inputs.arrays import to_numpy
from keras_isa.layers.normalization import BatchNormalization, GroupNormalization

KINDS = {
    "batch": (BatchNormalization, {}),
    "rows": (BatchNormalization, {"axis": 1}),
    "groups": (GroupNormalization, {"groups": 2}),
    "channels": (GroupNormalization, {"groups": -1}),
    "rows in groups": (GroupNormalization, {"groups": 3, "axis": 1}),
}


@pytest.mark.parametrize("name", KINDS)
def test_values_and_statistics_are_those_of_keras(name):
    kind, options = KINDS[name]
    images = np.random.default_rng(0).normal(2, 3, size=(4, 3, 5, 4)).astype("float32")
    ours, keras_own = kind(**options), getattr(keras.layers, kind.__name__)(**options)
    wanted = to_numpy(keras.Sequential([keras_own])(images, training=True))
    network = keras.Sequential([ours])
    np.testing.assert_array_equal(to_numpy(network(images, training=True)), wanted)
    statistics = [to_numpy(variable) for variable in ours.variables]
    for found, expected in zip(statistics, keras_own.variables, strict=True):
        np.testing.assert_array_equal(found, to_numpy(expected))
    # Moving statistics are those of the images as they are.
    with backend.freely_differentiable():
        again = kind(**options)
        freely = keras.Sequential([again])(images, training=True)
    np.testing.assert_allclose(to_numpy(freely), wanted, rtol=1e-5, atol=1e-5)
    for found, expected in zip(again.variables, statistics, strict=True):
        np.testing.assert_allclose(to_numpy(found), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", KINDS)
def test_config_comes_back(name):
    kind, options = KINDS[name]
    layer = kind(**options)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert (type(again), again.get_config()) == (kind, layer.get_config())
