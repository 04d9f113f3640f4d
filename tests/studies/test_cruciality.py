from keras_isa.studies import study
from keras_isa.studies.cruciality import dropped


def test_what_it_says(experiment, made_up, check):
    own = study("cruciality")(experiment)
    gains = {"easiest 10 %": 0.02, "hardest 10 %": -0.02, "hardest 20 %": -0.03}
    found = check(own, made_up(own, 5, gains))
    assert [row["setting"] for row in found.rows][:2] == ["none dropped", "easiest 10 %"]
    assert [one.verdict for one in found.claims] == ["supported", "supported"]
    contrary = check(own, made_up(own, 5, {"easiest 10 %": -0.02, "hardest 30 %": 0.05}))
    assert [one.verdict for one in contrary.claims] == ["not supported", "not supported"]


def test_what_is_dropped(experiment):
    easiest, hardest = (dropped(experiment, which, 0.3) for which in ("easiest", "hardest"))
    assert easiest == {"crucial_fraction": 0.7, "isa_interval": (0.0, 0.0)}
    assert hardest.pop("trainer").__name__ == "WithoutHardest" and hardest == easiest


def test_a_whole_cell(experiment):
    cells = study("cruciality")(experiment).cells(0)
    assert len(cells) == 7
    assert set(cells["hardest 30 %"]()) == {"student", "krr", "val", "seconds"}
