import pytest

from keras_isa.studies.module import ModuleStudy


@pytest.fixture
def timed(monkeypatch):
    """Sets the times of steps, relative to the plain one."""

    def call(study, crucial=1.0, isa=1.0, both=1.0):
        times = {"plain": 0.01, "crucial": crucial / 100, "isa": isa / 100, "both": both / 100}
        monkeypatch.setattr(study.experiment, "seconds_per_step", lambda arms: times)
        study.prepare(lambda line: None)
        return study

    return call


def test_equal_time_has_fewer_steps(make_experiment, timed):
    study = timed(ModuleStudy(make_experiment(1, steps=100)), isa=1.25, both=1.01, crucial=0.8)
    assert study.equal_time == {"isa": 80, "crucial": 125}
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
    assert "ISA +50.0 %" in found.sentences[-2]
    assert "cannot be told apart at this scale" in " ".join(found.sentences)


def test_power_is_said_beforehand(experiment, timed, made_up):
    study, said = timed(ModuleStudy(experiment, precision=0.5)), []
    runs = made_up(study, 8)
    for seeds in range(1, 9):
        part = {name: {s: v for s, v in cell.items() if s < seeds} for name, cell in runs.items()}
        if study.enough(part, said.append):
            break
    assert 3 <= seeds < 8
    assert "standard deviation of 0." in said[0] and "seeds show a difference of one" in said[0]
    assert said[-1].startswith(f"{seeds} seeds: the widest interval is 0.")
    assert not timed(ModuleStudy(experiment)).enough(runs, said.append)


def test_one_seed_shows_no_spread(experiment, timed, made_up, check):
    study = timed(ModuleStudy(experiment))
    found = check(study, made_up(study, 1))
    assert found.sentences[0].startswith("One seed shows no spread")


def test_what_is_refused(experiment):
    with pytest.raises(ValueError, match="`over` must"):
        ModuleStudy(experiment, over=("luck",))
    with pytest.raises(ValueError, match="`precision` must be"):
        ModuleStudy(experiment, precision=0)
