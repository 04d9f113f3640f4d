"""DD-Ranking's scores, measured."""

import json

import numpy as np
import pytest

from keras_isa import ops
from keras_isa.evaluation import Recipe, Students, robustness

RECIPE = Recipe(width=2, depth=1, steps=2, warmup_steps=1, augmentation=("crop",))


@pytest.fixture
def trained(monkeypatch):
    """The sets that networks are trained on, in place of the training; accuracies follow from it.

    The first rate is the best on 3 held-out images, the last one on 19 test images, where a network
    is better by 0.2 in the middle of its training.
    """
    calls, stage = [], []

    def train(students, images, labels, seed=0, progress=None, rates=(1.0,), look=None, looks=1):
        calls.append((students, len(labels.reshape(-1, 3)), tuple(rates)))
        stage[:] = [0.0]
        if look is not None:
            assert looks == 15
            for stage[0] in (0.0, 0.2, 0.0):
                look()

    def accuracies(students, x, y, preprocess, top=1, **regression):
        rates = calls[-1][2]
        rates = rates if len(rates) > 1 else rates * students.repeats
        rates = [next(one for one in rates if one is not None) if r is None else r for r in rates]
        better = [stage[0] + rate / 10 if len(x) == 19 else 0.5 - rate / 20 for rate in rates]
        better = [value + 0.02 * number for number, value in enumerate(better)]
        return np.array([better, better])

    monkeypatch.setattr(Students, "train", train)
    monkeypatch.setattr(Students, "accuracies", accuracies)
    return calls


@pytest.mark.parametrize(("selection", "factor"), [("validation", 0.2), ("ddranking", 5.0)])
def test_scores_follow_from_the_accuracies(distilled, data, trained, selection, factor):
    train, test = data
    options = {"recipe": RECIPE, "repeats": 3, "selection": selection, "weight": 0.3}
    found = robustness(distilled, test, train, **options)
    names = ["distilled", "random", "hard labels", "all real", "distilled plain", "random plain"]
    assert list(found.accuracies) == names
    values = dict(found.accuracies)
    # Three networks have 0.02 more each than the one before. At the recipe's rate:
    assert values.pop("all real") == pytest.approx(0.12)
    as_ddranking = selection == "ddranking"
    first = factor / 10 + (0.2 if as_ddranking else 0.0)
    assert [*values.values()] == pytest.approx([first + 0.02] * 5)
    # The score of the means, or the mean of the scores.
    own = first + 0.02 * np.arange(3) if as_ddranking else first + 0.02
    options = {"weight": 0.3, "as_ddranking": as_ddranking}
    expected = np.mean(ops.label_robust_score(own, 0.12, own, own, **options))
    assert found.label_robust == pytest.approx(expected)
    if not as_ddranking:
        assert 0 <= found.label_robust <= 1 and 0 <= found.augmentation_robust <= 1
    assert json.loads(json.dumps(found.to_dict()))["selection"] == selection
    said = "learning rates and epochs" if as_ddranking else "learning rates"
    assert f"{said} chosen on" in str(found)
    plain = [students.recipe.augmentation for students, *_ in trained]
    assert {("crop",), ()} == set(plain)


def test_arguments_are_checked(distilled, data, trained):
    train, test = data
    with pytest.raises(ValueError, match="`selection` must be one of"):
        robustness(distilled, test, train, selection="test")
    with pytest.raises(ValueError, match="`repeats` must be a positive integer"):
        robustness(distilled, test, train, repeats=0)
    assert trained == []
