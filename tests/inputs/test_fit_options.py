"""What `fit` is given beside data."""

import sys

import keras
import pytest

from keras_isa.inputs.fit_options import checked_callbacks, resolved_verbosity


def test_words_for_verbosity(monkeypatch):
    assert resolved_verbosity(0) == 0 and resolved_verbosity(1) == 1
    assert resolved_verbosity("auto") == 2
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert resolved_verbosity("auto") == 1


def test_callbacks_come_as_a_list():
    one = keras.callbacks.Callback()
    assert checked_callbacks(None) == [] and checked_callbacks(one) == [one]
    assert checked_callbacks((one, one)) == [one, one]
    with pytest.raises(TypeError, match="`callbacks` must be Keras callbacks. Received: 'log'"):
        checked_callbacks(["log"])
    keras_would_save_all = keras.callbacks.ModelCheckpoint("a.keras")
    with pytest.raises(ValueError, match="`callbacks` cannot save a trainer whole"):
        checked_callbacks(keras_would_save_all)
