"""The whole search: the choice, the images that it is made on, and the record in the set."""

import json

import numpy as np
import pytest

import keras_isa
from keras_isa.tuning import tune
from keras_isa.tuning.scoring import Scorer


@pytest.fixture
def search(settings, train, tmp_path):
    """`search(...)` runs a small search in one folder."""

    def call(train=train, **options):
        changes = options.pop("changes", {})
        defaults = {"directory": tmp_path / "search", "trials": 2, "finalists": 1, "repeats": 1}
        options = {**defaults, "steps": 4, "report": None, **options}
        return tune(train, settings.with_changes(**changes), **options)

    return call


@pytest.mark.slow
def test_the_best_set_remembers_the_search(search, train, digits, tmp_path):
    said = []
    result = search(report=said.append)
    assert [record.name for record in result.finalists] == ["preset", "finalist 1"]
    assert [record.steps for record in result.finalists] == [18, 18]
    assert result.best.score == max(record.score for record in result.finalists)
    assert len(said) == 4 and said[2].startswith("preset, in full: the settings themselves")
    path = tmp_path / "best.keras"
    scores = result.test(digits[1])
    result.distilled.save(path)
    history = keras_isa.load(path).provenance["tuning"]
    assert json.loads(json.dumps(history)) == history
    assert history["tuner"] == "random" and history["objective"] == "krr"
    assert history["space"] == {"crucial_fraction": [0.3, 1.0], "regularization": [1e-7, 1e-1]}
    assert len(history["trials"]) == 2
    trial = history["trials"][1]
    assert set(trial) == {"name", "values", "score", "steps", "seconds", "status"}
    assert set(history["test"]) == set(scores) == {"preset", "best"}
    for words in ("trial", "finalist 1", "best: "):
        assert words in str(result)
    result.plot(tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_only_held_out_images_choose_and_a_finished_search_trains_nothing(
    search, train, monkeypatch
):
    seen = []
    students, krr = Scorer.students, Scorer.krr

    def watch(method):
        def call(self, distilled, x, y):
            seen.append(np.asarray(x))
            return method(self, distilled, x, y)

        return call

    monkeypatch.setattr(Scorer, "students", watch(students))
    monkeypatch.setattr(Scorer, "krr", watch(krr))
    result = search(validation_split=0.25)
    assert len(seen) == 4 and all(len(x) == 30 for x in seen)
    real = result.distilled.preprocess(train.x).reshape(120, -1)
    held_out = seen[0].reshape(30, -1)
    inside = [(np.abs(real - image).max(axis=1) < 1e-5).any() for image in held_out]
    assert all(inside)
    assert result.distilled.provenance["selection"]["images"] == 30

    monkeypatch.setattr(Scorer, "students", None)
    monkeypatch.setattr(keras_isa.FRePoTrainer, "fit", None)
    again = search(validation_split=0.25)
    assert again.trials == result.trials and again.finalists == result.finalists
    for one, other in zip(again.distilled.to_numpy(), result.distilled.to_numpy(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_tie_goes_to_the_settings_themselves(search, monkeypatch):
    scores = keras_isa.evaluation.Scores((0.5,), (0.5,))
    monkeypatch.setattr(Scorer, "students", lambda *args: scores)
    assert search(trials=1).best.name == "preset"


def test_hyperband_goes_on_to_the_whole_run(search):
    result = search(tuner="hyperband", trials=10)
    assert [record.steps for record in result.finalists] == [18, 18]


def test_a_run_in_full_that_fails_is_told(search, monkeypatch):
    def broken(*args):
        raise RuntimeError("no students today")

    monkeypatch.setattr(Scorer, "students", broken)
    with pytest.raises(RuntimeError, match="all runs with all steps failed.*no students today"):
        search()


def test_bad_arguments(search, train):
    for options, named in (
        ({"finalists": -1}, "finalists"),
        ({"validation_split": 1.0}, "validation_split"),
        ({"trials": 0}, "trials"),
        ({"changes": {"images_per_class": 99}}, "images_per_class|class"),
    ):
        with pytest.raises(ValueError, match=named):
            search(**options)
