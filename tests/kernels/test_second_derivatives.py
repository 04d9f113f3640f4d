"""Forward mode and second derivatives through every layer of a network, on any backend."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_isa import backend
from keras_isa.inputs.arrays import to_numpy
from keras_isa.layers import PatchConv1D, PatchConv2D
from keras_isa.layers.convolution import (
    IMPLEMENTATIONS,
    SEQUENCE_IMPLEMENTATIONS,
    AveragePooling2x2,
)
from keras_isa.layers.normalization import BatchNormalization, GroupNormalization
from keras_isa.models import ConvNet, ConvNet1D
from keras_isa.models.convnet import NORMALIZATIONS

STEP = 1e-2


def check(network, inputs):
    """Compares derivatives with the differences of values and gradients along one direction."""
    rng = np.random.default_rng(1)
    fixed = [variable.value for variable in network.non_trainable_variables]

    def loss(arrays):
        images, *weights = arrays
        outputs, _ = network.stateless_call(weights, fixed, images, training=True)
        return sum(ops.sum(ops.sin(values)) for values in keras.tree.flatten(outputs)), ()

    engine = backend.current()
    gradient = engine.value_and_grad(loss)

    def inner(arrays, others):
        return sum(ops.sum(one * other) for one, other in zip(arrays, others, strict=True))

    def all_derivatives(arrays, along):
        def of_gradient(arrays):
            return inner(gradient(arrays)[1], along), ()

        def of_tangent(arrays):
            return ops.jvp(lambda *x: loss(x)[0], tuple(arrays), tuple(along))[1], ()

        (value, _), first = gradient(arrays)
        by_gradient = engine.value_and_grad(of_gradient)(arrays)[1]
        with backend.freely_differentiable():
            (tangent, _), by_tangent = engine.value_and_grad(of_tangent)(arrays)
            by_tangent = [by_gradient, by_tangent]
            if keras.backend.backend() != "torch":  # no gradient inside of its forward mode
                forwards = ops.jvp(lambda *x: gradient(list(x))[1], tuple(arrays), tuple(along))[1]
                by_tangent.append(forwards)
        return value, first, tangent, by_tangent

    def draw(variable):
        """Numbers of the size of first values, on every backend the same ones."""
        numbers = rng.normal(size=variable.shape)
        if len(variable.shape) > 1:
            return numbers / np.sqrt(np.prod(variable.shape[:-1]))
        return 0.1 * numbers + (variable.name == "gamma")

    arrays = [inputs, *map(draw, network.trainable_variables)]
    along = [rng.normal(size=array.shape) for array in arrays]
    length = np.sqrt(sum(np.sum(np.square(array)) for array in along))
    along = [array / length for array in along]

    def tensors(arrays):
        return [ops.convert_to_tensor(array, "float32") for array in arrays]

    def at(distance):
        moved = [array + distance * by for array, by in zip(arrays, along, strict=True)]
        return run(tensors(moved), tensors(along))

    # TensorFlow takes longer for its graph than for the few calls.
    compiled = keras.backend.backend() == "jax"
    run = engine.compiled(all_derivatives) if compiled else all_derivatives
    value, first, tangent, second = at(0.0)
    ahead, behind = (at(sign * STEP)[1] for sign in (1, -1))
    slope = sum(np.sum(to_numpy(g) * by) for g, by in zip(first, along, strict=True))
    np.testing.assert_allclose(float(tangent), slope, rtol=1e-4, atol=1e-4)
    scale = np.sqrt(sum(np.sum(np.square(to_numpy(g))) for g in second[0]))
    for index in range(len(arrays)):
        difference = (to_numpy(ahead[index]) - to_numpy(behind[index])) / (2 * STEP)
        assert np.linalg.norm(to_numpy(second[0][index]) - difference) < 1e-2 * scale
        for other in second[1:]:
            error = np.linalg.norm(to_numpy(other[index]) - to_numpy(second[0][index]))
            assert error < 1e-4 * scale
    assert scale > 1e-2


def smooth(network):
    """A copy without the kinks of ReLU, across which no difference is a derivative."""

    def copy(layer):
        if isinstance(layer, layers.ReLU):
            return layers.Activation("softplus")
        return type(layer).from_config(layer.get_config())

    return keras.models.clone_model(network, clone_function=copy)


def images(*shape):
    return np.random.default_rng(0).normal(size=shape)


LAYERS = {
    **{
        f"convolution, {implementation}": (
            lambda implementation=implementation: PatchConv2D(4, implementation=implementation),
            (2, 5, 6, 5),
        )
        for implementation in IMPLEMENTATIONS
    },
    "convolution, 5x5": (lambda: PatchConv2D(3, 5), (2, 5, 6, 5)),
    **{
        f"convolution of sequences, {implementation}": (
            lambda implementation=implementation: PatchConv1D(4, implementation=implementation),
            (2, 7, 3),
        )
        for implementation in SEQUENCE_IMPLEMENTATIONS
    },
    "batch": (lambda: BatchNormalization(momentum=0.1, epsilon=1e-5), (3, 4, 5, 2)),
    "instance": (lambda: GroupNormalization(groups=-1, epsilon=1e-5), (3, 4, 5, 2)),
    "ReLU": (layers.ReLU, (2, 3, 3, 2)),
    "pooling": (AveragePooling2x2, (2, 5, 6, 3)),
    "pooling of sequences": (lambda: layers.AveragePooling1D(2), (2, 7, 3)),
    "dense": (lambda: layers.Dense(3), (4, 5)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_of_each_layer(name):
    build, shape = LAYERS[name]
    check(keras.Sequential([keras.Input(shape[1:]), build()]), images(*shape))


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_of_a_whole_network(normalization):
    # Batch normalisation begins in the second block.
    depth = 2 if normalization == "batch" else 1
    network = ConvNet((8, 8, 5), 3, width=3, depth=depth, normalization=normalization)
    check(smooth(network), images(2, 8, 8, 5))


def test_of_a_whole_network_of_sequences():
    network = ConvNet1D((8, 2), 3, width=3, depth=2, normalization="instance")
    check(smooth(network), images(2, 8, 2))
