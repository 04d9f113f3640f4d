"""The ConvNet of FRePo: shapes, order of the layers, initial weights."""

import keras
import numpy as np
import pytest

from keras_isa.inputs.arrays import to_numpy
from keras_isa.layers import PatchConv2D
from keras_isa.models import ConvNet, default_flops


@pytest.mark.parametrize(
    ("shape", "options", "features", "blocks"),
    [
        ((28, 28, 1), {}, 8192, 3),  # padded to 32 x 32
        ((28, 28, 3), {"width": 8}, 3 * 3 * 32, 3),  # colour is not padded
        ((32, 48, 3), {"width": 8}, 4 * 6 * 32, 3),
        ((8, 8, 1), {"width": 8}, 32, 3),
        ((7, 9, 1), {"width": 8}, 2 * 16, 2),
        ((4, 4, 1), {"width": 8}, 16, 2),
        ((2, 2, 1), {"width": 8}, 8, 1),
        ((64, 64, 3), {"width": 4}, 4 * 4 * 32, 4),
        ((128, 128, 3), {"width": 4}, 4 * 4 * 64, 5),
        ((32, 32, 3), {"width": 8, "depth": 1}, 16 * 16 * 8, 1),
        ((28, 28, 1), {"width": 8, "depth": 5}, 128, 5),
    ],
)
def test_shapes_and_depths(shape, options, features, blocks):
    network = ConvNet(shape, 7, **options)
    assert [tuple(output.shape) for output in network.outputs] == [(None, 7), (None, features)]
    convolutions = [layer for layer in network.layers if isinstance(layer, PatchConv2D)]
    width = options.get("width", 128)
    assert [layer.filters for layer in convolutions] == [width * 2**i for i in range(blocks)]


def kinds(network):
    return [type(layer).__name__ for layer in network.layers]


def test_normalisation_comes_before_the_convolution_and_not_in_the_first_block():
    block = ["PatchConv2D", "ReLU", "AveragePooling2x2"]
    expected = ["InputLayer", *block, "BatchNormalization", *block, "BatchNormalization", *block]
    network = ConvNet((32, 32, 3), 10, width=2, normalization="batch")
    assert kinds(network) == [*expected, "Flatten", "Dense"]
    plain = kinds(ConvNet((28, 28, 1), 10, width=2))
    assert plain == ["InputLayer", "ZeroPadding2D", *block * 3, "Flatten", "Dense"]


def test_batch_statistics_keep_a_tenth_of_the_old_ones():
    network = ConvNet((8, 8, 1), 10, width=4, depth=2, normalization="batch")
    images = np.random.default_rng(0).normal(size=(6, 8, 8, 1)).astype("float32")
    (normalization,) = [
        layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)
    ]
    before = to_numpy(keras.Model(network.input, normalization.input)(images))
    network(images, training=True)
    mean, variance = before.mean(axis=(0, 1, 2)), before.var(axis=(0, 1, 2))
    np.testing.assert_allclose(normalization.moving_mean, 0.9 * mean, rtol=1e-5)
    np.testing.assert_allclose(normalization.moving_variance, 0.1 + 0.9 * variance, rtol=1e-5)
    assert normalization.epsilon == pytest.approx(1e-5)


def instance_normalized(x, gamma, beta):
    axes = tuple(range(1, x.ndim - 1))
    deviation = np.sqrt(x.var(axis=axes, keepdims=True) + 1e-5)
    return gamma * (x - x.mean(axis=axes, keepdims=True)) / deviation + beta


