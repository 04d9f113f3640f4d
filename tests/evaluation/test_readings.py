"""What networks say of images: against NumPy."""

import numpy as np
import pytest

from keras_isa.evaluation import Recipe, Students, inference, readings

PLAIN = Recipe(width=2, steps=3, warmup_steps=1, learning_rate=0.05, augmentation=())
SHAPE, CLASSES = (3, 3, 1), 3


@pytest.fixture
def group(network):
    rng = np.random.default_rng(0)
    images = rng.normal(size=(6, *SHAPE)).astype("float32")
    labels = rng.normal(size=(6, CLASSES)).astype("float32")
    found = Students(6, SHAPE, CLASSES, PLAIN, repeats=2, network=network)
    found.train(images, labels, seed=1)
    return found


def test_ranks_are_those_of_a_stable_sort():
    rng = np.random.default_rng(0)
    scores, y = rng.integers(0, 4, (50, 9)) / 4.0, rng.integers(0, 9, 50)
    order = np.argsort(-scores, axis=1, kind="stable")
    expected = [int(np.flatnonzero(row == one)[0]) for row, one in zip(order, y, strict=True)]
    assert readings.ranks(scores, y).tolist() == expected
    assert ((readings.ranks(scores, y) == 0) == (scores.argmax(axis=1) == y)).all()


@pytest.mark.parametrize("top", [1, 2, 3])
def test_hit_rates_of_the_first_classes(group, monkeypatch, top):
    monkeypatch.setattr(inference, "CHUNK", 8)
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(19, *SHAPE)).astype("float32"), rng.integers(0, CLASSES, 19)
    found = group.accuracies(x, y, np.asarray, 0.1, top=top)
    logits = group.logits(x, np.asarray)
    assert logits.shape == (2, 19, CLASSES)
    for index in range(2):
        first = np.argsort(-logits[index], axis=1, kind="stable")[:, :top]
        assert found[0][index] == np.mean((first == y[:, None]).any(axis=1))
    if top == CLASSES:
        np.testing.assert_array_equal(found, 1.0)


@pytest.mark.parametrize("rows", [4, 30])
def test_the_map_of_many_rows_is_that_of_few(rows):
    rng = np.random.default_rng(rows)
    features, labels = rng.normal(size=(rows, 7)), rng.normal(size=(rows, 3))
    ridge = 0.1 * np.trace(features @ features.T) / rows
    duals = np.linalg.solve(features @ features.T + ridge * np.eye(rows), labels)
    found = readings.regression_map(features, labels, 0.1)
    np.testing.assert_allclose(found, features.T @ duals, rtol=1e-5, atol=1e-6)


def test_features_of_many_images_go_in_parts(group, monkeypatch):
    x = np.random.default_rng(5).normal(size=(19, *SHAPE)).astype("float32")
    whole = readings.features_of(group, 1, x)
    monkeypatch.setattr(inference, "CHUNK", 8)
    np.testing.assert_allclose(readings.features_of(group, 1, x), whole, rtol=1e-5)
    assert whole.shape == (19, 10)
