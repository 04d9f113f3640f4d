"""Accuracies, their spread, and the interval of their mean."""

import json

import numpy as np
import pytest
from scipy import stats

from keras_isa.evaluation import Scores
from keras_isa.evaluation.scores import mean_interval


@pytest.mark.parametrize("count", [2, 3, 9])
def test_interval_is_that_of_scipy(count):
    values = np.random.default_rng(count).normal(0.7, 0.02, count)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    np.testing.assert_allclose(mean_interval(values), expected, rtol=1e-9)


def test_one_value_has_no_interval():
    assert mean_interval([0.5]) is None
    assert Scores((0.5,), (0.5,)).to_dict()["accuracy_interval"] is None


def test_interval_holds_the_mean_as_often_as_it_says():
    rng = np.random.default_rng(0)
    drawn = rng.normal(0.3, 0.05, (2000, 5))
    inside = [low <= 0.3 <= high for low, high in map(mean_interval, drawn)]
    assert 0.935 < np.mean(inside) < 0.965


def test_values_of_json():
    scores = Scores((0.2, 1.0), (0.5, 0.5), (0.7, 0.9))
    found = json.loads(json.dumps(scores.to_dict()))
    assert found["accuracies"] == [0.2, 1.0] and found["krr_accuracies"] == [0.5, 0.5]
    assert found["accuracy_interval"] == [0.0, 1.0]  # cut: accuracies are fractions
    assert found["top5_accuracy_mean"] == pytest.approx(0.8)
    assert "top5_accuracy_mean" not in Scores((0.2,), (0.5,)).to_dict()


@pytest.mark.parametrize(
    ("values", "kind"),
    [(((np.nan,), (0.5,)), "logits"), (((0.5,), (np.nan,)), "predictions by regression")],
)
def test_networks_that_diverged_have_no_scores(values, kind):
    with pytest.raises(RuntimeError, match=f"1 of 1 networks have {kind} that are not finite"):
        Scores(*values)
