"""keras-tuner's oracles as we change them."""

import itertools
import json

import keras_tuner
import pytest
from keras_tuner.engine.trial import Trial, TrialStatus

from keras_isa.tuning.oracles import HYPERBAND_EPOCHS, HyperbandOracle, make_oracle

OBJECTIVE = keras_tuner.Objective("validation_accuracy", "max")


@pytest.fixture
def oracle(tmp_path):
    """`oracle("grid", ...)` gives an oracle over two choices with its own folder."""

    def make(kind, trials=9, max_failures=2):
        made = make_oracle(kind, OBJECTIVE, trials, seed=0, max_failures=max_failures)
        hp = keras_tuner.HyperParameters()
        hp.Choice("letter", ["a", "b", "c"], default="b", ordered=False)
        hp.Int("number", 1, 2, default=2)
        made.update_space(hp)
        made._set_project_dir(str(tmp_path), "search")
        (tmp_path / "search").mkdir(exist_ok=True)
        return made

    return make


@pytest.mark.parametrize("kind", ["random", "hyperband", "bayesian", "grid"])
def test_the_given_settings_come_first(oracle, kind):
    values = oracle(kind).populate_space("0")["values"]
    assert {name: values[name] for name in ("letter", "number")} == {"letter": "b", "number": 2}


def test_a_grid_has_every_combination_once(oracle):
    grid, found = oracle("grid"), []
    for number in range(6):
        values = grid.populate_space(str(number))["values"]
        found.append((values["letter"], values["number"]))
        grid.start_order.append(str(number))
    assert sorted(found) == list(itertools.product("abc", (1, 2)))
    assert grid.populate_space("6")["status"] == TrialStatus.STOPPED


def test_too_many_failures_in_a_row_end_a_search(oracle):
    random = oracle("random")
    for number, status in enumerate(["FAILED", "COMPLETED", "FAILED", "FAILED"]):
        name = str(number)
        random.trials[name] = Trial(random.get_space(), trial_id=name, status=status)
        random.end_order.append(name)
        assert random.gave_up() == (number == 3)
    random._check_consecutive_failures()  # raises nothing
    assert random.populate_space("4") == {"status": TrialStatus.STOPPED, "values": None}


def test_files_are_whole_or_not_there(oracle, tmp_path, monkeypatch):
    random = oracle("random")
    random.save()
    path = tmp_path / "search" / "oracle.json"
    before = path.read_text()
    assert json.loads(before) == random.get_state()
    monkeypatch.setattr(random, "get_state", lambda: {"broken": object()})
    with pytest.raises(TypeError):
        random.save()
    assert path.read_text() == before


def test_numbers_reach_the_oracle(oracle):
    found = oracle("hyperband", trials=13, max_failures=4)
    assert isinstance(found, HyperbandOracle) and found.max_epochs == HYPERBAND_EPOCHS
    assert (found.max_trials, found.max_consecutive_failed_trials, found.seed) == (13, 4, 1)
