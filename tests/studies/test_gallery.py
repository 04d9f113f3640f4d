import numpy as np
import pytest

from keras_isa.datasets.dataset import Dataset
from keras_isa.studies import Experiment, study


def test_a_gallery(experiment, check):
    own = study("gallery")(experiment)
    runs = {name: {0: measure()} for name, measure in own.cells(0).items()}
    found = check(own, runs)
    assert [row["setting"] for row in found.rows][0] == "plain" and len(found.rows) == 4
    parts = own.draw(runs).subfigs
    shown = [axis for part in parts for axis in part.axes if axis.images]
    assert len(parts) == 4 and len(shown) == 4 * 3
    assert "shows seed 0" in found.sentences[0]
    runs["isa"] = {0: {"diverged": "not finite"}}
    assert check(own, runs).rows[2]["student"] is None and len(own.draw(runs).subfigs) == 3


def test_features_are_no_pictures(experiment, tmp_path):
    x = np.random.default_rng(0).normal(size=(12, 5)).astype("float32")
    flat = Dataset.from_arrays(x, np.arange(12) % 3)
    own = Experiment(flat, flat, experiment.settings, tmp_path)
    with pytest.raises(ValueError, match="`train` must hold images"):
        study("gallery")(own)
