import pytest

from keras_isa import DistributionMatchingTrainer, TrajectoryMatchingTrainer
from keras_isa.studies import Experiment
from keras_isa.studies.module import ModuleStudy


@pytest.fixture
def timed(monkeypatch):
    """Sets the times of steps, relative to the plain one."""

    def call(study, crucial=1.0, isa=1.0, both=1.0):
        times = {"plain": 0.01, "crucial": crucial / 100, "isa": isa / 100, "both": both / 100}
        monkeypatch.setattr(study.experiment, "seconds_per_step", lambda arms, note: times)
        study.prepare(lambda line: None)
        return study

    return call


def test_equal_time_has_fewer_steps(make_experiment, timed):
    study = timed(ModuleStudy(make_experiment(1, steps=100)), isa=1.24, both=1.01, crucial=0.8)
    # 80.6 and 125 steps, in two epochs as the others.
    assert study.equal_time == {"isa": 80, "crucial": 124}
    without = timed(ModuleStudy(study.experiment, equal_time=False), isa=1.24)
    assert without.equal_time == {} and len(without.cells(0)) == 4
    asked = {}
    study.experiment.scores = lambda seed, **changes: asked.update({seed: changes})
    cells = study.cells(3)
    assert list(cells) == [
        *("plain", "crucial", "isa", "both"),
        *("crucial, equal time", "isa, equal time"),
    ]
    cells["isa, equal time"]()
    assert asked[3] == {"crucial_fraction": 1.0, "isa_interval": (0.0, 0.5), "steps": 80}


def test_what_it_says(experiment, timed, made_up, check):
    study = timed(ModuleStudy(experiment, over=("width",)), isa=1.5)
    gains = {"both": 0.03, "crucial": -0.03, "both, width 8": 0.02}
    found = check(study, made_up(study, 6, gains))
    verdicts = {row["setting"]: row["verdict"] for row in found.rows}
    assert verdicts["crucial samples and ISA, equal steps"] == "helps"
    assert verdicts["crucial samples, equal steps"] == "hurts"
    assert verdicts["ISA, equal time"] == "cannot be told apart"
    assert verdicts["crucial samples and ISA, width 8"] == "helps"
    assert "ISA +50.0 %" in found.sentences[-1]
    assert "cannot be told apart at this scale" in " ".join(found.sentences)


def test_the_first_five_seeds_say_how_many_it_takes(experiment, timed, made_up):
    study, said = timed(ModuleStudy(experiment, precision=0.1)), []
    runs = made_up(study, 40)
    for seeds in range(1, 41):
        part = {name: {s: v for s, v in cell.items() if s < seeds} for name, cell in runs.items()}
        if study.enough(part, said.append):
            break
        assert len(said) == (0 if seeds < 5 else 2)
    assert 5 < seeds < 40
    assert "standard deviation of 0." in said[0] and "show a difference of one point" in said[0]
    assert said[1] == f"{seeds} seeds give intervals of 0.1 points and less"
    everything = timed(ModuleStudy(experiment))
    assert not everything.enough(runs, said.append) and len(said) == 3


def test_a_run_that_diverged_is_left_out(experiment, timed, made_up, check):
    study = timed(ModuleStudy(experiment))
    runs = made_up(study, 4)
    runs["isa"] = {seed: {"diverged": "not finite"} for seed in range(4)}
    runs["both"][0] = {"diverged": "not finite"}
    found = check(study, runs)
    rows = {row["setting"]: row for row in found.rows}
    assert rows["ISA, equal steps"]["student"] is None
    assert rows["ISA, equal steps"]["verdict"] == "cannot be told apart"
    assert rows["crucial samples and ISA, equal steps"]["difference"] is not None
    assert "(of 3 seeds)" in found.sentences[0]


def test_steps_of_experts_are_not_timed(experiment, tmp_path, check, made_up):
    settings = TrajectoryMatchingTrainer.Config(images_per_class=1)
    study = ModuleStudy(Experiment(experiment.train, experiment.test, settings, tmp_path))
    study.prepare(lambda line: None)
    assert list(study.cells(0)) == ["plain", "crucial", "isa", "both"]
    assert check(study, made_up(study)).sentences[-1].startswith("Time is not compared")


def test_all_factors_are_those_of_the_method(experiment, tmp_path):
    assert "flip" in ModuleStudy(experiment, over="all").over
    settings = DistributionMatchingTrainer.Config(images_per_class=1)
    own = Experiment(experiment.train, experiment.test, settings, tmp_path)
    study = ModuleStudy(own, over=("all",))
    assert "flip" not in study.over and "width" in study.over


def test_one_seed_shows_no_spread(experiment, timed, made_up, check):
    study = timed(ModuleStudy(experiment))
    found = check(study, made_up(study, 1))
    assert found.sentences[0].startswith("One or two seeds show no spread")
    runs = made_up(study, 5)
    for seed, one in runs["both"].items():
        one["student"] = runs["plain"][seed]["student"]
    assert check(study, runs).sentences[0].startswith("All seeds differ by the same")


def test_what_is_refused(experiment):
    with pytest.raises(ValueError, match="`over` must"):
        ModuleStudy(experiment, over=("luck",))
    with pytest.raises(ValueError, match="`precision` must be"):
        ModuleStudy(experiment, precision=0)
