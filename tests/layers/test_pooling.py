"""The layer of 2x2 averages against Keras's own pooling."""

import keras
import numpy as np

from keras_isa.layers.pooling import AveragePooling2x2


def test_the_layer_is_the_one_of_keras_for_images_of_unknown_size_too():
    inputs = keras.Input((None, 6, 3))
    model = keras.Model(inputs, AveragePooling2x2()(inputs))
    assert model.output.shape == (None, None, 3, 3)
    images = np.random.default_rng(0).normal(size=(2, 8, 6, 3)).astype("float32")
    expected = keras.layers.AveragePooling2D(2)(images)
    np.testing.assert_allclose(model(images), expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(AveragePooling2x2()(images), expected, rtol=1e-6, atol=1e-6)


def test_config_comes_back():
    layer = AveragePooling2x2(name="pool")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert (type(again), again.get_config()) == (AveragePooling2x2, layer.get_config())
