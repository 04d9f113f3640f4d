"""Reading a set from its file: once, in little memory, with whatever layer it has."""

import os
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_isa
from keras_isa.asset import loading
from keras_isa.memory import peak_bytes, resident_bytes

_FORGET = Path("/proc/self/clear_refs")


@keras.saving.register_keras_serializable(package="loading_tests")
class Halved(keras.layers.Layer):
    """A user's layer with a layer of Keras, an array in its settings, a weight and a file."""

    def __init__(self, inner=None, offset=None, **kwargs):
        super().__init__(**kwargs)
        self.inner = inner or keras.layers.Rescaling(0.5)
        self.offset = np.zeros(2, "float32") if offset is None else offset
        self.gain = self.add_weight(shape=(3,), initializer="ones", name="gain")
        self.note = ""
        self.built = True

    def call(self, images):
        return self.inner(keras.ops.cast(images, "float32"))

    def inverse(self, images):
        return images * 2.0

    def save_assets(self, folder):
        (Path(folder) / "note.txt").write_text(self.note)

    def load_assets(self, folder):
        self.note = (Path(folder) / "note.txt").read_text()

    def get_config(self):
        parts = {"inner": self.inner, "offset": self.offset}
        saved = {name: keras.saving.serialize_keras_object(part) for name, part in parts.items()}
        return {**super().get_config(), **saved}

    @classmethod
    def from_config(cls, config):
        parts = {
            name: keras.saving.deserialize_keras_object(config.pop(name))
            for name in ("inner", "offset")
        }
        return cls(**parts, **config)


def saved_with_own_layer(path, note="hello"):
    layer = Halved(offset=np.arange(2, dtype="float32"))
    layer.gain.assign([1.0, 2.0, np.inf])
    layer.note = note
    x = np.arange(16, dtype="float32").reshape(4, 2, 2, 1)
    distilled = keras_isa.DistilledData.from_samples(x, np.arange(4) % 2, 1, preprocessing=layer)
    distilled.save(path)
    return distilled


def test_a_layer_of_the_user_is_loaded(tmp_path):
    distilled = saved_with_own_layer(tmp_path / "set.keras")
    loaded = keras_isa.load(tmp_path / "set.keras")
    for space in ("model", "pixels"):
        np.testing.assert_array_equal(loaded.to_numpy(space)[0], distilled.to_numpy(space)[0])
    assert loaded.preprocessing.note == "hello"
    np.testing.assert_array_equal(loaded.preprocessing.gain, [1.0, 2.0, np.inf])
    np.testing.assert_array_equal(loaded.preprocessing.offset, [0, 1])


def saved_with_ours(path, note="hello"):
    x = np.arange(16, dtype="float32").reshape(4, 2, 2, 1)
    options = {"preprocessing": "standardize", "provenance": {"note": note}}
    distilled = keras_isa.DistilledData.from_samples(x + len(note), np.arange(4) % 2, 1, **options)
    distilled.save(path)
    return distilled


@pytest.mark.parametrize("save", [saved_with_ours, saved_with_own_layer])
@pytest.mark.parametrize("in_place", [False, True])
def test_what_was_checked_is_what_is_loaded(tmp_path, monkeypatch, save, in_place):
    """The file is exchanged for another good one while its settings are being checked."""
    path, other = tmp_path / "set.keras", tmp_path / "other.keras"
    expected, unexpected = save(path, note="hello"), save(other, note="goodbye")
    check = loading.check_config

    def exchanging(*arguments):
        if in_place:
            path.write_bytes(other.read_bytes())
        else:
            other.replace(path)
        return check(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(loading, "check_config", exchanging)
        loaded = keras_isa.load(path)
    for found, saved in ((loaded, expected), (keras_isa.load(path), unexpected)):
        for one, two in zip(found.to_numpy("pixels"), saved.to_numpy("pixels"), strict=True):
            np.testing.assert_array_equal(one, two)
        assert found.provenance == saved.provenance
        if save is saved_with_own_layer:
            assert found.preprocessing.note == saved.preprocessing.note


@pytest.mark.parametrize("kind", ["standardize", "zca", "block_zca", None])
@pytest.mark.parametrize("counts", [1, (1, 3)])
def test_saved_sets_are_loaded(tmp_path, kind, counts):
    x = np.random.default_rng(0).integers(0, 256, (12, 4, 4, 3)).astype("uint8")
    options = {"preprocessing": kind, "dtype": "mixed_bfloat16"} if counts == 1 else {}
    distilled = keras_isa.DistilledData.from_samples(x, np.arange(12) % 2, counts, **options)
    distilled.save(tmp_path / "set.keras")
    loaded = keras_isa.load(tmp_path / "set.keras")
    for space in ("model", "pixels"):
        for one, other in zip(loaded.to_numpy(space), distilled.to_numpy(space), strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("suffix", [".h5", ".hdf5", ".zip", ""])
def test_another_suffix_is_another_format(attacked, suffix):
    path, _ = attacked("hdf5 that is also a zip")
    other = path.rename(path.with_suffix(suffix))
    with pytest.raises(ValueError, match="`path` must end in .keras. Received: path=.*set"):
        keras_isa.load(other)


def test_a_newer_format_names_the_file(attacks, tmp_path):
    path = tmp_path / "set.keras"
    attacks.good_asset(path)
    attacks.setting(format_version=99)(path, tmp_path)
    with pytest.raises(ValueError, match="version 99.* upgrade keras_isa.* Received: path=.*set"):
        keras_isa.load(path)


@pytest.mark.skipif(not _FORGET.exists(), reason="needs Linux to measure a peak")
def test_memory_is_a_few_times_the_file(tmp_path):
    path = tmp_path / "set.keras"
    images = np.zeros((2, 2000, 2500, 1), "float32")
    keras_isa.DistilledData.from_arrays(images, np.eye(2)).save(path)
    keras_isa.load(path)
    _FORGET.write_text("5")
    before = resident_bytes()
    keras_isa.load(path)
    assert peak_bytes() - before < 4 * os.path.getsize(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("keras_isa.memory.available_bytes", lambda: images.nbytes)
        with pytest.raises(ValueError, match="needs 0.12 GB of memory .*Received: path="):
            keras_isa.load(path)
