"""Differences of scores, and sets side by side."""

import json

import numpy as np
import pytest
from scipy import stats

from keras_isa import DistilledData
from keras_isa.evaluation import Difference, Evaluation, Recipe, Scores, Storage, beats, compare


@pytest.mark.parametrize("counts", [(5, 5), (3, 7), (2, 2)])
def test_interval_is_that_of_welch(counts):
    rng = np.random.default_rng(sum(counts))
    first, second = rng.normal(0.9, 0.01, counts[0]), rng.normal(0.85, 0.05, counts[1])
    test = stats.ttest_ind(first, second, equal_var=False)
    found = Difference.of(first, second)
    np.testing.assert_allclose(found.interval, test.confidence_interval(0.95), rtol=1e-9)
    assert found.mean == pytest.approx(first.mean() - second.mean())
    assert (found.verdict == "not distinguishable") == (test.pvalue > 0.05)


@pytest.mark.parametrize(
    ("first", "second", "verdict"),
    [
        ([0.9, 0.91], [0.5, 0.51], "yes"),
        ([0.5, 0.51], [0.9, 0.91], "no"),
        ([0.5, 0.7], [0.55, 0.6], "not distinguishable"),
        ([0.9], [0.1], "not distinguishable"),  # one network shows no spread
        ([0.9, 0.9], [0.1, 0.1], "yes"),
        ([0.5, 0.5], [0.5, 0.5], "not distinguishable"),
    ],
)
def test_verdicts(first, second, verdict):
    found = Difference.of(first, second)
    assert found.verdict == verdict
    assert json.loads(json.dumps(found.to_dict()))["verdict"] == verdict


def test_a_set_beside_real_images():
    scores = Scores((0.9, 0.91), (0.5, 0.5))
    low = {"random": Scores((0.1, 0.2), (0.5, 0.5)), "kmeans": Scores((0.89, 0.93), (0.5, 0.5))}
    result = Evaluation(scores, low, 2, 1, 0.0, Storage("identity", 10, 100, 1))
    assert beats(result).verdict == "not distinguishable"
    assert beats(result, "random").verdict == "yes"
    assert beats(result, "herding") is None


RECIPE = {"width": 2, "depth": 1, "steps": 2, "warmup_steps": 1, "augmentation": []}


@pytest.fixture
def sets(data):
    train, _ = data
    about = {"class_names": train.class_names, "recipe": RECIPE}
    return {
        name: DistilledData.from_samples(train.x, train.y, count, **about)
        for name, count in (("few", 1), ("many", 3))
    }


def test_sets_by_the_recipe_of_the_first(sets, data, asked):
    _, test = data
    sets["many"].recipe["steps"] = 9
    found = compare(sets, test, repeats=3)
    assert [call["students"].steps for call in asked] == [2, 2]
    assert list(found.results) == ["few", "many"] and list(found.differences) == ["many"]
    lines = str(found).splitlines()
    assert "difference to few" in lines[0] and lines[1].startswith("few") and "144" in lines[1]
    assert "+0.0 (" in lines[2]
    values = json.loads(json.dumps(found.to_dict()))
    assert values["sets"]["many"]["difference_to_first"]["mean"] == 0
    assert values["recipe"]["steps"] == 2
    other = compare(sets, test, repeats=1, recipe=Recipe(width=2, steps=5, augmentation=()))
    assert asked[-1]["students"].steps == 5 and "one network" in str(other)


def test_labels_keep_the_loss_that_reads_them(sets, data, asked):
    _, test = data
    sets["many"].recipe["loss"] = "logit_cross_entropy"
    found = compare(sets, test, repeats=2)
    losses = [call["students"].recipe.loss for call in asked]
    assert losses == ["squared_error", "logit_cross_entropy"]
    assert "many: its labels ask for the loss logit_cross_entropy" in str(found)
    asked.clear()
    compare(dict(reversed(sets.items())), test, repeats=2)
    losses = [call["students"].recipe.loss for call in asked]
    assert losses == ["logit_cross_entropy", "cross_entropy"]
    asked.clear()
    compare(sets, test, repeats=2, labels="hard")
    assert [call["students"].recipe.loss for call in asked] == ["squared_error"] * 2


def test_sets_that_cannot_be_compared(sets, data, asked):
    train, test = data
    with pytest.raises(ValueError, match="`sets` must hold two sets or more. Received: 1"):
        compare({"few": sets["few"]}, test)
    other = DistilledData.from_samples(train.x, train.y, 1, class_names=("a", "b", "c"))
    with pytest.raises(ValueError, match="`sets` must agree in class_names"):
        compare({**sets, "other": other}, test)
    with pytest.raises(TypeError, match="`sets` must be"):
        compare(list(sets.values()), test)
    with pytest.raises(TypeError, match="`sets` must hold distilled sets or paths.*int for 'x'"):
        compare({**sets, "x": 5}, test)
    with pytest.raises(ValueError, match="`sets` must have different names. Received twice: 1"):
        compare({1: sets["few"], "1": sets["many"]}, test)
    assert asked == []
