"""Networks trained on all training images."""

import numpy as np
import pytest

from keras_isa.evaluation import Recipe, full_data
from keras_isa.evaluation.bench import Bench, TestData
from keras_isa.evaluation.full_data import FullData, full_recipe
from keras_isa.inputs.arrays import StoredImages

RECIPE = Recipe(steps=2, warmup_steps=1, augmentation=(), learning_rate=0.03)


@pytest.fixture
def bench(distilled, data, network):
    _, test = data
    tested = TestData.of(distilled, test.x, test.y)
    return Bench(distilled, tested, RECIPE, network, repeats=3, seed=0)


@pytest.mark.parametrize(
    ("rows", "batch", "steps"), [(100, 100, 500), (60_000, 256, 2350), (1437, 256, 500)]
)
def test_recipe_for_all_images(rows, batch, steps):
    found = full_recipe(Recipe(flip=True, loss="logit_cross_entropy", decay_steps=3), rows)
    assert (found.batch_size, found.steps, found.shuffle) == (batch, steps, True)
    assert (found.flip, found.loss, found.decay_steps) == (False, "cross_entropy", None)


def test_networks_are_trained_in_groups_and_kept(bench, data, monkeypatch):
    train, test = data
    bytes_of_one = train.x.size * 4
    monkeypatch.setattr(full_data, "_BYTES_AT_ONCE", 2 * bytes_of_one)
    full = FullData(bench, train.x, train.y)
    first = full.networks(1)
    assert [one.repeats for one in first] == [1]
    groups = full.networks(3)
    assert [one.repeats for one in groups] == [1, 2] and groups[0] is first[0]
    scores = bench.scores_of(groups)
    assert len(scores.accuracies) == 3
    assert np.mean(scores.accuracies) > 0.6 and np.mean(scores.krr_accuracies) > 0.6


def test_soft_labels_are_the_logits_of_a_network(bench, data):
    train, _ = data
    full = FullData(bench, train.x, train.y)
    images = bench.distilled.preprocess(train.x[:8]).reshape(2, 4, *train.x.shape[1:])
    labels = full.soft_labels(images)
    assert labels.shape == (2, 4, 3)
    (network,) = full.networks(1)
    expected = network.logits(images.reshape(8, *train.x.shape[1:]), np.asarray)[0]
    np.testing.assert_array_equal(labels.reshape(8, 3), expected)
    truth = train.y[:8].reshape(2, 4)
    assert np.mean(labels.argmax(axis=-1) == truth) > 0.5  # it has learned them


def test_images_on_disk_are_refused(bench, data):
    train, _ = data
    with pytest.raises(ValueError, match="`baselines` must be without 'full' and 'soft'"):
        FullData(bench, StoredImages(train.x), train.y)
