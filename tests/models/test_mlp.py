"""The network for flat features: shapes, order of the layers, initial weights, count."""

import math

import keras
import numpy as np
import pytest

from keras_isa.inputs.arrays import to_numpy
from keras_isa.models import MLP, default_flops

FEATURES = np.random.default_rng(0).normal(size=(6, 5)).astype("float32")


def test_it_is_dense_and_relu_with_the_last_activations_as_features():
    network = MLP((5,), 3, width=4, depth=2)
    assert [tuple(output.shape) for output in network.outputs] == [(None, 3), (None, 4)]
    kernels = [np.array(v) for v in network.weights if v.path.endswith("kernel")]
    assert [kernel.shape for kernel in kernels] == [(5, 4), (4, 4), (4, 3)]
    hidden = np.maximum(np.maximum(FEATURES @ kernels[0], 0) @ kernels[1], 0)
    logits, features = map(to_numpy, network(FEATURES))
    np.testing.assert_allclose(features, hidden, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(logits, hidden @ kernels[2], rtol=1e-5, atol=1e-6)


def test_normalisation_comes_before_every_block_but_the_first():
    network = MLP((5,), 3, width=4, depth=3, normalization="batch")
    kinds = [type(layer).__name__ for layer in network.layers]
    block = ["Dense", "ReLU"]
    again = ["BatchNormalization", *block]
    assert kinds == ["InputLayer", *block, *again, *again, "Dense"]
    normalization = network.layers[3]
    before = to_numpy(keras.Model(network.input, normalization.input)(FEATURES))
    network(FEATURES, training=True)
    np.testing.assert_allclose(normalization.moving_mean, 0.9 * before.mean(axis=0), rtol=1e-5)


def test_weights_start_from_lecun_normal_and_biases_from_zero():
    for layer in MLP((300,), 200, width=250).layers:
        if hasattr(layer, "kernel"):
            kernel = np.array(layer.kernel)
            assert kernel.std() * np.sqrt(len(kernel)) == pytest.approx(1.0, abs=0.03)
            np.testing.assert_array_equal(layer.bias, 0)


@pytest.mark.parametrize(("features", "depth"), [(1, 1), (30, 2), (7, 3)])
def test_the_count_is_two_for_every_kernel_entry(features, depth):
    network = MLP((features,), 3, width=6, depth=depth)
    entries = sum(math.prod(v.shape) for v in network.weights if v.path.endswith("kernel"))
    assert default_flops((features,), 3, 6, depth) == 2 * entries


@pytest.mark.parametrize(
    ("argument", "options"),
    [
        ("input_shape", {"input_shape": (8, 8, 1)}),
        ("input_shape", {"input_shape": (0,)}),
        ("input_shape", {"input_shape": (None,)}),
        ("num_classes", {"num_classes": 0}),
        ("width", {"width": 1.5}),
        ("depth", {"depth": 0}),
        ("depth", {"depth": None}),
        ("normalization", {"normalization": "layer"}),
        ("normalization", {"normalization": "instance"}),
    ],
)
def test_arguments_out_of_range_are_refused(argument, options):
    options = {"input_shape": (5,), "num_classes": 10, **options}
    with pytest.raises(ValueError, match=f"`{argument}` must be .*Received"):
        MLP(**options)
