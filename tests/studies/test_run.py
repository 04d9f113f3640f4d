import dataclasses
import json

import pytest

from keras_isa.studies import Experiment, run_study
from keras_isa.studies.base import Study
from keras_isa.studies.result import Column, Findings
from keras_isa.studies.run import seeds_there


class Counting(Study):
    """Cells that count, and a clock that stands at what a test says."""

    name, title, question, source = "counting", "Counting", "How many?", "Table 0"
    stop = None

    def __init__(self, experiment, clock=None, seconds=0.0):
        super().__init__(experiment)
        self.made, self.clock, self.seconds = [], clock, seconds

    def cells(self, seed):
        return {name: lambda name=name: self._made(seed, name) for name in "ab"}

    def _made(self, seed, name):
        if (seed, name) == self.stop:
            raise KeyboardInterrupt
        self.made.append((seed, name))
        if self.clock is not None:
            self.clock[0] += self.seconds
        return {"student": 0.5 + 0.1 * seed}

    def enough(self, runs, note):
        return len(runs["a"]) == 3

    def findings(self, runs):
        rows = [{"cell": name, "seeds": len(runs[name])} for name in runs]
        return Findings((Column("cell", "", "text"), Column("seeds", "")), rows, ["Two."], [])

    def draw(self, runs):
        from keras_isa.studies.pictures import figure

        return figure(2.0)[0]


def test_seeds_one_after_the_other(experiment):
    study = Counting(experiment)
    result = run_study(study, [5, 6], command="keras-isa study counting", note=lambda line: None)
    assert study.made == [(5, "a"), (5, "b"), (6, "a"), (6, "b")]
    values = result.values
    assert json.loads(json.dumps(values)) == values
    assert (values["seeds"], values["seeds_asked"]) == ([5, 6], 2)
    assert values["runs"]["a"] == {"5": {"student": 1.0}, "6": {"student": 1.1}}
    assert values["rows"][0] == {"cell": "a", "seeds": 2}
    assert {"device", "versions", "settings", "dataset", "repeats"} <= set(values)
    assert "keras-isa study counting" in result.page


def test_no_more_seeds_than_are_needed(experiment):
    result = run_study(Counting(experiment), range(9), note=lambda line: None)
    assert result.values["seeds"] == [0, 1, 2]
    assert "3 seeds of 9" in result.page


def test_the_time_is_kept(experiment, monkeypatch):
    clock, said = [0.0], []
    monkeypatch.setattr("time.perf_counter", lambda: clock[0])
    study = Counting(experiment, clock, seconds=50.0)
    result = run_study(study, range(9), minutes=4, note=said.append)
    assert result.values["seeds"] == [0, 1]  # the third would end after 300 seconds
    assert said[-1] == "2 of 9 seeds: another one would take too long"
    assert result.values["sentences"] == ["Two."]
    assert said[0] == "seed 0, 1 of 2: a, 50 s"
    first = run_study(Counting(experiment, clock, 500.0), range(2), minutes=1, note=said.append)
    assert first.values["seeds"] == [0]


def test_remarks_that_hold_for_all_studies(experiment):
    class Remarked(Counting):
        stop = None
        student = 0.9

        def _made(self, seed, name):
            return {"diverged": "not finite"} if name == "b" else {"student": self.student}

        def findings(self, runs):
            rows = [{"interval": [0, 1]}, {"interval": None}, {"interval": [0, 2]}]
            return Findings((Column("interval", "", "interval"),), rows, ["It is."], [])

    def said(seeds):
        return run_study(Remarked(experiment), seeds, note=lambda line: None).values["sentences"]

    assert said([0, 1, 2])[1:] == [
        "3 runs diverged and are left out: b.",
        "The table has 2 intervals of 95 %: one in twenty leaves zero out by chance.",
    ]
    assert said([0])[2].startswith("Fewer than three seeds decide nothing")
    Remarked.student = 0.34
    assert said([0, 1, 2])[2].startswith("No network is far from chance, 33.3 %")


