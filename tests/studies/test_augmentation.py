from keras_isa.studies import study


def test_what_it_says(experiment, made_up, check):
    own = study("augmentation")(experiment)
    found = check(own, made_up(own, 5, {"ISA (0, 0.5)": 0.02, "single step": 0.05}))
    assert len(found.rows) == 10
    assert [one.verdict for one in found.claims] == ["supported", "supported", "not supported"]


def test_every_arm_is_another_run(experiment, monkeypatch):
    asked = []
    monkeypatch.setattr(experiment, "scores", lambda seed, **arm: asked.append(arm))
    for measure in study("augmentation")(experiment).cells(0).values():
        measure()
    assert len(asked) == 10 and all(asked.count(one) == 1 for one in asked)
    assert all(one["crucial_fraction"] == 1.0 for one in asked)
    assert sum("trainer" in one for one in asked) == 2
