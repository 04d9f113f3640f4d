"""The context in which accelerators do not round float32 products."""

import contextlib

import keras

from keras_isa import backend


def test_it_is_that_of_the_backend(monkeypatch):
    monkeypatch.setattr(backend.current(), "full_precision", lambda: "its own")
    assert backend.full_precision() == "its own"


def test_without_an_implementation_nothing_changes(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "numpy")
    assert isinstance(backend.full_precision(), contextlib.nullcontext)
