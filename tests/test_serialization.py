"""Saving where TensorFlow is installed; that it is not imported is tested in `test_import.py`."""

import sys

import keras
import pytest
from keras.src.utils import module_utils

from keras_isa.serialization import without_importing_tensorflow


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
