"""The four strategies: kept files, continued searches, and records of failures."""

import json
import shutil

import keras
import numpy as np
import pytest

import keras_isa
from keras_isa.tuning.history import best_records, table
from keras_isa.tuning.hyper_model import DistillationHyperModel


class Killed(BaseException):
    """It is not an `Exception`, so that nothing catches it."""


@pytest.fixture
def kill(monkeypatch):
    """`kill(trial, epoch)` ends the process, as far as the search can tell, within a trial."""

    def arrange(trial, epoch):
        distil, count = DistillationHyperModel.distil, [0]

        class Kill(keras.callbacks.Callback):
            def on_epoch_begin(self, number, logs=None):
                if count[0] == trial and number == epoch:
                    raise Killed

        def counted(self, *args, **options):
            count[0] += 1
            return distil(self, *args, callbacks=[Kill()], **options)

        monkeypatch.setattr(DistillationHyperModel, "distil", counted)
        # Killing another process would not free the programs of this one.
        monkeypatch.setattr(DistillationHyperModel, "forget", lambda self: self._trainers.clear())
        return lambda: monkeypatch.setattr(DistillationHyperModel, "distil", distil)

    return arrange


def plain(records):
    """The records without their times."""
    return [{**record.to_dict(), "seconds": 0} for record in records]


@pytest.mark.parametrize("kind", ["random", "bayesian", "grid"])
def test_strategies(make_tuner, train, tmp_path, kind, capsys):
    tuner = make_tuner(kind, trials=4)
    tuner.search(train, validation_split=0.3)
    records = tuner.history()
    assert [record.status for record in records] == ["completed"] * 4
    assert [record.steps for record in records] == [4] * 4
    # The given settings come first, and no values come twice.
    assert records[0].values == {"crucial_fraction": 0.8, "regularization": 1e-2}
    assert len({json.dumps(record.values) for record in records}) == 4
    assert all(0.3 <= record.values["crucial_fraction"] <= 1 for record in records)
    assert make_tuner.said[1].startswith("trial 2/4: crucial_fraction ")
    assert "score 0." in make_tuner.said[1] and "(best 0." in make_tuner.said[1]
    assert capsys.readouterr() == ("", "")  # keras-tuner is silent
    kept = keras_isa.load(tmp_path / "search" / "trial_0" / "set.keras")
    assert kept.provenance["crucial_fraction"] == 0.8
    assert not list((tmp_path / "search").glob("*/run.npz"))
    # A finished search is not run again, and can be made longer.
    again = make_tuner(kind, trials=4)
    again.search(train, validation_split=0.3)
    assert plain(again.history()) == plain(records) and len(make_tuner.said) == 4
    longer = make_tuner(kind, trials=5)
    longer.search(train, validation_split=0.3)
    assert plain(longer.history())[:4] == plain(records) and len(longer.history()) == 5


@pytest.mark.parametrize(("kind", "trial", "epoch"), [("random", 1, 0), ("grid", 2, 1)])
def test_a_killed_search_goes_on(make_tuner, make_model, train, kill, tmp_path, kind, trial, epoch):
    model = make_model(changes={"steps": 4, "epochs": 2})  # two epochs in a trial
    whole = make_tuner(kind, directory=tmp_path / "whole", model=model)
    whole.search(train, validation_split=0.3)
    live_on = kill(trial, epoch)
    with pytest.raises(Killed):
        make_tuner(kind, model=model).search(train, validation_split=0.3)
    live_on()
    resumed = make_tuner(kind, model=model)
    resumed.search(train, validation_split=0.3)
    assert plain(resumed.history()) == plain(whole.history())


