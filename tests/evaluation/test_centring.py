"""Centred networks and scaled labels: what is learned and what is read."""

import dataclasses

import numpy as np
import pytest

from keras_isa.evaluation import Recipe, Students
from keras_isa.evaluation.centring import Centring
from keras_isa.inputs.arrays import to_numpy
from keras_isa.models.ensemble import Member

SHAPE, CLASSES = (3, 3, 1), 3
PLAIN = Recipe(
    width=2,
    steps=30,
    warmup_steps=0,
    learning_rate=0.05,
    augmentation=(),
    optimizer="sgd",
    momentum=0.9,
    schedule="constant",
)


def a_set(rows=6):
    rng = np.random.default_rng(0)
    images = rng.normal(size=(rows, *SHAPE)).astype("float32")
    return images, rng.normal(size=(rows, CLASSES)).astype("float32")


def read(network, images):
    return images.reshape(len(images), -1) @ to_numpy(network.weights[0]), images


def test_targets_are_scaled_labels_and_first_outputs():
    rng = np.random.default_rng(1)
    networks = [Member([rng.normal(size=(9, 3)).astype("float32")], [], []) for _ in range(2)]
    images = rng.normal(size=(2, 600, *SHAPE)).astype("float32")  # more than one part
    labels = rng.normal(size=(2, 600, 3)).astype("float32")
    recipe = dataclasses.replace(PLAIN, centered=True, label_scale=4)
    centring = Centring(recipe, read)
    targets = centring.start(networks, images, labels)
    for one, own, y, found in zip(networks, images, labels, targets, strict=True):
        assert np.allclose(found, 4 * y + read(one, own)[0], atol=1e-5)
    outputs = read(networks[1], images[1])[0] + 8
    assert np.allclose(to_numpy(centring.predictions(1, images[1], outputs)), 2, atol=1e-5)


def test_labels_of_scale_one_are_the_targets():
    images, labels = (one[np.newaxis] for one in a_set())
    centring = Centring(PLAIN, read)
    assert centring.start([], images, labels) is labels
    outputs = labels[0]
    assert centring.predictions(0, images[0], outputs) is outputs


def test_centred_networks_begin_at_zero_and_learn_the_labels():
    images, labels = a_set()
    recipe = dataclasses.replace(PLAIN, centered=True, label_scale=2, width=8, steps=800)
    students = Students(len(images), SHAPE, CLASSES, recipe, repeats=2)
    students.start(images, labels)
    for index in range(2):
        assert not to_numpy(students.outputs(index, images)[0]).any()
    students.train(images, labels)
    for index in range(2):
        assert np.abs(to_numpy(students.outputs(index, images)[0]) - labels).max() < 0.05
        assert np.array_equal(students.features_and_labels(index)[1], labels)


@pytest.mark.parametrize("centered", [False, True])
def test_a_linear_network_predicts_as_in_numpy(network, centered):
    """With outputs `X W`, gradient descent from W0 on targets `s y + X W0`, divided by s."""
    images, labels = a_set()
    recipe = dataclasses.replace(PLAIN, momentum=0.0, centered=centered, label_scale=3, steps=5)
    students = Students(len(images), SHAPE, CLASSES, recipe, repeats=1, network=network)
    students.start(images, labels, seed=4)
    kernel, bias = (to_numpy(one).astype("float64") for one in students.networks.read(0).weights)
    students.train(images, labels, seed=4)
    x = np.hstack([images.reshape(len(images), -1), np.ones((len(images), 1))]).astype("float64")
    first = np.vstack([kernel, bias])
    weights = np.array(first)
    targets = 3 * labels + (x @ first if centered else 0)
    for _ in range(5):
        weights -= 0.05 / 9 * x.T @ (x @ weights - targets) / len(x)
    expected = (x @ weights - (x @ first if centered else 0)) / 3
    assert np.abs(x @ (weights - first)).max() > 0.01
    assert np.allclose(to_numpy(students.outputs(0, images)[0]), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"centered": True, "augmentation": ("crop",)}, "`centered` must be False with an aug"),
        ({"centered": True, "loss": "cross_entropy"}, "`centered` must be False for loss"),
        ({"label_scale": 2.0, "loss": "cross_entropy"}, "`label_scale` must be 1 for loss"),
        ({"label_scale": 0.0}, "label_scale"),
        ({"centered": 1}, "centered"),
    ],
)
def test_what_does_not_go_with_it_is_refused(changed, words):
    with pytest.raises((TypeError, ValueError), match=words):
        dataclasses.replace(PLAIN, **changed)
