"""Other architectures: their recipes, and the search for a learning rate."""

import numpy as np
import pytest

from keras_isa import DistilledData
from keras_isa.evaluation import Recipe, Students
from keras_isa.evaluation.architectures import best_rate, held_out_rows, recipes_for
from keras_isa.inputs.arrays import to_numpy
from keras_isa.ops.splits import rows_fingerprint, validation_mask


def test_all_but_the_own_one():
    found = recipes_for("all", Recipe(width=8), (8, 8, 1))
    assert list(found) == [
        "convnet_batch",
        "convnet_instance",
        "alexnet",
        "vgg11",
        "resnet18",
        "mlp",
    ]
    assert found["resnet18"] == Recipe(width=8, network="resnet18", normalization="batch")
    assert recipes_for(("all",), Recipe(width=8), (8, 8, 1)) == found
    assert recipes_for((), Recipe(), (8, 8, 1)) == {}


def test_other_kinds_of_data_have_fewer():
    assert list(recipes_for("all", Recipe(augmentation=()), (30,))) == ["convnet_batch"]
    sequences = recipes_for("all", Recipe(augmentation=()), (12, 2))
    assert list(sequences) == ["convnet_batch", "convnet_instance"]
    with pytest.raises(ValueError, match="`networks` must be of convnet, convnet_batch for flat"):
        recipes_for(["vgg11"], Recipe(), (30,))


def test_held_out_images_are_those_of_the_record():
    y = np.arange(400) % 4
    distilled = DistilledData((2, 2, 1), 4, 1)
    mask = validation_mask(y, 4, 0.25, 7)
    about = {"validation_split": 0.25, "split_seed": 7, "rows_sha256": rows_fingerprint(mask)}
    distilled.provenance["selection"] = about
    assert held_out_rows(distilled, y, 0).tolist() == np.flatnonzero(mask).tolist()
    tenth = np.flatnonzero(validation_mask(y, 4, 0.1, 3)).tolist()
    for other in (
        {**about, "rows_sha256": "another split"},
        {**about, "validation_split": "a lot"},
        {},
        None,
        "damaged",
    ):
        distilled.provenance["selection"] = other
        assert held_out_rows(distilled, y, 3).tolist() == tenth
    assert len(held_out_rows(distilled, np.arange(40_000) % 4, 0)) == 1000


class Pretended:
    """Students whose accuracy follows from the factor of their rate."""

    def __init__(self, accuracies, own_loops=True, repeats=2):
        self.accuracies, self.own_loops, self.repeats = accuracies, own_loops, repeats
        self.trained = []

    def train(self, images, labels, seed, rates):
        self.trained.append(tuple(rates))

    @property
    def networks(self):
        return self

    def read(self, index):
        return self.trained[-1], index

    def write(self, index, network):
        self.back = index, network

    def score(self):
        rates = self.trained[-1]
        given = rates if len(rates) > 1 else rates * self.repeats
        return np.array([self.accuracies[rate] for rate in given])


@pytest.mark.parametrize(
    ("own_loops", "groups"), [(True, [(0.2, 1.0), (5.0,)]), (False, [(0.2,), (1.0,), (5.0,)])]
)
def test_the_best_rate_wins(own_loops, groups):
    students = Pretended({0.2: 0.3, 1.0: 0.5, 5.0: 0.9}, own_loops)
    factor, searched = best_rate(students, None, None, 1e-2, students.score)
    assert factor == 5.0 and students.trained == [*groups, (5.0,)]  # and then all of them at it
    assert searched == pytest.approx({2e-3: 0.3, 1e-2: 0.5, 5e-2: 0.9})


def test_a_network_that_has_trained_at_the_best_rate_is_not_trained_again():
    students = Pretended({0.2: 0.3, 1.0: 0.9, 5.0: 0.5}, repeats=4)
    assert best_rate(students, None, None, 1.0, students.score)[0] == 1.0
    assert students.trained == [(0.2, 1.0, 5.0), (1.0, None, 1.0, 1.0)]
    assert students.back == (1, ((0.2, 1.0, 5.0), 1))


@pytest.mark.parametrize(
    ("accuracies", "best"),
    [
        ({0.2: 0.5, 1.0: 0.5, 5.0: 0.5}, 1.0),  # of equals the recipe's own
        ({0.2: 0.4, 1.0: np.nan, 5.0: np.nan}, 0.2),
        ({0.2: np.nan, 1.0: np.nan, 5.0: np.nan}, 0.2),
        ({0.2: -3.0, 1.0: -9.0, 5.0: np.nan}, 0.2),  # R^2 may be negative
    ],
)
def test_equal_and_diverged_rates(accuracies, best):
    students = Pretended(accuracies)
    factor, searched = best_rate(students, None, None, 1.0, students.score)
    assert factor == best
    assert len(searched) == sum(np.isfinite(list(accuracies.values())))


def test_rates_are_factors_of_the_recipe(network):
    """A factor trains as a recipe with that learning rate, one for all or one for each network."""
    shape, rng = (3, 3, 1), np.random.default_rng(0)
    images, labels = rng.normal(size=(6, *shape)).astype("float32"), rng.normal(size=(6, 3))

    def weights(rate, rates):
        recipe = Recipe(width=2, steps=5, warmup_steps=1, learning_rate=rate, augmentation=())
        group = Students(6, shape, 3, recipe, repeats=2, network=network)
        group.train(images, labels, seed=4, rates=rates)
        return [to_numpy(group._networks.read(i).weights[0]) for i in range(2)], group.own_loops

    slow, own_loops = weights(0.01, (1.0,))
    fast, _ = weights(0.05, (1.0,))
    for found in (weights(0.05, (0.2,))[0], weights(0.002, (5.0,))[0]):
        np.testing.assert_allclose(found, slow, atol=1e-6)
    assert not np.allclose(slow, fast, atol=1e-3)
    if own_loops:
        both, _ = weights(0.05, (0.2, 1.0))
        np.testing.assert_allclose(both, [slow[0], fast[1]], atol=1e-6)
        (start, one), _ = weights(0.05, (None, 0.2))
        np.testing.assert_allclose(one, slow[1], atol=1e-6)
        assert not np.allclose(start, slow[0], atol=1e-3)


def test_the_networks_are_those_of_a_training_at_the_best_rate(network):
    shape, rng = (3, 3, 1), np.random.default_rng(0)
    images, labels = rng.normal(size=(6, *shape)).astype("float32"), rng.normal(size=(6, 3))
    recipe = Recipe(width=2, steps=5, warmup_steps=1, learning_rate=0.05, augmentation=("crop",))
    group = Students(6, shape, 3, recipe, repeats=4, network=network)

    def score():
        return np.array([0.2, 0.9, 0.5, 0.0]) if group.own_loops else np.array([0.5] * 4)

    factor, _ = best_rate(group, images, labels, 0.05, score, seed=4)
    found = [to_numpy(group._networks.read(i).weights[0]) for i in range(4)]
    assert factor == 1.0
    group.train(images, labels, seed=4)
    for index, weights in enumerate(found):
        expected = to_numpy(group._networks.read(index).weights[0])
        np.testing.assert_allclose(weights, expected, atol=1e-6)