def test_network_with_instance_normalisation_is_that_of_numpy():
    options = {"normalization": "instance", "constant_width": True}
    network = ConvNet((8, 6, 2), 3, width=4, depth=2, **options)
    rng = np.random.default_rng(0)
    network.set_weights([rng.normal(size=value.shape) for value in network.get_weights()])
    images = 2 + 3 * rng.normal(size=(5, 8, 6, 2)).astype("float32")
    *blocks, head, head_bias = [np.array(value, "float64") for value in network.get_weights()]
    x = images.astype("float64")
    for kernel, bias, gamma, beta in (blocks[:4], blocks[4:]):
        _, height, width, _ = x.shape
        padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
        x = bias + sum(
            padded[:, i : i + height, j : j + width] @ kernel[i, j]
            for i in range(3)
            for j in range(3)
        )
        x = np.maximum(instance_normalized(x, gamma, beta), 0)
        height, width = height // 2, width // 2
        x = x[:, : 2 * height, : 2 * width].reshape(5, height, 2, width, 2, 4).mean(axis=(2, 4))
    expected = x.reshape(5, -1)
    for training in (False, True):
        logits, features = map(to_numpy, network(images, training=training))
        np.testing.assert_allclose(features, expected, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(logits, expected @ head + head_bias, rtol=1e-4, atol=1e-3)


def test_instance_normalisation_follows_every_convolution():
    block = ["PatchConv2D", "GroupNormalization", "ReLU", "AveragePooling2x2"]
    network = ConvNet((28, 28, 1), 10, width=2, normalization="instance")
    assert kinds(network) == ["InputLayer", "ZeroPadding2D", *block * 3, "Flatten", "Dense"]


@pytest.mark.parametrize("normalization", ["identity", "instance"])
def test_constant_width_and_its_count(normalization):
    options = {"width": 4, "depth": 3, "constant_width": True, "normalization": normalization}
    network = ConvNet((8, 8, 3), 10, **options)
    assert [layer.filters for layer in network.layers if "conv" in layer.name] == [4, 4, 4]
    count = 2 * 9 * (64 * 3 * 4 + 16 * 4 * 4 + 4 * 4 * 4) + 2 * 4 * 10
    assert default_flops((8, 8, 3), 10, 4, 3, constant_width=True) == count


def test_logits_are_linear_in_the_features_and_features_are_not_negative():
    network = ConvNet((8, 8, 1), 10, width=4)
    logits, features = map(to_numpy, network(np.random.default_rng(0).normal(size=(3, 8, 8, 1))))
    head = network.get_layer("logits")
    kernel, bias = (np.array(v) for v in (head.kernel, head.bias))
    np.testing.assert_allclose(logits, features @ kernel + bias, atol=1e-5)
    assert features.min() >= 0 < features.max()


def test_weights_start_from_lecun_normal_and_biases_from_zero():
    network = ConvNet((32, 32, 3), 10, width=32)
    for layer in network.layers:
        if hasattr(layer, "kernel"):
            kernel = np.array(layer.kernel)
            fan_in = kernel[..., 0].size
            assert kernel.std() * np.sqrt(fan_in) == pytest.approx(1.0, abs=0.05), layer.name
            np.testing.assert_array_equal(layer.bias, 0)


def test_weights_of_dc_start_as_in_pytorch():
    options = {"normalization": "instance", "constant_width": True}
    kernels = {}
    for layer in ConvNet((32, 32, 3), 50, width=32, **options).layers:
        if hasattr(layer, "kernel"):
            kernels[layer.name] = kernel = np.array(layer.kernel)
            most = 1 / np.sqrt(kernel[..., 0].size)
            assert 0.95 * most < np.abs(kernel).max() <= most, layer.name
            assert kernel.std() == pytest.approx(most / np.sqrt(3), rel=0.05)
            np.testing.assert_array_equal(layer.bias, 0)
    _, one, other, _ = kernels.values()
    assert not np.allclose(one, other)


def test_padding_is_with_zeros_around_28_pixels():
    images = np.random.default_rng(0).normal(size=(2, 28, 28, 1)).astype("float32")
    small = ConvNet((28, 28, 1), 10, width=2)
    large = ConvNet((32, 32, 1), 10, width=2)
    large.set_weights(small.get_weights())
    padded = np.pad(images, ((0, 0), (2, 2), (2, 2), (0, 0)))
    features, expected = (to_numpy(pair[1]) for pair in (small(images), large(padded)))
    np.testing.assert_allclose(features, expected, rtol=1e-5, atol=1e-6)


def test_saved_and_loaded(tmp_path):
    network = ConvNet((8, 8, 1), 10, width=4, normalization="batch", implementation="native")
    network.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras")
    images = np.random.default_rng(0).normal(size=(3, 8, 8, 1)).astype("float32")
    for result, expected in zip(loaded(images), network(images), strict=True):
        np.testing.assert_allclose(to_numpy(result), to_numpy(expected), rtol=1e-6)
    assert {layer.implementation for layer in loaded.layers if "conv" in layer.name} == {"native"}


@pytest.mark.parametrize(
    ("argument", "options"),
    [
        ("input_shape", {"input_shape": (8, 8)}),
        ("input_shape", {"input_shape": (8, 0, 1)}),
        ("input_shape", {"input_shape": (None, None, 1)}),
        ("num_classes", {"num_classes": 0}),
        ("num_classes", {"num_classes": 2.0}),
        ("width", {"width": 0}),
        ("normalization", {"normalization": "layer"}),
        ("depth", {"depth": 0}),
        ("depth", {"depth": 4}),
        ("depth", {"depth": 1.0}),
        ("depth", {"input_shape": (3, 3, 1), "depth": 2}),
        ("implementation", {"implementation": "fast"}),
    ],
)
def test_arguments_out_of_range_are_refused(argument, options):
    options = {"input_shape": (8, 8, 1), "num_classes": 10, **options}
    with pytest.raises(ValueError, match=f"`{argument}` must be .*Received"):
        ConvNet(**options)


def test_constant_width_is_yes_or_no():
    with pytest.raises(TypeError, match="`constant_width` must be True or False"):
        ConvNet((8, 8, 1), 10, constant_width="no")
