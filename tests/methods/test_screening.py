"""The choice of parametrisation and images per class for a number of bytes."""

import numpy as np
import pytest

import keras_isa
from keras_isa.methods import screening, within_budget
from keras_isa.parametrizations.budget import Candidate

TINY = {"width": 4, "depth": 1, "batch_size": 16, "pool_size": 2, "normalization": "identity"}


@pytest.fixture
def scored(monkeypatch):
    """Gives short runs scores by their parametrisation, and returns their settings."""
    runs, scores = [], {"identity": 0.5, "quantized:8": 0.75, "bases:10+quantized:8": 0.75}

    def score(trainer_class, train, settings, steps, seed):
        runs.append((settings, steps, seed))
        return scores.get(settings.parametrization, 0.25)

    monkeypatch.setattr(screening, "_score", score)
    return runs


def test_the_best_of_what_fits_is_taken_and_all_is_told(digits, scored):
    lines = []
    found = within_budget(digits[0], 3_200, report=lines.append, **TINY)
    assert [settings.parametrization for settings, *_ in scored] == [
        one.parametrization for one in found.tried
    ]
    assert "identity" in {one.parametrization for one in found.tried}
    assert found.best.parametrization == "quantized:8"
    assert (found.settings.parametrization, found.settings.images_per_class) == (
        "quantized:8",
        found.best.images_per_class,
    )
    assert found.settings.width == 4
    text = str(found)
    assert text == "\n".join(lines) and text.startswith("3,200 bytes, ")
    assert text.endswith(f"taken: quantized:8, {found.best.images_per_class} per class")
    assert all(one.parametrization in text for one in found.tried)
    about = found.to_dict()
    assert about["budget_bytes"] == 3_200 and about["tried"][0]["stored_bytes"] <= 3_200
    assert max(one["val_accuracy"] for one in about["tried"]) == 0.75


def test_short_runs_have_the_same_steps_and_a_share_of_the_whole(digits, scored):
    found = within_budget(digits[0], 5_000, seed=7, report=None, **TINY)
    least = min(settings.steps for settings, *_ in scored)
    assert {run[1:] for run in scored} == {(max(25, round(0.05 * least)), 7)}
    assert found.settings.steps >= least  # a whole run has all of them
    scored.clear()
    within_budget(digits[0], 5_000, steps=3, report=None, method="dm", width=4)
    assert {steps for _, steps, _ in scored} == {3}
    assert all(isinstance(settings, keras_isa.methods.DMConfig) for settings, *_ in scored)


def test_a_run_that_diverges_scores_nothing(digits, monkeypatch):
    def fit(self, *args, **options):
        assert options["validation_split"] == 0.1
        return type("History", (), {"history": {"val_accuracy": [float("nan")]}})

    monkeypatch.setattr(keras_isa.FRePoTrainer, "fit", fit)
    found = within_budget(digits[0], 1_500, report=None, **TINY)
    assert found.scores == (0.0,) * len(found.tried)


def test_of_equal_scores_the_smaller_set_is_taken():
    tried = (Candidate("identity", 2, 20, 900), Candidate("quantized:8", 5, 50, 800))
    settings = keras_isa.presets.Settings(images_per_class=1)
    assert screening.Screening(1_000, 5, tried, (0.5, 0.5), settings).best is tried[1]


def test_wrong_arguments_are_refused_before_work(digits, scored):
    train = digits[0]
    for name in ("images_per_class", "parametrization"):
        with pytest.raises(ValueError, match=f"`{name}` must be left out"):
            within_budget(train, 5_000, **{name: 1})
    with pytest.raises(ValueError, match="`budget_bytes` must be at least 1,120"):
        within_budget(train, 1_119)
    with pytest.raises(ValueError, match="`validation_split` must be above 0"):
        within_budget(train, 5_000, validation_split=0.0)
    with pytest.raises(ValueError, match="`method`"):
        within_budget(train, 5_000, method="none")
    with pytest.raises(TypeError, match="`train`"):
        within_budget(train.x, 5_000)
    assert not scored


def test_a_regression_is_refused():
    x = np.random.default_rng(0).normal(size=(30, 4)).astype("float32")
    data = keras_isa.datasets.Dataset.from_arrays(x, x[:, :2], task="regression")
    with pytest.raises(ValueError, match="`train` must have classes"):
        keras_isa.methods.within_budget(data, 4000)
