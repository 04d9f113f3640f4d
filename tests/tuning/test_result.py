"""The tables of a result, and the sets that it tests."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from keras_isa import DistilledData
from keras_isa.evaluation import Scores
from keras_isa.tuning import SearchSpace, TuningResult
from keras_isa.tuning.history import TrialRecord
from keras_isa.tuning.result import format_scores

TRIALS = [
    TrialRecord("0", {"isa_interval": (0.0, 0.5)}, 0.5, 4, 1.0),
    TrialRecord("1", {"isa_interval": (0.0, 1.0)}, 0.6, 4, 1.0),
]
FINALISTS = [TrialRecord("preset", {}, 0.7, 18), TrialRecord("finalist 1", TRIALS[1].values, 0.8)]


@pytest.fixture
def result():
    """`result(best)` gives a result whose scorer gives each set a score of its own."""

    def make(best=1, preset=True):
        sets = [DistilledData((2, 2, 1), 2, 1) for _ in range(2)]

        def students(distilled, x, y):
            return Scores((0.25 * (1 + sets.index(distilled)),), (len(y) / 10,))

        return TuningResult(
            distilled=sets[best],
            preset=sets[0] if preset else None,
            trials=TRIALS,
            finalists=FINALISTS,
            best=FINALISTS[best],
            hypermodel=SimpleNamespace(kind="krr", space=SearchSpace(["isa_interval"])),
            tuner="random",
            scorer=SimpleNamespace(students=students),
        )

    return make


TEST = np.zeros((4, 2, 2, 1), "uint8"), np.arange(4) % 2


def test_the_history_is_in_the_provenance_of_the_set(result):
    history = result().distilled.provenance["tuning"]
    assert json.loads(json.dumps(history)) == history
    assert (history["tuner"], history["objective"], history["best"]) == (
        "random",
        "krr",
        "finalist 1",
    )
    assert history["values"] == {"isa_interval": [0.0, 1.0]}
    assert [trial["name"] for trial in history["trials"]] == ["0", "1"]


def test_tables_and_plot(result, tmp_path):
    assert str(result()).endswith("best: finalist 1, isa_interval 0..1")
    assert str(result(best=0)).endswith("best: preset, the settings themselves")
    result().plot(tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_both_sets_are_tested_and_one_that_won_twice_once(result):
    both = result()
    found = both.test(TEST)
    assert {name: scores.accuracies for name, scores in found.items()} == {
        "preset": (0.25,),
        "best": (0.5,),
    }
    assert both.distilled.provenance["tuning"]["test"]["best"]["accuracy_mean"] == 0.5
    won = result(best=0).test(TEST)
    assert won["best"] is won["preset"]
    assert set(result(preset=False).test(TEST)) == {"best"}
    lines = format_scores(found).splitlines()
    assert [line.split()[-6:] for line in lines[1:]] == [
        ["25.0", "±", "0.0", "40.0", "±", "0.0"],
        ["50.0", "±", "0.0", "40.0", "±", "0.0"],
    ]
