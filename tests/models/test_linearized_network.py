"""Products with the Jacobian of a network's logits, and with its transpose."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_isa.inputs.arrays import to_numpy
from keras_isa.models import ConvNet, Ensemble
from keras_isa.models.linearized_network import LinearizedNetwork
from keras_isa.models.recorded_network import RecordedNetwork

SHAPE, CLASSES = (8, 8, 1), 3
RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(5, *SHAPE)).astype("float32")


@pytest.fixture(scope="module")
def network():
    build = lambda: ConvNet(SHAPE, CLASSES, width=4, activation="softplus")  # noqa: E731
    return RecordedNetwork(build, SHAPE, CLASSES)


@pytest.fixture(scope="module")
def member(network):
    return Ensemble(network, size=2).read(1)


def random_change(linear, member):
    return [
        ops.convert_to_tensor(RNG.normal(size=one.shape).astype("float32"))
        for one in linear.zeros(member)
    ]


def test_a_change_moves_the_logits_as_differences_say(network, member):
    linear = LinearizedNetwork(network)
    change = random_change(linear, member)
    features, moved = linear.push(member, IMAGES, change)
    expected = network.apply(member.weights, member.state, IMAGES, training=False)[1]
    np.testing.assert_allclose(to_numpy(features), to_numpy(expected), atol=1e-6)
    ends, step = [], 1e-3
    for amount in (step, -step):
        others = iter(change)
        weights = [
            one + amount * next(others) if inside else one
            for one, inside in zip(member.weights, linear.in_body, strict=True)
        ]
        ends.append(to_numpy(network.apply(weights, member.state, IMAGES, training=False)[0]))
    slope = (ends[0] - ends[1]) / (2 * step)
    np.testing.assert_allclose(to_numpy(moved), slope, atol=0.01 * np.abs(slope).max())
    assert np.abs(slope).max() > 0.1
    # The last layer keeps its weights.
    assert linear.in_body == [True] * 6 + [False] * 2


def test_the_two_products_are_transposes(network, member):
    linear = LinearizedNetwork(network)
    change = random_change(linear, member)
    upstream = RNG.normal(size=(5, CLASSES)).astype("float32")
    moved = to_numpy(linear.push(member, IMAGES, change)[1])
    back = linear.pull(member, IMAGES, ops.convert_to_tensor(upstream))
    both = zip(back, change, strict=True)
    other = sum(float(np.sum(to_numpy(one) * to_numpy(own))) for one, own in both)
    assert float(np.sum(moved * upstream)) == pytest.approx(other, rel=1e-3)
    push, pull = linear.products(member, ops.convert_to_tensor(IMAGES))
    np.testing.assert_allclose(to_numpy(push(change)), moved, rtol=1e-3, atol=1e-4)
    for one, expected in zip(pull(ops.convert_to_tensor(upstream)), back, strict=True):
        np.testing.assert_allclose(to_numpy(one), to_numpy(expected), rtol=1e-3, atol=1e-4)


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.flatten, self.head = keras.layers.Flatten(), keras.layers.Dense(CLASSES)

    def call(self, images):
        features = self.flatten(images)
        return self.head(features), features


def without_body():
    inputs = keras.Input(SHAPE)
    features = keras.layers.Flatten()(inputs)
    return keras.Model(inputs, [keras.layers.Dense(CLASSES)(features), features])


@pytest.mark.parametrize("build", [Subclassed, without_body])
def test_other_networks_are_refused(build):
    with pytest.raises(ValueError, match="`feature_extractor` must build a functional model"):
        LinearizedNetwork(RecordedNetwork(build, SHAPE, CLASSES))
