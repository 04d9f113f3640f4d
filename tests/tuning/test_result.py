"""The tables of a result, and the sets that it tests."""

import json
from types import SimpleNamespace

import matplotlib.figure
import numpy as np
import pytest
from PIL import Image

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

    def make(best=1, preset=True, trials=TRIALS, searched=("isa_interval",)):
        sets = [DistilledData((2, 2, 1), 2, 1) for _ in range(2)]

        def students(distilled, x, y):
            return Scores((0.25 * (1 + sets.index(distilled)),), (len(y) / 10,))

        return TuningResult(
            distilled=sets[best],
            preset=sets[0] if preset else None,
            trials=trials,
            finalists=FINALISTS,
            best=FINALISTS[best],
            hypermodel=SimpleNamespace(
                kind="krr",
                space=SearchSpace(searched),
                scorer=SimpleNamespace(students=students),
            ),
            tuner="random",
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


def test_tables(result):
    assert str(result()).endswith("best: finalist 1, isa_interval 0..1")
    assert str(result(best=0)).endswith("best: preset, the settings themselves")


def test_each_searched_setting_has_a_panel_with_all_trials(result, tmp_path, monkeypatch):
    figures, create = [], matplotlib.figure.Figure.__init__

    def watched(self, *args, **options):
        create(self, *args, **options)
        figures.append(self)

    monkeypatch.setattr(matplotlib.figure.Figure, "__init__", watched)
    trials = [
        TrialRecord("0", {"regularization": 1e-6, "pairing": "all"}, 0.5),
        TrialRecord("1", {"regularization": 1e-2, "pairing": "nearest"}, 0.7),
        TrialRecord("2", {"regularization": 1e-4, "pairing": "all"}, status="failed"),
    ]
    searched = result(trials=trials, searched=("regularization", "pairing"))
    searched.plot(tmp_path / "plot.png")
    ridge, pairing = figures[0].axes
    assert (ridge.get_xlabel(), pairing.get_xlabel()) == ("regularization", "pairing")
    assert (ridge.get_xscale(), pairing.get_xscale()) == ("log", "linear")
    for axes in (ridge, pairing):
        completed, failed = axes.collections
        assert completed.get_offsets()[:, 1].tolist() == [0.5, 0.7]
        assert len(failed.get_offsets()) == 1
    with Image.open(tmp_path / "plot.png") as picture:
        assert picture.format == "PNG" and picture.width > picture.height
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="must"):
        searched.plot(tmp_path / "file" / "plot.png")


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
    assert [line.split()[-2:] for line in lines[1:]] == [["25.0", "40.0"], ["50.0", "40.0"]]
