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


def saved_with(parametrization, path, counts=4, shape=(8, 8, 1)):
    x = np.random.default_rng(0).normal(size=(40, *shape)).astype("float32")
    distilled = keras_isa.DistilledData.from_samples(
        x, np.arange(40) % 2, counts, preprocessing=None, parametrization=parametrization
    )
    distilled.save(path)
    return distilled.get_config()


@pytest.mark.parametrize(
    ("own", "forged", "message"),
    [
        ("multi_formation:2", "multi_formation:3", r"'vars/labels' has shape \(32, 2\)"),
        ("multi_formation:2", "multi_formation:2:shared", "'vars/labels' has shape"),
        ("multi_formation:2", "identity", "'vars/labels' has shape"),
        ("multi_formation:2", "multi_formation:8", "needs images of at least 16 pixels a side"),
        ("multi_formation:2", "multi_formation:99999", "must be 2 to 8"),
        ("bases:3", "bases:4", "'vars/bases' has shape"),
        ("bases:3", "bases:999999999", "must not have more bases than the set has images"),
        ("bases:3", "identity", "'vars/images' is missing"),
        ("quantized:8", "identity", "'vars/images' has shape|unexpected array"),
        ("quantized:8", "quantized:4", "'vars/images' has shape"),
        ("quantized:8", "quantized:8+quantized:8", "must be identity, multi_formation:FACTOR"),
        ("identity", "quantized:8", "missing|has shape"),
        ("identity", "os:system", "must be identity, multi_formation:FACTOR"),
        ("identity", {"class_name": "Bases", "config": {}}, "must not use|must be of type str"),
        ("identity", None, "must be of type str|parametrization"),
        ("identity", 7, "parametrization"),
    ],
)
def test_another_parametrisation_than_the_arrays_have_is_refused(
    attacks, tmp_path, own, forged, message
):
    path = tmp_path / "set.keras"
    saved_with(own, path)
    keras_isa.load(path)
    attacks.setting(parametrization=forged)(path, tmp_path)
    with pytest.raises(ValueError, match=f"({message}).*Received: path="):
        keras_isa.load(path)


def test_few_stored_numbers_that_would_become_many_are_refused_before_any_is_made():
    """Half a million labels of two classes, and one basis of a single pixel."""
    config = {**keras_isa.DistilledData((8, 8, 1), 2, 1).get_config(), "preprocessing": None}
    config |= {"image_shape": [1000, 1000, 3], "images_per_class": 250_000}
    arrays = {
        "vars/bases": (1, 125, 125, 3),
        "vars/coefficients": (500_000, 1),
        "vars/labels": (500_000, 2),
    }
    with pytest.raises(ValueError, match="at most 256 times as many numbers as it stores"):
        check_config({**config, "parametrization": "bases:1:8"}, arrays)


def test_images_that_follow_must_fit_the_memory(monkeypatch, tmp_path):
    from keras_isa import memory

    config = saved_with("multi_formation:2", tmp_path / "set.keras")
    arrays = {"vars/images": (8, 8, 8, 1), "vars/labels": (32, 2)}
    needed = 3 * 4 * 32 * (64 + 2)
    monkeypatch.setattr(memory, "available_bytes", lambda: needed)
    assert check_config(config, arrays)[1] is False
    monkeypatch.setattr(memory, "available_bytes", lambda: needed - 1)
    with pytest.raises(ValueError, match="its images needs"):
        check_config(config, arrays)


def test_values_of_a_rounded_file_must_be_finite(attacks, tmp_path):
    path = tmp_path / "set.keras"
    saved_with("quantized:8", path)

    def spoil(file, elsewhere):
        file["vars/images_step"][0] = np.inf

    attacks.in_weights(spoil)(path, tmp_path)
    with pytest.raises(ValueError, match="'vars/images_step' holds values that are not finite"):
        keras_isa.load(path)


@pytest.mark.parametrize(
    ("text", "array"), [("quantized:8", "images_step"), ("bases:3", "coefficients")]
)
def test_images_that_follow_must_be_finite(attacks, tmp_path, text, array):
    path = tmp_path / "set.keras"
    saved_with(text, path)

    def spoil(file, elsewhere):
        for name in {array, "bases"} & set(file["vars"]):
            file[f"vars/{name}"][...] = np.float32(3e38)

    attacks.in_weights(spoil)(path, tmp_path)
    with pytest.raises(ValueError, match="images that follow from its arrays are not finite"):
        keras_isa.load(path)


def test_a_recipe_that_no_network_can_be_trained_by_is_refused():
    distilled = keras_isa.DistilledData((4, 4, 1), 2, 1, preprocessing=None)
    arrays = {"vars/images": (2, 4, 4, 1), "vars/labels": (2, 2)}
    for recipe in ({"steps": -1}, {"epochs": "x"}, {"width": -3}):
        (name,) = recipe
        with pytest.raises(ValueError, match=f"its recipe cannot be used: `{name}` must be"):
            check_config({**distilled.get_config(), "recipe": recipe}, arrays)
    later = {"steps": 3, "of a later version": 1, "predictor": {"kind": "x"}}
    check_config({**distilled.get_config(), "recipe": later}, arrays)
