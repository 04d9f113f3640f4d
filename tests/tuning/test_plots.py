"""The plot of a search."""

import matplotlib.figure
import pytest
from PIL import Image

from keras_isa.tuning import SearchSpace
from keras_isa.tuning.history import TrialRecord
from keras_isa.tuning.plots import save_plot

SPACE = SearchSpace(["regularization", "pairing"])
TRIALS = [
    TrialRecord("0", {"regularization": 1e-6, "pairing": "all"}, 0.5),
    TrialRecord("1", {"regularization": 1e-2, "pairing": "nearest"}, 0.7),
    TrialRecord("2", {"regularization": 1e-4, "pairing": "all"}, status="failed"),
]


def test_each_setting_has_a_panel_with_all_trials(tmp_path, monkeypatch):
    figures, create = [], matplotlib.figure.Figure.__init__

    def watched(self, *args, **options):
        create(self, *args, **options)
        figures.append(self)

    monkeypatch.setattr(matplotlib.figure.Figure, "__init__", watched)
    save_plot(TRIALS, SPACE, tmp_path / "plot.png")
    ridge, pairing = figures[0].axes
    assert (ridge.get_xlabel(), pairing.get_xlabel()) == ("regularization", "pairing")
    assert (ridge.get_xscale(), pairing.get_xscale()) == ("log", "linear")
    for axes in (ridge, pairing):
        completed, failed = axes.collections
        assert completed.get_offsets()[:, 1].tolist() == [0.5, 0.7]
        assert len(failed.get_offsets()) == 1
    with Image.open(tmp_path / "plot.png") as picture:
        assert picture.format == "PNG" and picture.width > picture.height


def test_a_place_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="must"):
        save_plot(TRIALS, SPACE, tmp_path / "file" / "plot.png")
