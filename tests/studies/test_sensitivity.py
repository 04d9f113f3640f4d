from keras_isa.studies import study


def test_what_it_says(experiment, made_up, check):
    own = study("sensitivity")(experiment)
    best = "p 0.7, interval (0, 1)"
    found = check(own, made_up(own, 3, {best: 0.05, "5 networks, age 300": -0.05}))
    assert len(found.rows) == 5 * 4 + 3 * 3
    assert f"({best})" in found.sentences[0] and "(5 networks, age 300)" in found.sentences[1]
    assert "standard deviation is 0.0" in found.sentences[2] or "0.1" in found.sentences[2]
    assert len(check(own, made_up(own, 1)).sentences) == 2


def test_runs_that_diverged(experiment, made_up, check):
    own = study("sensitivity")(experiment)
    runs = made_up(own, 3)
    for name in runs:
        if "networks" in name:
            runs[name] = {seed: {"diverged": "not finite"} for seed in range(3)}
    found = check(own, runs)
    assert not any("pool size" in one for one in found.sentences)
