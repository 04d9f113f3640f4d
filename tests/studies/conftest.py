"""An experiment so small that a whole run takes seconds, and cells with made-up scores."""

import numpy as np
import pytest

from keras_isa.datasets.dataset import Dataset
from keras_isa.presets import Settings
from keras_isa.studies import Experiment

SHAPE, CLASSES = (4, 4, 1), 3
RECIPE = {"width": 4, "depth": 1, "steps": 3, "warmup_steps": 1, "augmentation": ()}
TINY = {
    **{"width": 4, "depth": 1, "normalization": "identity", "pool_size": 2, "batch_size": 16},
    **{"steps": 4, "epochs": 2, "patience": 1, "recipe": RECIPE},
}


def part(count, split):
    rng = np.random.default_rng(count)
    y = np.arange(count) % CLASSES
    x = 60.0 * y[:, None, None, None] + rng.uniform(0, 60, (count, *SHAPE))
    return Dataset.from_arrays(x.astype("uint8"), y, name="shades", split=split)


@pytest.fixture
def make_experiment(tmp_path):
    """`make_experiment(images_per_class, **changes)` makes a tiny one with a folder of its own."""

    def make(images_per_class=1, repeats=2, **changes):
        settings = Settings(**{**TINY, "images_per_class": images_per_class, **changes})
        folder = tmp_path / "cells"
        data = part(48, "train"), part(18, "test")
        return Experiment(*data, settings, folder, repeats=repeats)

    return make


@pytest.fixture
def experiment(make_experiment):
    return make_experiment()


@pytest.fixture
def made_up():
    """`made_up(study, seeds, gains)` gives cells with scores; `gains` adds to some of them."""

    def make(study, seeds=4, gains=None, names=("student", "krr")):
        rng = np.random.default_rng(0)
        runs = {}
        for cell in study.cells(0):
            plus = (gains or {}).get(cell, 0.0)
            runs[cell] = {
                seed: {name: 0.8 + plus + 0.001 * float(rng.normal()) for name in names}
                for seed in range(seeds)
            }
        return runs

    return make


@pytest.fixture
def check():
    """`check(study, runs)` returns the findings, when table and picture could be made of them."""
    from keras_isa.studies.pictures import png

    def call(study, runs):
        found = study.findings(runs)
        assert all(found.sentences)
        for row in found.rows:
            assert set(row) == {column.name for column in found.columns}
            assert all(isinstance(column.cell(row), str) for column in found.columns)
        picture = png(study.draw(runs))
        assert picture.startswith(b"\x89PNG") and len(picture) > 5000
        return found

    return call
