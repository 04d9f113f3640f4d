"""The default network for a shape."""

import keras
import pytest

from keras_isa.models import default_flops, default_network


def dense_layers(network):
    return [layer for layer in network.layers if isinstance(layer, keras.layers.Dense)]


@pytest.mark.parametrize(
    ("shape", "name", "features"),
    [
        ((8, 8, 1), "convnet", 16),
        ((2, 500, 4), "convnet", 1 * 250 * 4),
        ((33, 3, 12), "convnet", 16 * 1 * 4),
        ((48, 3), "convnet1d", 4 * 4),
        ((2, 1), "convnet1d", 4),
        ((128, 1), "convnet1d", 4 * 16),
        ((30,), "mlp", 4),
        ((1,), "mlp", 4),
    ],
)
def test_each_kind_of_shape_has_its_network(shape, name, features):
    network = default_network(shape, 3, width=4)
    assert network.name == name
    assert [tuple(output.shape) for output in network.outputs] == [(None, 3), (None, features)]


def test_settings_reach_the_network():
    images = default_network((8, 8, 1), 3, width=4, depth=2, implementation="native")
    convolutions = [layer for layer in images.layers if "conv" in layer.name]
    assert [layer.filters for layer in convolutions] == [4, 8]
    assert {layer.implementation for layer in convolutions} == {"native"}
    flat = default_network((9,), 3, width=4, depth=3, normalization="batch", implementation="auto")
    assert [layer.units for layer in dense_layers(flat)] == [4, 4, 4, 3]
    assert sum(isinstance(x, keras.layers.BatchNormalization) for x in flat.layers) == 2


@pytest.mark.parametrize("shape", [(8, 8, 1), (12, 3), (9,)])
def test_constant_width_reaches_network_and_count(shape):
    network = default_network(shape, 3, width=4, depth=2, constant_width=True)
    layers = [layer for layer in network.layers if hasattr(layer, "kernel")]
    assert [layer.kernel.shape[-1] for layer in layers] == [4, 4, 3]
    constant, doubled = (default_flops(shape, 3, 4, 2, constant_width=c) for c in (True, False))
    assert constant < doubled if len(shape) > 1 else constant == doubled


@pytest.mark.parametrize("shape", [(8, 8, 1), (12, 3)])
def test_instance_normalisation_reaches_the_network(shape):
    network = default_network(shape, 3, width=4, normalization="instance")
    assert any(isinstance(x, keras.layers.GroupNormalization) for x in network.layers)


@pytest.mark.parametrize("shape", [(28, 28, 1), (12, 3), (9,)])
def test_the_policy_is_that_of_every_layer(shape):
    network = default_network(shape, 3, width=4, normalization="batch", dtype="mixed_bfloat16")
    layers = [layer for layer in network.layers if not isinstance(layer, keras.layers.InputLayer)]
    assert {layer.dtype_policy.name for layer in layers} == {"mixed_bfloat16"}
    assert {variable.dtype for variable in network.variables} == {"float32"}
    assert {output.dtype for output in network.outputs} == {"bfloat16"}
    before = default_network(shape, 3, width=4)
    assert {layer.dtype_policy.name for layer in before.layers} == {"float32"}


def test_the_count_is_that_of_the_network():
    # 2 * (64 * 9 * 1 * 4 + 16 * 9 * 4 * 8 + 4 * 8 * 3)
    assert default_flops((8, 8, 1), 3, 4, 2) == 14016
    assert default_flops((28, 28, 1), 10, 128) == 304513024
    # 2 * (12 * 5 * 3 * 4 + 6 * 5 * 4 * 8 + 8 * 2)
    assert default_flops((12, 3), 2, 4, 2) == 3392
    # 2 * (9 * 4 + 4 * 4 + 4 * 3), and one more block of 4 * 4
    assert default_flops((9,), 3, 4) == 128
    assert default_flops((9,), 3, 4, 3) == 160


@pytest.mark.parametrize("shape", [(), (8, 0), (2, 8, 8, 1)])
def test_other_shapes_are_refused(shape):
    for function in (default_network, default_flops):
        with pytest.raises(ValueError, match="`image_shape` must be .*Received"):
            function(shape, 3, width=4)


@pytest.mark.parametrize("shape", [(1, 64, 3), (64, 1, 3), (1, 1, 5)])
def test_single_rows_columns_and_pixels_are_sent_to_flat_features(shape):
    with pytest.raises(ValueError, match="`input_shape` must .* sides .*flat features.*Received"):
        default_network(shape, 3)