def test_hyperband_continues_what_it_promotes(make_tuner, shared_model, train, tmp_path):
    model, tuner = shared_model, make_tuner("hyperband", trials=13)
    tuner.search(train, validation_split=0.3)
    records = tuner.history()
    assert [record.steps for record in records] == [2] * 9 + [6] * 3 + [18]
    last = records[-1]
    middle = next(record for record in records if record.name == last.parent)
    assert last.values == middle.values and middle.parent is not None
    # The set is that of a run without a break.
    data = model.divided(train, None, None, 0.3)
    whole = model.distil(last.values, tuner.whole_length()._replace(epochs=9), data)
    kept = keras_isa.load(tmp_path / "search" / f"trial_{last.name}" / "set.keras")
    for one, other in zip(kept.to_numpy(), whole.distilled.to_numpy(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert best_records(records)[0] in records


def test_a_killed_promotion_goes_on(make_tuner, train, kill, tmp_path):
    whole = make_tuner("hyperband", trials=10, directory=tmp_path / "whole")
    whole.search(train, validation_split=0.3)
    live_on = kill(10, 2)  # the first run that is promoted, in the middle
    with pytest.raises(Killed):
        make_tuner("hyperband", trials=10).search(train, validation_split=0.3)
    live_on()
    resumed = make_tuner("hyperband", trials=10)
    resumed.search(train, validation_split=0.3)
    assert plain(resumed.history()) == plain(whole.history())
    assert resumed.history()[-1].parent is not None


def test_failures_are_told_and_the_search_goes_on(make_tuner, make_model, train):
    space = {"learning_rate": [1e-2, 1e30, 1e-3], "pool_size": [1]}
    tuner = make_tuner("grid", trials=3, model=make_model(space))
    tuner.search(train, validation_split=0.3)
    statuses = {record.values["learning_rate"]: record for record in tuner.history()}
    failed = statuses.pop(1e30)
    assert failed.status == "failed" and failed.reason.startswith("diverged: ")
    assert failed.score is None and "failed, diverged" in " ".join(make_tuner.said)
    assert all(record.status == "completed" for record in statuses.values())
    assert "failed: diverged" in table(tuner.history())


def test_too_many_failures_in_a_row_end_the_search(make_tuner, make_model, train, monkeypatch):
    def broken(self, *args, **options):
        raise ValueError("a bad\ncombination")

    monkeypatch.setattr(DistillationHyperModel, "distil", broken)
    for _ in range(2):  # and again when it is asked to go on
        with pytest.raises(RuntimeError, match="the last 2 trials failed.*a bad combination"):
            make_tuner(trials=5, max_failures=2).search(train, validation_split=0.3)
    assert len(make_tuner().history()) == 2


def test_a_score_that_is_no_number_is_a_failure(make_tuner, train, monkeypatch):
    monkeypatch.setattr(DistillationHyperModel, "score", lambda *args: float("nan"))
    with pytest.raises(RuntimeError, match="the score is nan"):
        make_tuner(trials=1).search(train, validation_split=0.3)


def test_another_search_in_the_folder_is_refused(make_tuner, make_model, train, tmp_path):
    make_tuner(trials=1).search(train, validation_split=0.3)
    for options, named in (
        ({"kind": "grid"}, "tuner is 'grid', and 'random'"),
        ({"seed": 1}, "seed is 1, and 0"),
        ({"model": make_model(["pairing"])}, "space: "),
        ({"model": make_model(steps=5)}, "steps of a trial is 5, and 4"),
        ({"model": make_model(changes={"width": 5})}, "settings: width is 5, and 4"),
    ):
        with pytest.raises(ValueError, match=f"`directory` must hold the same search.*{named}"):
            make_tuner(**options)
    with pytest.raises(ValueError, match="data is"):
        make_tuner().search(train, validation_split=0.2)
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="`directory` must be a folder"):
        make_tuner(directory=tmp_path / "file")
    shutil.rmtree(tmp_path / "search")
    for options, named in (
        ({"kind": "best"}, "tuner"),
        ({"trials": 0}, "trials"),
        ({"max_failures": 0}, "max_failures"),
    ):
        with pytest.raises(ValueError, match=f"`{named}`"):
            make_tuner(**options)
