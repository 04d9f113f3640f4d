import pytest

from keras_isa.studies import study


@pytest.fixture
def own(experiment, monkeypatch):
    made = study("convergence")(experiment)
    times = {"plain": 0.010, "isa": 0.0104, "both": 0.011}
    monkeypatch.setattr(experiment, "seconds_per_step", lambda arms: times)
    made.prepare(lambda line: None)
    return made


def curve(values):
    return {"steps": [2, 4], "val": values, "last": values[-1], "steps_to_99": 4}


def test_a_curve(own):
    found = own.cells(0)["isa"]()
    assert found["steps"] == [2, 4] and len(found["val"]) == 2
    assert found["last"] == found["val"][-1] and found["steps_to_99"] in (2, 4)


def test_what_it_says(own, check):
    runs = {
        name: {seed: curve([0.5, last + 0.001 * seed]) for seed in range(4)}
        for name, last in (("plain", 0.8), ("isa", 0.82), ("both", 0.8))
    }
    found = check(own, runs)
    assert "+4.00 % of time" in found.sentences[0]
    assert "+2.00 (+2.00 to +2.00)" in found.sentences[2]
    assert found.claims[0].verdict == "supported"
    assert found.rows[1]["ratio"] == pytest.approx(1.04)
    for seed, one in runs["isa"].items():
        one["steps_to_99"] = 6 + seed
    assert check(own, runs).claims[0].verdict == "not supported"
    one_seed = {name: {0: cell[0]} for name, cell in runs.items()}
    assert check(own, one_seed).claims[0].verdict == "undecided"


def test_no_held_out_images(make_experiment):
    made = study("convergence")(make_experiment(1, validation_split=0.0))
    with pytest.raises(ValueError, match="`validation_split` must hold images out"):
        made.cells(0)["plain"]()
