"""Real samples, and how well a set explains them."""

import csv

import numpy as np
import pytest
from PIL import Image

from keras_isa import DistilledData
from keras_isa.evaluation import Recipe, SampleScores, Students, score_samples
from keras_isa.inputs.arrays import to_numpy

RECIPE = Recipe(steps=30, warmup_steps=3, learning_rate=0.03, augmentation=())


def test_losses_are_those_of_numpy(distilled, data, network, monkeypatch):
    train, _ = data
    made = []
    init = Students.__init__

    def with_network(self, *about, **options):
        init(self, *about, **options, network=network)
        made.append(self)

    monkeypatch.setattr(Students, "__init__", with_network)
    found = score_samples(distilled, train, recipe=RECIPE, repeats=2, seed=3)
    (students,) = made
    truth = np.eye(3)[train.y] - 1 / 3
    x = to_numpy(distilled(train.x)).reshape(len(train.x), -1).astype("float64")
    features = np.concatenate([x, 2 * x[:, :1]], axis=1)
    images, labels = distilled.to_numpy()
    own = np.concatenate([images, images[:, :, ::-1]]).reshape(12, -1).astype("float64")
    own = np.concatenate([own, 2 * own[:, :1]], axis=1)  # the record says flip
    gram = own @ own.T
    gram += 1e-2 * np.trace(gram) / 12 * np.eye(12)
    regression = features @ own.T @ np.linalg.solve(gram, np.concatenate([labels, labels]))
    said = [regression, regression]
    for index in range(2):
        kernel, bias = map(to_numpy, students._networks.read(index).weights)
        said.append(x @ kernel + bias)
    losses = np.mean([0.5 * np.sum((one - truth) ** 2, axis=1) for one in said], axis=0)
    np.testing.assert_allclose(found.losses, losses, rtol=1e-3, atol=1e-4)
    np.testing.assert_array_equal(found.predicted, np.sum(said, axis=0).argmax(axis=1))
    assert len(found.recall) == 2 and all(0 <= value <= 1 for value in found.recall)


def test_wrong_labels_are_explained_worst(network, monkeypatch):
    init = Students.__init__
    monkeypatch.setattr(
        Students, "__init__", lambda self, *a, **k: init(self, *a, **k, network=network)
    )
    rng, truth = np.random.default_rng(0), np.arange(60) % 3
    x = 100 * rng.normal(size=(3, 3, 3, 1))[truth] + 5 * rng.normal(size=(60, 3, 3, 1))
    distilled = DistilledData.from_samples(x, truth, 5)
    y, wrong = truth.copy(), [4, 11, 20]
    y[wrong] = (y[wrong] + 1) % 3
    found = score_samples(distilled, (x, y), recipe=RECIPE)
    assert sorted(found.hardest()[:3].tolist()) == wrong
    assert (found.predicted == truth).all()


def example():
    y = np.array([0, 1, 0, 1, 0])
    return SampleScores(np.array([0.1, 0.9, 0.5, 0.2, 0.5]), 1 - y, y, ("cat", "dog, small"))


def test_hardest_first():
    assert example().hardest().tolist() == [1, 2, 4, 3, 0]
    assert example().hardest(2).tolist() == [2, 4, 1, 3]
    assert example().hardest(9).tolist() == [2, 4, 0, 1, 3]
    with pytest.raises(ValueError, match="`per_class` must be a positive integer"):
        example().hardest(0)


def test_table_and_picture(tmp_path):
    example().save_csv(tmp_path / "hardest.csv", 1)
    with open(tmp_path / "hardest.csv", newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["row", "class", "predicted", "loss"],
        ["2", "cat", "dog, small", "0.5"],
        ["1", "dog, small", "cat", "0.9"],
    ]
    x = np.random.default_rng(0).uniform(0, 255, (5, 6, 6, 1))
    example().save_picture(tmp_path / "hardest.png", x, 2, (0.0, 255.0))
    with Image.open(tmp_path / "hardest.png") as picture:
        assert picture.size[0] > 100
    with pytest.raises(ValueError, match="absent"):
        example().save_csv(tmp_path / "absent" / "hardest.csv", 1)
    with pytest.raises(ValueError, match="`x` must hold the 5 samples that were scored.*: 4"):
        example().save_picture(tmp_path / "hardest.png", x[:4], 2, (0.0, 255.0))


def test_a_small_set_has_no_recall(data):
    train, _ = data
    distilled = DistilledData.from_samples(train.x, train.y, 1, class_names=train.class_names)
    quick = Recipe(width=2, depth=1, steps=2, augmentation=())
    assert score_samples(distilled, train, recipe=quick, repeats=1).recall == ()


def test_what_is_no_set_is_refused(data):
    with pytest.raises(TypeError, match="`distilled` must be"):
        score_samples(None, data[0])


def test_regression_is_refused():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 4)), rng.normal(size=20)
    distilled = DistilledData.from_samples(x, y, 5, task="regression")
    with pytest.raises(ValueError, match="`distilled` must have classes"):
        score_samples(distilled, (x, y))