def test_another_study_is_not_replaced(experiment, make_experiment, tmp_path):
    assert seeds_there(tmp_path / "absent", Counting(experiment)) == []
    run_study(Counting(experiment), [0, 4], note=lambda line: None).save(tmp_path)
    assert seeds_there(tmp_path, Counting(experiment)) == [0, 4]
    with pytest.raises(ValueError, match="counting.json is of other settings, and would be"):
        seeds_there(tmp_path, Counting(make_experiment(1, steps=8)))
    with pytest.raises(ValueError, match="is of other repeats"):
        seeds_there(tmp_path, Counting(make_experiment(1, repeats=1)))
    train = dataclasses.replace(experiment.train, x=experiment.train.x[::-1].copy())
    about = train, experiment.test, experiment.settings, tmp_path
    with pytest.raises(ValueError, match="is of other images"):
        seeds_there(tmp_path, Counting(Experiment(*about, repeats=2)))
    for content in ("[]", "{", "{}"):
        (tmp_path / "counting.json").write_text(content)
        with pytest.raises(ValueError, match="is no result of a study"):
            seeds_there(tmp_path, Counting(experiment))
    (tmp_path / "counting.json").unlink()
    (tmp_path / "counting.png").unlink()
    (tmp_path / "counting.png").mkdir()
    with pytest.raises(ValueError, match="counting.png"):
        seeds_there(tmp_path, Counting(experiment))


def test_comparisons_are_not_lost(experiment, tmp_path):
    class Comparing(Counting):
        options = {"over": ["width", "steps"], "equal_time": True}

    class Fewer(Counting):
        options = {"over": ["steps"], "equal_time": True}

    class More(Counting):
        options = {"over": ["steps", "width", "flip"], "equal_time": True}

    run_study(Comparing(experiment), [0], note=lambda line: None).save(tmp_path)
    with pytest.raises(ValueError, match="give the same over .over: .'width', 'steps'."):
        seeds_there(tmp_path, Fewer(experiment))
    assert seeds_there(tmp_path, More(experiment)) == [0]


def test_all_runs_diverge(experiment):
    class Diverging(Counting):
        def _made(self, seed, name):
            return {"diverged": "not finite"}

        def findings(self, runs):
            raise AssertionError("there is nothing to find")

        draw = findings

    result = run_study(Diverging(experiment), [0, 1, 2], note=lambda line: None)
    assert result.values["sentences"] == [
        "Every run diverged: there is nothing to compare.",
        "6 runs diverged and are left out: a and b.",
    ]
    assert len(result.picture) > 1000


class Keeping(Counting):
    """Cells that the experiment keeps."""

    def _made(self, seed, name):
        made = super()._made
        return self.experiment.kept(name, {"seed": seed}, lambda: made(seed, name))


def test_an_interrupted_study_goes_on(experiment, make_experiment):
    first = Keeping(experiment)
    first.stop = (1, "b")
    with pytest.raises(KeyboardInterrupt):
        run_study(first, range(3), note=lambda line: None)
    assert first.made == [(0, "a"), (0, "b"), (1, "a")]
    second = Keeping(make_experiment())  # the same folder
    result = run_study(second, range(3), note=lambda line: None)
    assert second.made == [(1, "b"), (2, "a"), (2, "b")]
    assert result.values["seeds"] == [0, 1, 2]


def test_what_is_refused(experiment):
    study = Counting(experiment)
    with pytest.raises(TypeError, match="`study` must be"):
        run_study("module", [0])
    for seeds in ([], [1, 1], [-1]):
        with pytest.raises(ValueError, match="seed"):
            run_study(study, seeds)
    with pytest.raises(ValueError, match="`minutes` must be"):
        run_study(study, [0], minutes=0)
    assert study.made == []
