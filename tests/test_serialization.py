"""Saving where TensorFlow is installed and nobody has imported it."""

import sys

import keras
import numpy as np
import pytest
from keras.src.utils import module_utils

from keras_isa import DistilledData, load
from keras_isa.optimizers import Adam
from keras_isa.serialization import without_importing_tensorflow
from keras_isa.training.run_state import optimizer_config


@pytest.fixture
def refused(monkeypatch):
    """As in a process that has not imported TensorFlow, where the attempt is an error."""

    def refuse():
        raise AssertionError("TensorFlow was imported")

    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    for name, value in {"_available": None, "module": None, "initialize": refuse}.items():
        monkeypatch.setitem(vars(module_utils.tensorflow), name, value)


@pytest.mark.skipif(keras.backend.backend() == "tensorflow", reason="it is imported there")
def test_sets_and_optimizers_are_serialized_without_it(refused, tmp_path):
    x, y = np.arange(6 * 16, dtype="uint8").reshape(6, 4, 4, 1), np.array([0, 0, 0, 1, 1, 1])
    distilled = DistilledData.from_samples(x, y, images_per_class=2)
    distilled.save(tmp_path / "set.keras")
    assert load(tmp_path / "set.keras").num_classes == 2
    assert optimizer_config(Adam(0.5))["learning_rate"] == 0.5
    with pytest.raises(AssertionError, match="TensorFlow was imported"):  # by Keras alone
        keras.saving.serialize_keras_object(distilled)


def test_keras_finds_tensorflow_again_afterwards(monkeypatch):
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    before = dict(vars(module_utils.tensorflow))
    with pytest.raises(RuntimeError, match="stop"), without_importing_tensorflow():
        assert not module_utils.tensorflow.available
        raise RuntimeError("stop")
    assert vars(module_utils.tensorflow) == before


def test_objects_of_an_imported_tensorflow_are_told_as_before():
    tensorflow = pytest.importorskip("tensorflow")
    for thing in (tensorflow.TensorShape([2, None]), tensorflow.float32):
        expected = keras.saving.serialize_keras_object(thing)
        with without_importing_tensorflow():
            assert keras.saving.serialize_keras_object(thing) == expected
