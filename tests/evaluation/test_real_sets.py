"""Real images beside a distilled set, by the name of the baseline."""

import numpy as np
import pytest

from keras_isa.evaluation import BASELINES, Recipe
from keras_isa.evaluation.baselines import herding_indices
from keras_isa.evaluation.bench import Bench, TestData
from keras_isa.evaluation.full_data import FullData
from keras_isa.evaluation.real_sets import RealSets

RECIPE = Recipe(width=2, depth=1, steps=2, warmup_steps=1, augmentation=())


@pytest.fixture
def sets(distilled, data):
    """`sets(recipe)` chooses among the training images."""
    train, test = data

    def of(recipe=RECIPE):
        tested = TestData.of(distilled, test.x, test.y)
        return RealSets(Bench(distilled, tested, recipe, repeats=2, seed=0), train.x, train.y)

    return of


def test_sets_by_name(sets, distilled, data):
    train, _ = data
    chosen = {name: sets().choose(name) for name in BASELINES}
    assert chosen.pop("full") is None
    shapes = {name: images.shape[:-3] for name, (images, _) in chosen.items()}
    assert shapes == {"random": (2, 6), "kmeans": (6,), "herding": (6,), "soft": (2, 6)}
    for given, other in zip(chosen["random"], chosen["soft"], strict=True):
        np.testing.assert_array_equal(given, other)  # the same images, with other labels later
    rows = herding_indices(train.x, train.y, 2, 3, 0)
    np.testing.assert_array_equal(chosen["herding"][0], distilled.preprocess(train.x[rows]))


def test_scores_of_costly_sets_depend_on_all_images(sets):
    made = sets()
    for name, parts in (("random", 3), ("kmeans", 3), ("soft", 5), ("full", 3)):
        assert len(made.depends_on(name)) == parts and made.depends_on(name)[0] == name


@pytest.mark.parametrize(
    ("loss", "taught"),
    [("squared_error", "squared_error"), ("cross_entropy", "logit_cross_entropy")],
)
def test_soft_labels_take_a_loss_that_reads_them(sets, asked, monkeypatch, loss, taught):
    labels = np.arange(36, dtype="float32").reshape(2, 6, 3)
    monkeypatch.setattr(FullData, "soft_labels", lambda *_: labels)
    recipe = Recipe(width=2, depth=1, steps=2, augmentation=(), loss=loss)
    made = sets(recipe)
    made.score("soft", made.choose("soft"))
    np.testing.assert_array_equal(asked[-1]["labels"], labels)
    assert asked[-1]["students"].recipe.loss == taught
    made.score("random", made.choose("random"))
    assert asked[-1]["students"].recipe.loss == loss
