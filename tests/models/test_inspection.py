"""Activations, convolutions and compute dtypes of networks."""

import keras
import numpy as np

from keras_isa import backend
from keras_isa.models import ConvNet, ConvNet1D
from keras_isa.models.inspection import (
    activation_bytes,
    has_native_convolution,
    product_dtype,
)


def test_a_convnet_by_hand():
    # Input, convolution and ReLU at 8x8, pooling and features at 4x4, three logits.
    sizes = [64, 64 * 2, 64 * 2, 16 * 2, 16 * 2, 3]
    model = ConvNet((8, 8, 1), 3, width=2, depth=1)
    assert activation_bytes(model) == (4 * 64 * 2, 4 * sum(sizes))


def test_layers_inside_of_nested_models_count():
    inner = keras.Sequential([keras.Input((4,)), keras.layers.Dense(100)])
    inputs = keras.Input((4,))
    outer = keras.Model(inputs, keras.layers.Dense(3)(inner(inputs)))
    assert activation_bytes(outer)[0] == 400


def test_a_model_that_was_only_called_with_numbers_tells_nothing():
    class Network(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(3)

        def call(self, inputs):
            return self.dense(inputs)

    model = Network()
    model(np.zeros((2, 4)))
    assert activation_bytes(model) == (0, 0)


def test_native_convolutions_are_found_wherever_they_are(monkeypatch):
    monkeypatch.setattr(backend, "has_accelerator", lambda: False)
    # By default the network convolves natively on the other backends.
    ours = has_native_convolution(ConvNet((8, 8, 1), 3, width=8))
    assert ours == (keras.backend.backend() != "jax")
    assert has_native_convolution(ConvNet((8, 8, 1), 3, width=8, implementation="native"))
    assert has_native_convolution(ConvNet1D((8, 2), 3, width=8)) == ours
    assert has_native_convolution(ConvNet1D((8, 2), 3, width=8, implementation="native"))
    inner = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.DepthwiseConv2D(3)])
    inputs = keras.Input((8, 8, 1))
    assert has_native_convolution(keras.Model(inputs, inner(inputs)))
    assert not has_native_convolution(keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]))
    monkeypatch.setattr(backend, "has_accelerator", lambda: True)
    assert has_native_convolution(ConvNet((8, 8, 1), 3, width=8))


def test_what_contains_layers_has_no_format_of_its_own():
    model = ConvNet((8, 8, 1), 3, width=2, depth=1, dtype="float32")
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        inputs = keras.Input((8, 8, 1))
        assert product_dtype(keras.Model(inputs, model(inputs))) == "float32"
    finally:
        keras.config.set_dtype_policy("float32")


def test_a_short_format_of_any_layer_with_weights():
    inputs = keras.Input((8, 8, 1))
    half = keras.layers.Conv2D(2, 3, dtype="mixed_bfloat16")(inputs)
    assert product_dtype(keras.Model(inputs, keras.layers.Dense(3)(half))) == "bfloat16"
    relu = keras.layers.ReLU(dtype="mixed_bfloat16")(inputs)
    assert product_dtype(keras.Model(inputs, keras.layers.Dense(3)(relu))) == "float32"
