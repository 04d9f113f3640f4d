"""Writing a set to its file: whole, or not at all."""

import json

import keras
import numpy as np
import pytest

from keras_isa import DistilledData

RNG = np.random.default_rng(0)


class Unregistered(keras.layers.Layer):
    def call(self, images):
        return keras.ops.cast(images, "float32") / 2

    def inverse(self, images):
        return 2 * images


def test_what_nobody_could_load_is_not_saved(pixels, tmp_path):
    distilled = DistilledData.from_samples(*pixels, 2, preprocessing=Unregistered())
    assert distilled.to_numpy("pixels")[0].max() <= 255
    with pytest.raises(ValueError, match="register_keras_serializable.*Unregistered"):
        distilled.save(tmp_path / "set.keras")
    assert not list(tmp_path.iterdir())


def saved(pixels, path, **options):
    distilled = DistilledData.from_samples(*pixels, 2, **options)
    distilled.images.assign(RNG.normal(size=(8, 4, 5, 3)))
    distilled.labels.assign(RNG.normal(size=(8, 4)))
    distilled.save(path)
    return distilled


@pytest.mark.parametrize("preprocessing", ["standardize", "zca", None])
def test_a_loaded_set_is_the_saved_one(pixels, tmp_path, preprocessing):
    options = {
        "preprocessing": preprocessing,
        "class_names": ("ant", "bee", "cat", "dog"),
        "pixel_range": (0.0, 200.0),
        "learn_labels": False,
        "recipe": {"steps": 5, "augmentation": ["crop"]},
        "provenance": {"method": "by hand", "selection": None},
    }
    distilled = saved(pixels, tmp_path / "set.keras", **options)
    loaded = keras.saving.load_model(tmp_path / "set.keras")
    assert type(loaded) is DistilledData
    for space in ("model", "pixels"):
        for result, expected in zip(loaded.to_numpy(space), distilled.to_numpy(space), strict=True):
            np.testing.assert_array_equal(result, expected)
    np.testing.assert_array_equal(loaded(pixels[0]), distilled(pixels[0]))
    for name in ("class_names", "pixel_range", "learn_labels", "recipe", "provenance"):
        assert getattr(loaded, name) == options[name], name
    assert len(loaded.trainable_variables) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["set.keras"]


def test_records_can_be_written_to_after_loading(pixels, tmp_path):
    distilled = saved(pixels, tmp_path / "set.keras")
    distilled.provenance["dataset"] = "mine"
    assert "dataset" not in keras.saving.load_model(tmp_path / "set.keras").provenance
    distilled.save(tmp_path / "set.keras")
    assert keras.saving.load_model(tmp_path / "set.keras").provenance == {"dataset": "mine"}
    assert json.loads(json.dumps(distilled.provenance)) == distilled.provenance


def test_a_failing_save_leaves_the_old_file(pixels, tmp_path, monkeypatch):
    path = tmp_path / "set.keras"
    old = saved(pixels, path)
    content = path.read_bytes()
    other = DistilledData.from_samples(*pixels, 2, seed=1)

    def fail(self, store):
        store["images"] = np.zeros(3)
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(DistilledData, "save_own_variables", fail)
        with pytest.raises(OSError, match="no space left"):
            other.save(path)
    assert path.read_bytes() == content
    assert [file.name for file in tmp_path.iterdir()] == ["set.keras"]
    np.testing.assert_array_equal(keras.saving.load_model(path).to_numpy()[0], old.to_numpy()[0])


def test_where_a_set_cannot_be_written(pixels, tmp_path):
    distilled = DistilledData.from_samples(*pixels, 2)
    with pytest.raises(ValueError, match="`path` must end in .keras. Received"):
        distilled.save(tmp_path / "set.npz")
    with pytest.raises(ValueError, match="`path` must lie in an existing folder"):
        distilled.save(tmp_path / "none" / "set.keras")
    distilled.save(tmp_path / "set.keras")
    with pytest.raises(ValueError, match="`path` already exists"):
        distilled.save(tmp_path / "set.keras", overwrite=False)


@pytest.mark.parametrize("name", ["images", "labels"])
def test_a_set_that_is_not_finite_is_not_saved(pixels, tmp_path, name):
    distilled = DistilledData.from_samples(*pixels, 2)
    variable = getattr(distilled, name)
    variable.assign(np.full(variable.shape, np.nan))
    with pytest.raises(ValueError, match="`images` and `labels` must be finite"):
        distilled.save(tmp_path / "set.keras")
    assert not list(tmp_path.iterdir())
