"""Sets for regression: how they start, their file, their pictures and tables."""

import csv
import json
import zipfile

import numpy as np
import pytest

import keras_isa
from keras_isa import DistilledData
from keras_isa.asset.export import export_npz, export_png, save_grid

NAMES = ("height", "weight")


@pytest.fixture
def samples():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (30, 4, 4, 1)).astype("uint8")
    return x, rng.normal([5.0, -70.0], [1.0, 20.0], (30, 2))


@pytest.fixture
def distilled(samples):
    return DistilledData.from_samples(*samples, 7, task="regression", class_names=NAMES)


def test_a_set_starts_from_random_rows_of_all(distilled, samples):
    x, y = samples
    assert distilled.class_counts == (7,) and distilled.images_per_class == 7
    assert distilled.num_classes == 2 and distilled.class_names == NAMES
    assert distilled.class_ids.tolist() == [0] * 7
    images, labels = distilled.to_numpy("pixels")
    rows = [int(np.abs(y - label).sum(axis=1).argmin()) for label in labels]
    assert len(set(rows)) == 7
    np.testing.assert_allclose(labels, y[rows], rtol=1e-5)
    np.testing.assert_allclose(images, x[rows], atol=1e-3)
    standard = distilled.to_numpy()[1]
    np.testing.assert_allclose(standard, (y[rows] - y.mean(0)) / y.std(0), atol=1e-5)


def test_the_file_keeps_task_and_units(distilled, tmp_path):
    distilled.save(tmp_path / "set.keras")
    found = keras_isa.load(tmp_path / "set.keras")
    assert found.task == "regression" and found.target_units == distilled.target_units
    for space in ("model", "pixels"):
        for one, other in zip(found.to_numpy(space), distilled.to_numpy(space), strict=True):
            np.testing.assert_array_equal(one, other)
    assert distilled.get_config()["format_version"] == 3  # version 2 knows no targets
    assert found.restore_targets(np.zeros((1, 2)))[0] == pytest.approx(found.target_units.mean)


def test_a_set_of_classes_has_none_of_it_in_its_file():
    config = DistilledData((4,), 2, 1).get_config()
    assert not {"task", "target_units"} & set(config) and config["format_version"] == 2


def rewritten(path, out, **changes):
    """The file of a set with other settings."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "config.json":
                config = json.loads(content)
                config["config"].update(changes)
                content = json.dumps(config)
            new.writestr(name, content)
    return out


@pytest.mark.parametrize(
    "changes",
    [
        {"target_units": {"mean": [0.0, float("nan")], "scale": [1.0, 1.0]}},
        {"target_units": {"mean": [0.0, 0.0], "scale": [1.0, 0.0]}},
        {"target_units": {"mean": [0.0, 0.0], "scale": [1.0, float("inf")]}},
        {"target_units": {"mean": [0.0] * 3, "scale": [1.0] * 3}},
        {"target_units": "none"},
        {"target_units": {"class_name": "Lambda", "module": "keras.layers"}},
        {"task": "clustering"},
        {"task": "classification"},
        {"task": ["regression"]},
        {"images_per_class": [4, 3]},
        {"images_per_class": 8},
        {"num_classes": 3},
    ],
)
def test_hostile_settings_are_refused(distilled, tmp_path, changes):
    distilled.save(tmp_path / "set.keras")
    with pytest.raises(ValueError, match="cannot be read"):
        keras_isa.load(rewritten(tmp_path / "set.keras", tmp_path / "bad.keras", **changes))


def test_targets_that_cannot_be_used_are_refused(samples):
    x, y = samples
    make = DistilledData.from_samples
    with pytest.raises(ValueError, match="at most the 30 rows of the data"):
        make(x, y, 31, task="regression")
    with pytest.raises(ValueError, match="positive integer"):
        make(x, y, "proportional", task="regression")
    with pytest.raises(ValueError, match="the same value in all rows of target 1"):
        make(x, y * [1, 0], 5, task="regression")
    with pytest.raises(TypeError, match="hold numbers for task='regression'"):
        make(x, ["cat"] * 30, 5, task="regression")
    with pytest.raises(ValueError, match="`task` must be"):
        make(x, y, 5, task="ranking")
    with pytest.raises((TypeError, ValueError), match="task='regression'"):
        make(x, y[:, 0], 5)
    with pytest.raises(ValueError, match="`target_units` must be known"):
        DistilledData((4,), 1, 5, task="regression").restore_targets(np.zeros((1, 1)))
    with pytest.raises(ValueError, match="`target_units` must be those of the targets"):
        DistilledData((4,), 2, 5, target_units={"mean": [0.0, 0.0], "scale": [1.0, 1.0]})


def test_rows_may_come_as_arrays_in_any_number():
    distilled = DistilledData.from_arrays(np.ones((5, 3)), np.ones((5, 2)), task="regression")
    assert distilled.class_counts == (5,)
    with pytest.raises(ValueError, match="n a multiple of num_classes"):
        DistilledData.from_arrays(np.ones((5, 3)), np.ones((5, 2)))


@pytest.mark.parametrize("text", ["multi_formation:2", "quantized:8"])
def test_parametrisations_take_targets(samples, tmp_path, text):
    distilled = DistilledData.from_samples(*samples, 3, task="regression", parametrization=text)
    assert set(distilled.class_ids) == {0}
    distilled.save(tmp_path / "set.keras")
    found = keras_isa.load(tmp_path / "set.keras")
    np.testing.assert_allclose(found.to_numpy()[0], distilled.to_numpy()[0], atol=0.1)
    np.testing.assert_array_equal(found.to_numpy()[1], distilled.to_numpy()[1])


def test_exports_have_targets_in_the_units_of_the_data(distilled, tmp_path):
    _, targets = distilled.to_numpy("pixels")
    export_npz(distilled, tmp_path / "set.npz")
    with np.load(tmp_path / "set.npz") as found:
        np.testing.assert_array_equal(found["targets"], targets)
        np.testing.assert_array_equal(found["labels"], distilled.to_numpy()[1])
        assert found["class_names"].tolist() == list(NAMES)
    export_png(distilled, tmp_path / "images")
    with open(tmp_path / "images" / "labels.csv", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["file", *NAMES] and len(rows) == 8
    np.testing.assert_allclose(np.array([row[1:] for row in rows[1:]], float), targets)
    assert all((tmp_path / "images" / row[0]).is_file() for row in rows[1:])
    save_grid(distilled, tmp_path / "set.png")
    assert (tmp_path / "set.png").stat().st_size > 1000
