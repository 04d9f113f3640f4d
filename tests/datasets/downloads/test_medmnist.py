import numpy as np
import pytest

from keras_isa import datasets

VALIDATION = "val_images not used"


def write(folder, name, shape, y, dtype="uint8"):
    """A set with the same images and labels in each part."""
    x = np.random.default_rng(0).integers(0, 256, (len(y), *shape)).astype(dtype)
    parts = ("train", "val", "test")
    arrays = {f"{part}_images": x for part in parts} | {f"{part}_labels": y for part in parts}
    np.savez(folder / name, **arrays)
    return x


def test_images_and_class_names(format_samples, check_read, tmp_path):
    expected = format_samples.medmnist(tmp_path)
    check_read(tmp_path / "bloodmnist.npz", expected, warns=VALIDATION)
    check_read(tmp_path, expected, warns=VALIDATION)
    (tmp_path / "bloodmnist.npz").rename(tmp_path / "mine.npz")
    check_read(tmp_path, (*expected[:4], "01234567"), warns=VALIDATION)


def test_larger_images_and_grades(check_read, tmp_path):
    y = np.array([[3], [0], [4], [1], [2]], "uint8")
    x = write(tmp_path, "retinamnist_64.npz", (64, 64, 3), y)
    check_read(tmp_path, (x, y[:, 0], x, y[:, 0], "01234"), warns=VALIDATION)


def test_grey_images_of_named_classes(check_read, tmp_path):
    y = np.array([[1], [0], [1]], "uint8")
    x = write(tmp_path, "pneumoniamnist.npz", (28, 28), y)[..., np.newaxis]
    check_read(tmp_path, (x, y[:, 0], x, y[:, 0], ("normal", "pneumonia")), warns=VALIDATION)


def test_several_labels(check_read, tmp_path):
    y = np.zeros((4, 14), "uint8")
    y[[0, 2], 1] = 1
    x = write(tmp_path, "chestmnist_128.npz", (28, 28), y)[..., np.newaxis]
    expected = (x, y[:, 1], x, y[:, 1], "01")
    for key in ("1", "cardiomegaly"):
        check_read(tmp_path, expected, warns=VALIDATION, key=key)
    for key in (None, "14", "flu"):
        with pytest.raises(ValueError, match=r"`key` \(--key\) .*14 labels.*0 to 13, or atelect"):
            datasets.load(tmp_path, key=key)


def test_one_label_has_no_key(format_samples, tmp_path):
    format_samples.medmnist(tmp_path)
    with pytest.raises(ValueError, match="`key` must be None for bloodmnist.npz"):
        datasets.load(tmp_path, key="0")


def test_volumes(tmp_path):
    write(tmp_path, "organmnist3d.npz", (28, 28, 28), np.array([[0], [1]], "uint8"))
    with pytest.raises(ValueError, match="must hold 2D images; .*volumes.*organmnist3d.npz"):
        datasets.load(tmp_path / "organmnist3d.npz")


def test_classes_without_images(check_read, tmp_path):
    y = np.array([[5], [0], [5]], "uint8")
    x = write(tmp_path, "mine.npz", (8, 8), y)[..., np.newaxis]
    with pytest.warns(UserWarning, match=VALIDATION):
        with pytest.warns(UserWarning, match="class 1, class 2, class 3, class 4 not used"):
            train, _ = datasets.load(tmp_path)
    assert train.class_names == ("0", "5") and train.y.tolist() == [1, 0, 1]
    np.testing.assert_array_equal(train.x, x)


@pytest.mark.parametrize(
    ("labels", "dtype", "message"),
    [
        (np.array([[0.5], [1.0]]), "uint8", "train_labels is float64"),
        (np.array([[-1], [1]]), "uint8", "labels outside of 0 to 255"),
        (np.array([[0], [1]]), "float32", "train_images is float32"),
    ],
)
def test_other_arrays(tmp_path, labels, dtype, message):
    write(tmp_path, "mine.npz", (8, 8), labels, dtype)
    with pytest.raises(ValueError, match=f"mine.npz \\(.*{message}"):
        datasets.load(tmp_path)


def test_parts_that_do_not_fit(tmp_path):
    x, y = np.zeros((3, 8, 8), "uint8"), np.zeros((3, 1), "uint8")
    arrays = {f"{part}_images": x for part in ("train", "val", "test")}
    arrays |= {f"{part}_labels": y for part in ("train", "val", "test")}
    np.savez(tmp_path / "a.npz", **arrays | {"test_labels": y[:2]})
    with pytest.raises(ValueError, match="number of its labels differs"):
        datasets.load(tmp_path)
    np.savez(tmp_path / "a.npz", **arrays | {"test_images": x[:, 1:]})
    with pytest.raises(ValueError, match="differ in shape"):
        datasets.load(tmp_path)
