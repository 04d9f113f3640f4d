from importlib import metadata

import keras

import keras_isa
from keras_isa.versions import package_version, versions


def test_everything_that_computes_has_a_version():
    found = versions()
    backend = keras.backend.backend()
    assert set(found) == {"python", "keras_isa", "keras", "numpy", backend, "backend"}
    assert found["keras"] == keras.__version__ and found["backend"] == backend
    assert found["keras_isa"] == keras_isa.__version__


def test_a_checkout_that_is_not_installed(monkeypatch):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    assert package_version() == "0+source"
