"""Settings of a stranger's file: what they may name, and that they fit the arrays."""

import importlib

import keras
import numpy as np
import pytest

import keras_isa
from keras_isa.asset.config import check_config


def test_good_settings_say_which_arrays_there_must_be():
    distilled = keras_isa.DistilledData((4, 4, 1), 2, (1, 2), preprocessing=None)
    config = distilled.get_config()
    expected = {"vars/images": (3, 4, 4, 1), "vars/labels": (3, 2)}
    found = {path: (shape, "float32") for path, shape in expected.items()}
    assert check_config(config, expected) == (found, False)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("many classes", "no labels for 1000000000000 classes"),
        ("unknown setting", "unknown setting 'activity_regularizer'"),
    ],
)
def test_what_is_wrong_is_said(attacked, name, message):
    path, _ = attacked(name)
    with pytest.raises(ValueError, match=f"{message}.*download or save it again. Received: path="):
        keras_isa.load(path)


def test_no_module_is_imported(attacked, tmp_path, monkeypatch):
    path, marker = attacked("import of a module")
    code = f"import pathlib\npathlib.Path({str(marker)!r}).touch()\n"
    (tmp_path / "imported_by_nobody.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match="'imported_by_nobody'.* must not use"):
        keras_isa.load(path)
    assert not marker.exists()
    importlib.import_module("imported_by_nobody")
    assert marker.exists()


def test_an_unknown_layer_of_the_user_is_named(tmp_path, monkeypatch):
    @keras.saving.register_keras_serializable(package="config_tests")
    class Plain(keras.layers.Layer):
        def call(self, images):
            return images

        def inverse(self, images):
            return images

    path = tmp_path / "set.keras"
    keras_isa.DistilledData((2, 2, 1), 2, 1, preprocessing=Plain()).save(path)
    assert isinstance(keras_isa.load(path).preprocessing, Plain)
    monkeypatch.delitem(keras.saving.get_custom_objects(), "config_tests>Plain")
    with pytest.raises(ValueError, match="and 'Plain', which it must not use"):
        keras_isa.load(path)


@pytest.mark.parametrize("shape", [[6, 4], [4, 3], [12], [1, 4, 3], [4, 3, 1, 1], [4, -3], []])
def test_sequences_of_another_shape_are_refused(attacks, tmp_path, shape):
    x = np.random.default_rng(0).normal(size=(6, 3, 4)).astype("float32")
    distilled = keras_isa.DistilledData.from_samples(x, np.arange(6) % 2, 1, axes="NTF")
    distilled.save(tmp_path / "set.keras")
    keras_isa.load(tmp_path / "set.keras")
    attacks.setting(image_shape=shape)(tmp_path / "set.keras", tmp_path)
    with pytest.raises(ValueError, match="download or save it again. Received: path="):
        keras_isa.load(tmp_path / "set.keras")


def test_a_layer_that_saw_no_images_is_loaded(tmp_path):
    layer = keras_isa.layers.ZCAWhitening()
    keras_isa.DistilledData((2, 2, 1), 2, 1, preprocessing=layer).save(tmp_path / "set.keras")
    assert not keras_isa.load(tmp_path / "set.keras").preprocessing.built
