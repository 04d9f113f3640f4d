from pathlib import Path

import numpy as np
import pytest

from keras_isa import datasets
from keras_isa.datasets.sources import load_test


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_real_sets(data_dir, name):
    path = data_dir / f"{name}.npz"
    if not path.is_file():
        pytest.skip(f"needs {name}.npz")
    train, test = datasets.load(path)
    assert (train.x.shape, test.x.shape) == ((60000, 28, 28, 1), (10000, 28, 28, 1))
    assert train.x.dtype == np.uint8 and train.pixel_range == (0.0, 255.0)
    assert train.num_classes == test.num_classes == 10
    assert np.bincount(test.y).sum() == 10000


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cifar11", '"digits", the path of an .npz file.*"tfds:NAME".*cifar11'),
        ("", '"digits", the path of an .npz file'),
        ("tfds:", "tfds:NAME/CONFIG or either with :VERSION"),
        ("missing.npz", "existing .npz file.*missing.npz"),
        (Path("digits"), "existing .npz file"),
    ],
)
def test_unknown_names_are_refused(name, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=message):
        datasets.load(name)


@pytest.mark.parametrize("name", [None, 3, b"digits"])
def test_other_types_are_refused(name):
    with pytest.raises(TypeError, match="`source` must be a string or a path"):
        datasets.load(name)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(ValueError, match="`source` must be a folder with images as train/CLASS"):
        datasets.load(tmp_path)


@pytest.mark.parametrize("options", [{"data_dir": "here"}, {"download": True}])
def test_options_of_tfds_are_refused_elsewhere(options):
    with pytest.raises(ValueError, match="must not be given unless `source` is tfds:NAME"):
        datasets.load("digits", **options)


def test_chosen_classes_and_size(digits):
    train, test = datasets.load("digits", classes=["7", 1], image_size=4)
    assert train.class_names == test.class_names == ("7", "1")
    assert (train.image_shape, train.pixel_range) == ((4, 4, 1), (0.0, 16.0))
    sevens = digits[1].x[digits[1].y == 7]
    means = sevens.reshape(-1, 4, 2, 4, 2, 1).mean((2, 4))
    np.testing.assert_allclose(test.x[test.y == 0], means, rtol=1e-6)


def test_a_test_part_is_not_divided(tmp_path, write_npz):
    path = tmp_path / "small.npz"
    write_npz(path)
    with pytest.raises(ValueError, match="`split` must not be given unless .*no test part"):
        datasets.load(path, split=0.2)
    arrays = write_npz(path, x_train=None, y_train=None)
    with pytest.raises(ValueError, match="must have a training part, unless the command"):
        datasets.load(path)
    with pytest.warns(UserWarning, match="all of its 3 images become the test part"):
        train, test = load_test(path, ("0", "1", "2"))
    assert train is None
    np.testing.assert_array_equal(test.x[..., 0], arrays["x_test"])
    np.testing.assert_array_equal(test.y, arrays["y_test"])


def test_the_labels_of_a_table_are_matched_to_the_set(tmp_path):
    x, y = np.random.default_rng(0).integers(0, 256, (3, 4, 4), "uint8"), np.array([10, 2, 0])
    np.savez(tmp_path / "table.npz", x=x, y=y)
    with (
        pytest.warns(UserWarning, match="class number 2 is '10': labels are matched"),
        pytest.warns(UserWarning, match="no baselines are computed"),
    ):
        _, test = load_test(tmp_path / "table.npz", ("0", "1", "10", "2"))
    assert test.y.tolist() == [2, 3, 0]


def test_axes_are_told_or_said(tmp_path, write_npz):
    generator = np.random.default_rng(0)
    first = {
        "x_train": generator.integers(0, 256, (6, 3, 8, 9), "uint8"),
        "x_test": generator.integers(0, 256, (3, 3, 8, 9), "uint8"),
    }
    write_npz(tmp_path / "first.npz", **first)
    with (
        pytest.warns(UserWarning, match="x_train.* read as channels-first images"),
        pytest.warns(UserWarning, match="x_test.* read as channels-first images"),
    ):
        train, test = datasets.load(tmp_path / "first.npz")
    assert train.image_shape == test.image_shape == (8, 9, 3)
    said, _ = datasets.load(tmp_path / "first.npz", axes="NCHW", image_size=4)
    assert said.image_shape == (4, 4, 3)
    with pytest.raises(ValueError, match="`axes` must have one letter"):
        datasets.load(tmp_path / "first.npz", axes="NHW")


def test_the_data_that_a_set_records():
    recorded = {"dataset": "digits", "load_options": {"classes": ["3", "5"]}}
    train, test = datasets.load_recorded(recorded)
    assert (train.class_names, test.class_names) == (("3", "5"), ("3", "5"))
    assert datasets.load_recorded(recorded, classes=["7", "8"])[0].class_names == ("7", "8")
    for provenance in ({}, {"dataset": "arrays"}):
        with pytest.raises(ValueError, match="records no dataset to load"):
            datasets.load_recorded(provenance)


@pytest.mark.parametrize("source", ["https://a.b/c.zip", "s3://a/b.npz", "hf:a/b"])
def test_an_address_is_refused(source, tmp_path):
    for read in (
        lambda: datasets.load(source),
        lambda: datasets.prepare("mine", source, tmp_path / "set.npz"),
    ):
        with pytest.raises(ValueError, match="on this computer; download it first.*Received: '"):
            read()


def test_the_home_folder(tmp_path, monkeypatch, write_npz):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    write_npz(tmp_path / "small.npz")
    for source in ("~/small.npz", Path("~/small.npz")):
        assert datasets.load(source)[0].name == str(tmp_path / "small.npz")
