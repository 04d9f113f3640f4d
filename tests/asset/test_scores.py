"""The score that sets are compared by."""

import numpy as np
import pytest
from sklearn.metrics import r2_score

from keras_isa import DistilledData
from keras_isa.asset import scores

NAMES = ("loss", "accuracy", "label_margin", "inner_loss")


def of_targets(number):
    return DistilledData((4,), number, 5, task="regression")


def test_names_follow_the_task():
    assert scores.names_for(NAMES, DistilledData((4,), 2, 1)) == NAMES
    assert scores.names_for(NAMES, of_targets(2)) == ("loss", "r2", "inner_loss")


@pytest.mark.parametrize("number", [1, 3])
def test_r2_over_batches_with_weights_is_that_of_scikit_learn(number):
    rng = np.random.default_rng(0)
    y = rng.normal(3.0, [2.0, 0.5, 9.0][:number], (40, number)).astype("float32")
    predictions = y + rng.normal(size=y.shape).astype("float32")
    distilled = of_targets(number)
    metric = scores.metrics_of(("loss", "r2"), distilled)["r2"]
    for start in (0, 30):  # ten rows come twice and do not count again
        rows = slice(max(start - 10, 0), start + 30 if start == 0 else 40)
        weights = (np.arange(40)[rows] >= start).astype("float32")
        ((name, values),) = scores.judged(distilled, predictions[rows], y[rows]).items()
        assert name == "r2"
        metric.update_state(*values, sample_weight=weights)
    assert float(metric.result()) == pytest.approx(r2_score(y, predictions), abs=1e-5)


def test_accuracy_is_the_share_of_hits():
    distilled = DistilledData((4,), 2, 1)
    metric = scores.metrics_of(("loss",), distilled)["accuracy"]
    found = scores.judged(distilled, np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([0, 1], "int32"))
    metric.update_state(*found["accuracy"])
    assert float(metric.result()) == 0.5


def test_a_prediction_that_is_not_finite_shows():
    metric = scores.metrics_of((), of_targets(1))["r2"]
    metric.update_state(np.zeros((2, 1)), np.full((2, 1), np.nan))
    assert np.isnan(float(metric.result()))
