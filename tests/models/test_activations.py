"""Counted sizes of what the layers of a network give."""

import keras
import numpy as np

from keras_isa.models import ConvNet
from keras_isa.models.activations import activation_bytes


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
