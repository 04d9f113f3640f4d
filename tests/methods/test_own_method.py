"""The method that CONTRIBUTING.md shows works like one of the library."""

import importlib
import re
import sys
from pathlib import Path

import numpy as np
import pytest

import keras_isa
from keras_isa.methods import method, registry

CONTRIBUTING = Path(__file__).resolve().parents[2] / "CONTRIBUTING.md"
NAME = "random_features"

pytestmark = pytest.mark.skipif(not CONTRIBUTING.is_file(), reason="needs CONTRIBUTING.md")


def shown():
    (code,) = re.findall(rf"`{NAME}.py`:\n\n```python\n(.*?)```", CONTRIBUTING.read_text(), re.S)
    return code


@pytest.fixture
def own_method(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "_METHODS", dict(registry._METHODS))
    (tmp_path / f"{NAME}.py").write_text(shown())
    monkeypatch.syspath_prepend(tmp_path)
    yield method(f"{NAME}:RandomFeatureTrainer")
    sys.modules.pop(NAME, None)
    importlib.invalidate_caches()


def test_it_is_short():
    assert len(shown().splitlines()) < 60


def test_its_step_matches_means_and_its_run_teaches(own_method, tmp_path):
    train, test = keras_isa.datasets.load("digits")
    config = own_method.Config.derived((8, 8, 1), 10, len(train), 1, accelerated=False)
    recipe = {**config.recipe, "width": 8, "steps": 100}
    settings = config.with_changes(
        width=8, steps=200, epochs=2, learning_rate=0.05, batch_size=128, recipe=recipe
    )
    trainer = own_method.for_data(train, settings)
    history = trainer.fit(train, validation_split=0.1, resume=tmp_path / "run", verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    # What matches the class means is near the class means.
    images, _ = trainer.distilled.to_numpy("pixels")
    means = np.stack([train.x[train.y == k].mean(axis=0) for k in range(10)])
    start = keras_isa.DistilledData.from_samples(train.x, train.y, 1).to_numpy("pixels")[0]
    distance, before = (np.square(found - means).mean() for found in (images, start))
    assert distance < 0.5 * before
    again = own_method.for_data(train, settings)
    assert not again.fit(train, validation_split=0.1, resume=tmp_path / "run", verbose=0).epoch
    np.testing.assert_array_equal(again.distilled.to_numpy("pixels")[0], images)
    assert trainer.distilled.provenance["method"] == NAME
    assert keras_isa.evaluate(trainer.distilled, test, repeats=1).distilled.krr_accuracies[0] > 0.5
