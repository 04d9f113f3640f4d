import json

import numpy as np
import pytest

from keras_isa import datasets
from keras_isa.inputs.arrays import StoredImages


@pytest.fixture
def write(tmp_path, eights):
    def write(**changes):
        x, y = eights
        arrays = {"x_train": x[:90], "y_train": y[:90], "x_test": x[90:], "y_test": y[90:]}
        for key, array in (arrays | changes).items():
            if array is not None:
                np.save(tmp_path / f"{key}.npy", array, allow_pickle=True)
        return tmp_path

    return write


def test_images_stay_on_disk(write, eights):
    root = write()
    (root / "class_names.json").write_text(json.dumps([f"digit {i}" for i in range(10)]))
    train, test = datasets.load(root)
    assert isinstance(train.x, StoredImages) and isinstance(test.x, StoredImages)
    assert (train.x.shape, train.x.dtype) == ((90, 8, 8, 1), np.uint8)
    np.testing.assert_array_equal(train.x[[4, 2]][..., 0], eights[0][[4, 2]])
    np.testing.assert_array_equal(test.x[:][..., 0], eights[0][90:])
    np.testing.assert_array_equal(test.y, eights[1][90:])
    assert train.class_names[3] == "digit 3" and train.name == str(root)
    # The rows are those of the file, now.
    stored = np.load(root / "x_train.npy", mmap_mode="r+")
    stored[7] = 9
    stored.flush()
    assert (train.x[7] == 9).all()


def test_few_of_uint8_are_read_when_it_is_loaded(write, monkeypatch):
    root = write()
    reads = []
    original = StoredImages.__getitem__
    monkeypatch.setattr(
        StoredImages, "__getitem__", lambda self, rows: reads.append(rows) or original(self, rows)
    )
    train, _ = datasets.load(root)
    fit, validation = datasets.split_train_validation(train, 0.2)
    some = train.select_classes([1, 4])
    assert isinstance(fit.x, StoredImages) and isinstance(some.x, StoredImages)
    assert len(validation) == 18 and all(len(train.y[rows]) <= 64 for rows in reads)
    np.testing.assert_array_equal(some.x[:3], train.x[np.flatnonzero(np.isin(train.y, [1, 4]))[:3]])


def test_floats_and_names_and_flat_features(write, eights):
    x, y = eights
    names = np.array(["even", "odd"])[y % 2]
    flat = x.reshape(len(x), -1) / 255.0
    root = write(x_train=flat[:90], y_train=names[:90], x_test=flat[90:], y_test=names[90:])
    train, test = datasets.load(root)
    assert train.image_shape == (64,) and train.x.dtype == np.float32
    assert train.class_names == ("even", "odd") and test.pixel_range == (0.0, 1.0)
    np.testing.assert_array_equal(train.x[[5]], flat[[5]].astype("float32"))
    np.testing.assert_array_equal(test.y, y[90:] % 2)


def test_one_part_is_divided_and_stays_on_disk(tmp_path, eights):
    np.save(tmp_path / "images.npy", eights[0])
    np.save(tmp_path / "labels.npy", eights[1])
    with pytest.warns(UserWarning, match="has no test part: a fixed fifth of it, 24 of 120 images"):
        train, test = datasets.load(tmp_path)
    assert isinstance(train.x, StoredImages) and (len(train), len(test)) == (96, 24)
    assert len(datasets.load(tmp_path, split=0.5)[1]) == 60


def test_other_sizes_are_read(write):
    train, _ = datasets.load(write(), image_size=4)
    assert isinstance(train.x, np.ndarray) and train.image_shape == (4, 4, 1)


def test_class_folders_beside_the_arrays_are_refused(write):
    root = write()
    for path in ("train/cat/1.png", "train/dog/1.png", "test/1.png"):
        (root / path).parent.mkdir(parents=True)
        (root / path).touch()
    with pytest.raises(ValueError, match="move the arrays .*images train/cat, train/dog"):
        datasets.load(root)


def test_pictures_beside_the_arrays_are_passed_over(write):
    root = write()
    (root / "plots").mkdir()
    for path in ("first.png", "plots/loss.png"):
        (root / path).touch()
    assert len(datasets.load(root)[0]) == 90


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y_train": None, "x_test": None}, "Missing: y_train, x_test.*y_test.npy"),
        ({"x_train": None, "y_train": None}, "must have a training part.*keras-isa evaluate"),
        ({"x_train": np.array([None])}, "never unpickled.*x_train.npy"),
        ({"y_train": np.zeros(5, int)}, "`y_train` must hold one label per image"),
        ({"x_test": np.full((30, 8, 8), np.nan)}, "`x_test` must hold finite"),
        ({"x_test": np.zeros((30, 4, 4), "uint8")}, "`x_test` must hold images of the shape"),
    ],
)
def test_bad_folders_are_refused(write, changes, message):
    with pytest.raises(ValueError, match=message):
        datasets.load(write(**changes))


@pytest.mark.parametrize("text", ["{}", "not json", '"cat"'])
def test_bad_class_names_are_refused(write, text):
    root = write()
    (root / "class_names.json").write_text(text)
    with pytest.raises(ValueError, match="`class_names.json` must hold a list of strings"):
        datasets.load(root)
