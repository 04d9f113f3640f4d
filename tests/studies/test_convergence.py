import pytest

from keras_isa import TrajectoryMatchingTrainer
from keras_isa.studies import Experiment, study

TIMES = {"plain": 0.010, "isa": 0.0104, "both": 0.011}


@pytest.fixture
def own(make_experiment, monkeypatch):
    experiment = make_experiment(1, steps=40)
    made = study("convergence")(experiment)
    monkeypatch.setattr(experiment, "seconds_per_step", lambda arms, note: TIMES)
    made.prepare(lambda line: None)
    return made


def curve(*values):
    return {"steps": [2, 4, 6, 8], "val": list(values), "last": values[-1]}


def runs_of(isa, seeds=4):
    arms = {"plain": curve(0.3, 0.5, 0.7, 0.8), "both": curve(0.3, 0.5, 0.7, 0.8), "isa": isa}
    return {name: {seed: one for seed in range(seeds)} for name, one in arms.items()}


def test_a_curve_has_many_points(own):
    found = own.cells(0)["isa"]()
    assert found["steps"] == list(range(2, 41, 2)) and len(found["val"]) == 20
    assert found["last"] == found["val"][-1]


def test_a_run_is_measured_by_the_end_of_the_plain_one(own, check):
    found = check(own, runs_of(curve(0.3, 0.79, 0.9, 1.0)))  # 0.792 is wanted
    assert found.rows[1]["steps"] == 6 and found.rows[0]["steps"] == 8
    assert "takes 4.0 % more time than one without" in found.sentences[0]
    assert "-2 (-2 to -2) steps" in found.sentences[1] and "every 2 steps" in found.sentences[1]
    assert "+20.00 (+20.00 to +20.00)" in found.sentences[2]
    assert found.claims[0].verdict == "supported"
    assert found.rows[1]["ratio"] == pytest.approx(1.04)


def test_a_run_that_never_gets_there(own, check):
    found = check(own, runs_of(curve(0.3, 0.5, 0.6, 0.7)))
    assert found.rows[1]["steps"] is None and found.rows[1]["reached"] == "0 of 4"
    assert "+32 (+32 to +32) steps" in found.sentences[1]  # it counts as all 40
    assert found.claims[0].verdict == "not supported"


def test_few_seeds_and_coarse_grids_decide_nothing(own, check):
    runs = runs_of(curve(0.3, 0.79, 0.9, 1.0), seeds=2)
    assert check(own, runs).claims[0].verdict == "undecided"
    one = check(own, runs_of(curve(0.3, 0.79, 0.9, 1.0), seeds=1))
    assert one.claims[0].verdict == "undecided" and "nan" not in " ".join(one.sentences)
    own._grid = 5
    coarse = check(own, runs_of(curve(0.3, 0.79, 0.9, 1.0)))
    assert coarse.claims[0].verdict == "undecided" and "too seldom" in coarse.sentences[-1]


def test_a_run_that_diverged_is_left_out(own, check):
    runs = runs_of(curve(0.3, 0.79, 0.9, 1.0))
    runs["isa"] = {**runs["isa"], 0: {"diverged": "not finite"}}
    assert check(own, runs).rows[1]["reached"] == "3 of 3"
    runs["plain"] = {seed: {"diverged": "not finite"} for seed in range(4)}
    found = check(own, runs)
    assert "nan" not in " ".join(found.sentences) and found.claims[0].verdict == "undecided"


def test_what_is_refused(make_experiment, experiment, tmp_path):
    with pytest.raises(ValueError, match="`validation_split` must hold images out"):
        study("convergence")(make_experiment(1, validation_split=0.0))
    settings = TrajectoryMatchingTrainer.Config(images_per_class=1)
    own = Experiment(experiment.train, experiment.test, settings, tmp_path)
    with pytest.raises(ValueError, match="`method` must be one whose steps .*Received: mtt"):
        study("convergence")(own)
