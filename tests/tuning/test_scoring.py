"""Scores of sets: good sets are better, and networks are compiled once."""

import numpy as np
import pytest

from keras_isa import DistilledData
from keras_isa.presets import Settings
from keras_isa.tuning.scoring import Scorer

RECIPE = {"width": 4, "depth": 1, "steps": 30, "warmup_steps": 0, "learning_rate": 0.05}
SETTINGS = Settings(images_per_class=1, regularization=1e-3, recipe={**RECIPE, "augmentation": []})
RNG = np.random.default_rng(0)
Y = np.arange(40) % 2
# Class 0 is bright at the top and class 1 at the bottom.
X = RNG.normal(size=(40, 4, 4, 1)).astype("float32") * 0.1
X[Y == 0, :2] += 1.0
X[Y == 1, 2:] += 1.0


def set_of(rows):
    images = X[rows].astype("float32")
    return DistilledData.from_arrays(images, np.eye(2, dtype="float32") - 0.5, preprocessing=None)


GOOD, BAD = set_of([0, 1]), set_of([1, 0])  # the labels of the other are exchanged


@pytest.mark.parametrize("objective", ["students", "krr"])
def test_a_good_set_scores_higher_and_networks_are_made_once(objective):
    scorer = Scorer(SETTINGS, repeats=2, seed=0)
    good, bad = (scorer.score(objective, distilled, X, Y) for distilled in (GOOD, BAD))
    assert good > 0.9 and bad < 0.1
    assert list(scorer._made) == [objective]
    made = scorer._made[objective]
    assert scorer.score(objective, GOOD, X, Y) == good  # the seed is the same
    assert scorer._made[objective] is made
    if objective == "students":
        scores = scorer.students(GOOD, X, Y)
        assert len(scores.accuracies) == len(scores.krr_accuracies) == 2
