import pytest

from keras_isa import KIPTrainer
from keras_isa.studies import Experiment, study
from keras_isa.studies.base import column, gain, mean, measured, score_row, shown_seed
from keras_isa.studies.result import told

RUNS = {
    "plain": {0: {"student": 0.8, "krr": 0.7}, 1: {"student": 0.9, "krr": 0.8}},
    "both": {0: {"student": 0.85, "krr": 0.7}, 1: {"student": 0.91, "krr": 0.9}},
}


def test_scores_of_cells():
    assert column(RUNS, "both", "krr") == {0: 0.7, 1: 0.9}
    assert gain(RUNS, "both", "plain").differences == pytest.approx((0.05, 0.01))
    row = score_row(RUNS, "both", "plain", "shown")
    assert row["student"] == pytest.approx(0.88) and row["student_least"] == 0.85
    assert row["difference"] == pytest.approx(0.03) and row["setting"] == "shown"
    assert score_row(RUNS, "plain", "plain", "plain")["difference"] is None
    assert score_row(RUNS, "plain", None, "plain")["verdict"] is None


def test_runs_that_diverged_are_left_out():
    runs = {**RUNS, "both": {0: {"diverged": "not finite"}, 1: {"student": 0.91, "krr": 0.9}}}
    assert column(runs, "both", "student") == {1: 0.91} and list(measured(runs, "both")) == [1]
    assert gain(runs, "both", "plain").differences == pytest.approx((0.01,))
    assert shown_seed(runs) == (1, ["plain", "both"]) and mean(runs, "both", "krr") == 0.9
    lost = {**RUNS, "both": {seed: {"diverged": "not finite"} for seed in (0, 1)}}
    assert mean(lost, "both", "krr") is None
    row = score_row(lost, "both", "plain", "both")
    assert row["student"] is row["student_least"] is row["difference"] is None
    assert told(gain(lost, "both", "plain")) == "an unknown number of"
    assert shown_seed(lost) == (0, ["plain"])


def test_a_study_of_another_method(experiment, tmp_path):
    settings = KIPTrainer.Config(images_per_class=1)
    own = Experiment(experiment.train, experiment.test, settings, tmp_path)
    study("cruciality")(own)
    with pytest.raises(ValueError, match="`method` must be frepo .*Received: kip"):
        study("augmentation")(own)


def test_too_few_images(experiment, make_experiment):
    with pytest.raises(ValueError, match="`images_per_class` must give 6 images.*Received: 3"):
        study("diversity")(experiment)
    study("diversity")(make_experiment(2))
    study("diversity")(make_experiment((1, 2, 3)))
