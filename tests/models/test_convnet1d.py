"""The network of sequences against NumPy: shapes, order of the layers, depth, arguments."""

import keras
import numpy as np
import pytest

from keras_isa.inputs.arrays import to_numpy
from keras_isa.models import ConvNet1D, default_flops

RNG = np.random.default_rng(0)


def in_numpy(x, kernels):
    """Convolution over 5 steps, ReLU, mean of 2 steps, block by block; then the mean of all."""
    for kernel in kernels:
        padded = np.pad(x, ((0, 0), (2, 2), (0, 0)))
        windows = np.stack([padded[:, k : k + x.shape[1]] for k in range(5)], axis=2)
        x = np.maximum(np.einsum("btkc,kcf->btf", windows, kernel), 0)
        steps = x.shape[1] // 2 * 2
        x = (x[:, 0:steps:2] + x[:, 1:steps:2]) / 2
    return x.mean(axis=1)


@pytest.mark.parametrize("implementation", ["auto", "native", "patches"])
@pytest.mark.parametrize("steps", [2, 5, 13])
def test_features_and_logits_are_those_of_numpy(steps, implementation):
    network = ConvNet1D((steps, 3), 4, width=6, implementation=implementation)
    x = RNG.normal(size=(7, steps, 3)).astype("float32")
    logits, features = map(to_numpy, network(x))
    kernels = [to_numpy(v).astype("float64") for v in network.weights if len(v.shape) == 3]
    assert len(kernels) == {2: 1, 5: 2, 13: 3}[steps]
    expected = in_numpy(x.astype("float64"), kernels)
    np.testing.assert_allclose(features, expected, rtol=1e-4, atol=1e-5)
    head = to_numpy(network.get_layer("logits").kernel)
    np.testing.assert_allclose(logits, expected @ head, rtol=1e-4, atol=1e-4)


def test_normalisation_comes_before_every_block_but_the_first():
    network = ConvNet1D((16, 2), 3, width=2, normalization="batch")
    block = ["PatchConv1D", "ReLU", "AveragePooling1D"]
    normalized = ["BatchNormalization", *block]
    assert [type(layer).__name__ for layer in network.layers] == [
        *("InputLayer", *block, *normalized, *normalized),
        *("GlobalAveragePooling1D", "Dense"),
    ]


def test_instance_normalisation_follows_every_convolution_of_constant_width():
    options = {"normalization": "instance", "constant_width": True}
    network = ConvNet1D((16, 2), 3, width=4, depth=2, **options)
    block = ["PatchConv1D", "GroupNormalization", "ReLU", "AveragePooling1D"]
    assert [type(layer).__name__ for layer in network.layers] == [
        *("InputLayer", *block, *block),
        *("GlobalAveragePooling1D", "Dense"),
    ]
    normalization = next(layer for layer in network.layers if "normalization" in layer.name)
    x = (3 + 2 * RNG.normal(size=(5, 16, 2))).astype("float32")
    before = to_numpy(keras.Model(network.input, normalization.input)(x)).astype("float64")
    after = to_numpy(keras.Model(network.input, normalization.output)(x))
    centred = before - before.mean(axis=1, keepdims=True)
    expected = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(after, expected, rtol=0, atol=1e-4)
    assert network.outputs[1].shape == (None, 4)
    count = 2 * 5 * (16 * 2 * 4 + 8 * 4 * 4) + 2 * 4 * 3
    assert default_flops((16, 2), 3, 4, 2, constant_width=True) == count


@pytest.mark.parametrize(("steps", "blocks"), [(2, 1), (4, 2), (8, 3), (63, 3), (64, 4), (500, 5)])
def test_long_sequences_get_more_blocks(steps, blocks):
    assert ConvNet1D((steps, 1), 2, width=1).outputs[1].shape == (None, 2 ** (blocks - 1))


def test_weights_start_from_lecun_normal():
    for layer in ConvNet1D((16, 3), 4, width=64).layers:
        if hasattr(layer, "kernel"):
            kernel = to_numpy(layer.kernel)
            assert kernel.std() * np.sqrt(kernel[..., 0].size) == pytest.approx(1.0, abs=0.08)


def test_saved_and_loaded(tmp_path):
    network = ConvNet1D((8, 2), 3, width=4, normalization="batch", implementation="native")
    network.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras")
    x = RNG.normal(size=(3, 8, 2)).astype("float32")
    for result, expected in zip(loaded(x), network(x), strict=True):
        np.testing.assert_allclose(to_numpy(result), to_numpy(expected), rtol=1e-6)
    assert {layer.implementation for layer in loaded.layers if "conv" in layer.name} == {"native"}


@pytest.mark.parametrize(
    ("argument", "options"),
    [
        ("input_shape", {"input_shape": (8, 8, 1)}),
        ("input_shape", {"input_shape": (1, 3)}),
        ("input_shape", {"input_shape": (0, 3)}),
        ("num_classes", {"num_classes": 0}),
        ("width", {"width": 0}),
        ("normalization", {"normalization": "layer"}),
        ("depth", {"depth": 0}),
        ("depth", {"depth": 4}),
        ("implementation", {"implementation": "winograd"}),
    ],
)
def test_arguments_out_of_range_are_refused(argument, options):
    with pytest.raises(ValueError, match=f"`{argument}` must be .*Received"):
        ConvNet1D(**{"input_shape": (8, 2), "num_classes": 3, **options})
