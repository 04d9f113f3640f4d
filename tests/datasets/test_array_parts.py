import numpy as np
import pytest

from keras_isa import datasets
from keras_isa.datasets.array_parts import find_array_keys


def test_missing_keys_are_named(tmp_path, write_npz):
    path = tmp_path / "short.npz"
    write_npz(path, y_train=None, x_test=None, extra=np.zeros(1))
    with pytest.raises(ValueError, match="Missing: y_train, x_test. .*with x_train, y_test, extra"):
        datasets.load(path)


@pytest.mark.parametrize(
    ("names", "same"),
    [
        (("x", "X", "y"), "x and X"),
        (("images", "data", "target"), "images and data"),
        (("x_train", "train_x", "y_train", "Y_train", "x_test", "y_test"), "x_train and train_x"),
    ],
)
def test_arrays_that_mean_the_same_are_named(tmp_path, names, same):
    np.savez(tmp_path / "twice.npz", **{name: np.zeros(2) for name in names})
    with pytest.raises(ValueError, match=f"keep one of {same}, which mean the same.*twice.npz"):
        datasets.load(tmp_path / "twice.npz")


@pytest.mark.parametrize(
    "names", [("x", "y"), ("images", "labels"), ("X", "target"), ("x_train", "y_train")]
)
def test_arrays_without_a_test_part(tmp_path, names):
    generator = np.random.default_rng(0)
    x, y = generator.integers(0, 256, (40, 4, 4), "uint8"), np.arange(40) % 4
    path = tmp_path / "table.npz"
    np.savez(path, **dict(zip(names, (x, y), strict=True)))
    with pytest.warns(
        UserWarning, match="table.npz has no test part: .* 8 of 40 images, .*--split"
    ):
        train, test = datasets.load(path)
    assert (len(train), len(test)) == (32, 8) and np.bincount(test.y).tolist() == [2, 2, 2, 2]
    train, test = datasets.load(path, split=0.5)  # as it was said
    assert (len(train), len(test)) == (20, 20)
    found = np.concatenate([train.x, test.x])[..., 0]
    assert sorted(found.reshape(40, -1).tolist()) == sorted(x.reshape(40, -1).tolist())
    again = datasets.load(path, split=0.5)[1]
    np.testing.assert_array_equal(again.x, test.x)


def test_a_test_part_alone_is_divided_on_request(tmp_path):
    x, y = np.random.default_rng(0).integers(0, 256, (40, 4, 4), "uint8"), np.arange(40) % 4
    np.savez(tmp_path / "tested.npz", x_test=x, y_test=y)
    with pytest.raises(ValueError, match="or pass a `split` .*tested.npz with a test"):
        datasets.load(tmp_path / "tested.npz")
    train, test = datasets.load(tmp_path / "tested.npz", split=0.25)
    assert (len(train), len(test)) == (30, 10) and (train.split, test.split) == ("train", "test")
    found = np.concatenate([train.x, test.x])[..., 0]
    assert sorted(found.reshape(40, -1).tolist()) == sorted(x.reshape(40, -1).tolist())


def test_other_names_of_both_parts(tmp_path, write_npz):
    arrays = write_npz(tmp_path / "small.npz")
    x_test, y_test = arrays["x_test"], arrays["y_test"]
    np.savez(
        tmp_path / "med.npz",
        train_images=arrays["x_train"],
        train_labels=arrays["y_train"][:, None],
        test_images=x_test,
        test_labels=y_test[:, None],
        val_images=x_test,
        val_labels=y_test[:, None],
    )
    with pytest.warns(UserWarning, match="med.npz: val_images not used"):
        train, test = datasets.load(tmp_path / "med.npz")
    np.testing.assert_array_equal(train.y, arrays["y_train"])
    np.testing.assert_array_equal(test.x[..., 0], x_test)


def test_a_part_without_its_images_or_labels_is_none():
    assert find_array_keys(["x_train", "y_test"]) == find_array_keys(["x", "note"]) == {}
    keys = find_array_keys(["y_val", "x_val", "trainImages", "trainLabels", "class_names"])
    assert keys == {"train": ("trainImages", "trainLabels"), "test": ("x_val", "y_val")}
