import zipfile
from pathlib import Path

import numpy as np
import pytest

from keras_isa import datasets
from keras_isa.datasets.sources import load_test


def write(path, **changes):
    generator = np.random.default_rng(0)
    arrays = {
        "x_train": generator.integers(0, 256, (6, 4, 4), "uint8"),
        "y_train": np.array([0, 1, 2, 0, 1, 2], "uint8"),
        "x_test": generator.integers(0, 256, (3, 4, 4), "uint8"),
        "y_test": np.array([2, 0, 2], "uint8"),
    } | changes
    arrays = {key: array for key, array in arrays.items() if array is not None}
    np.savez_compressed(path, **arrays)
    return arrays


def test_digits(digits):
    from sklearn.datasets import load_digits

    train, test = digits
    assert (train.x.shape, test.x.shape) == ((1437, 8, 8, 1), (360, 8, 8, 1))
    assert (train.name, train.split, test.split) == ("digits", "train", "test")
    assert train.pixel_range == test.pixel_range == (0.0, 16.0)
    assert train.x.dtype == np.float32 and train.x.min() == 0 and train.x.max() == 16
    assert train.class_names == tuple("0123456789")
    # Stratified: a fifth of every class, give or take one image.
    counts = np.bincount(train.y) + np.bincount(test.y)
    assert np.abs(np.bincount(test.y) - counts / 5).max() < 1
    # Every image of the original is in exactly one part, with its own label.
    original = load_digits()
    rows = [
        np.column_stack([x.reshape(len(x), -1), y])
        for x, y in [(original.images, original.target), (train.x, train.y), (test.x, test.y)]
    ]
    both = np.concatenate(rows[1:])
    np.testing.assert_array_equal(
        both[np.lexsort(both.T)], np.float32(rows[0])[np.lexsort(np.float32(rows[0]).T)]
    )


def test_digits_split_is_fixed(digits):
    # Scores are only comparable while these stay as they are.
    train, test = digits
    assert train.y[:10].tolist() == [3, 9, 1, 3, 1, 9, 4, 4, 2, 8]
    assert test.y[:10].tolist() == [7, 6, 3, 7, 7, 3, 2, 8, 9, 3]
    again = datasets.load("digits")[0]
    np.testing.assert_array_equal(train.x, again.x)


@pytest.mark.parametrize("as_type", [str, Path])
def test_npz(tmp_path, as_type):
    path = tmp_path / "small.npz"
    arrays = write(path, class_names=np.array(["cat", "dog", "ship"]))
    train, test = datasets.load(as_type(path))
    np.testing.assert_array_equal(train.x[..., 0], arrays["x_train"])
    np.testing.assert_array_equal(train.y, arrays["y_train"])
    np.testing.assert_array_equal(test.x[..., 0], arrays["x_test"])
    np.testing.assert_array_equal(test.y, arrays["y_test"])
    assert train.x.dtype == test.x.dtype == np.uint8
    assert train.class_names == test.class_names == ("cat", "dog", "ship")
    assert train.name == test.name == str(path)


def test_npz_by_relative_path_and_any_suffix(tmp_path, monkeypatch):
    write(tmp_path / "small.npz")
    (tmp_path / "small.npz").rename(tmp_path / "small.data")
    monkeypatch.chdir(tmp_path)
    train, _ = datasets.load("small.data")
    assert train.name == str(tmp_path / "small.data")
    assert train.class_names == ("0", "1", "2")


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


def test_names_as_labels(tmp_path):
    path = tmp_path / "small.npz"
    write(path, y_train=np.array(list("cabcab")), y_test=np.array(list("bca")))
    train, test = datasets.load(path)
    assert train.class_names == ("a", "b", "c")
    assert train.y.tolist() == [2, 0, 1, 2, 0, 1] and test.y.tolist() == [1, 2, 0]
    write(path, y_train=np.array(list("cabcab")), y_test=np.array(list("bda")))
    with pytest.raises(ValueError, match="`y_test` must hold names out of a, b, c.*'d' at index 1"):
        datasets.load(path)


def test_what_does_not_fit_into_memory_is_refused(tmp_path, monkeypatch):
    from keras_isa import memory

    path = tmp_path / "small.npz"
    write(path)
    monkeypatch.setattr(memory, "available_bytes", lambda: 100)
    with pytest.raises(ValueError, match="`source` .*small.npz in memory.*--format npy"):
        datasets.load(path)


def test_missing_keys_are_named(tmp_path):
    path = tmp_path / "short.npz"
    write(path, y_train=None, x_test=None, extra=np.zeros(1))
    with pytest.raises(ValueError, match="Missing: y_train, x_test. .*with x_train, y_test, extra"):
        datasets.load(path)


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


def test_a_test_part_is_not_divided(tmp_path):
    path = tmp_path / "small.npz"
    write(path)
    with pytest.raises(ValueError, match="`split` must not be given unless .*no test part"):
        datasets.load(path, split=0.2)
    arrays = write(path, x_train=None, y_train=None)
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


def test_other_names_of_both_parts(tmp_path):
    arrays = write(tmp_path / "small.npz")
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


def test_axes_are_told_or_said(tmp_path):
    generator = np.random.default_rng(0)
    first = {
        "x_train": generator.integers(0, 256, (6, 3, 8, 9), "uint8"),
        "x_test": generator.integers(0, 256, (3, 3, 8, 9), "uint8"),
    }
    write(tmp_path / "first.npz", **first)
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


def test_files_of_another_kind_are_refused(tmp_path):
    path = tmp_path / "wrong.npz"
    path.write_text("x_train\n")
    with pytest.raises(ValueError, match="something else or damaged"):
        datasets.load(path)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="something else or damaged"):
        datasets.load(path)
    path.write_bytes(b"PK\x03\x04 and then nothing")
    with pytest.raises(ValueError, match="something else or damaged"):
        datasets.load(path)
    with path.open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(ValueError, match="a single .npy array"):
        datasets.load(path)


def test_a_damaged_array_is_refused(tmp_path):
    path = tmp_path / "damaged.npz"
    write(path)
    with zipfile.ZipFile(path) as archive:
        place = archive.getinfo("x_train.npy").header_offset
    content = bytearray(path.read_bytes())
    content[place + 60 : place + 80] = bytes(20)
    path.write_bytes(content)
    with pytest.raises(ValueError, match="`x_train` must be an undamaged array") as caught:
        datasets.load(path)
    assert "\n" not in str(caught.value)


class Trap:
    """Whoever unpickles one of these is found out."""

    sprung = False

    def __reduce__(self):
        return setattr, (Trap, "sprung", True)


@pytest.mark.parametrize("key", ["x_train", "class_names"])
def test_objects_are_never_unpickled(tmp_path, monkeypatch, key):
    monkeypatch.setattr(Trap, "sprung", False)
    path = tmp_path / "objects.npz"
    write(path, **{key: np.array([Trap()], object)})
    with pytest.raises(ValueError, match=f"`{key}` .*never unpickled"):
        datasets.load(path)
    assert not Trap.sprung
    with np.load(path, allow_pickle=True) as archive:
        _ = archive[key]
    assert Trap.sprung  # so the trap was set


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"y_train": np.zeros(5, int)}, ValueError, "`y_train` must hold one label per image"),
        ({"y_test": np.array([0, 1, 3])}, ValueError, "`y_test` .*label 3 at index 2"),
        (
            {"y_train": np.array([0, 1] * 3), "class_names": np.array(["a", "b", "c"])},
            ValueError,
            "class 2 has no images",
        ),
        ({"x_test": np.full((3, 4, 4), np.nan)}, ValueError, "`x_test` must hold finite"),
        ({"class_names": np.array([1, 2, 3])}, TypeError, "`class_names` .*array of strings"),
        ({"class_names": np.array("abc")}, TypeError, "`class_names` .*array of strings"),
    ],
)
def test_bad_arrays_in_a_file_are_refused(tmp_path, changes, error, message):
    path = tmp_path / "bad.npz"
    write(path, **changes)
    with pytest.raises(error, match=message):
        datasets.load(path)


def test_each_key_is_read_once(tmp_path, monkeypatch):
    path = tmp_path / "small.npz"
    write(path)
    reads = []
    original = np.lib.npyio.NpzFile.__getitem__
    monkeypatch.setattr(
        np.lib.npyio.NpzFile,
        "__getitem__",
        lambda archive, key: reads.append(key) or original(archive, key),
    )
    datasets.load(path)
    assert sorted(reads) == ["x_test", "x_train", "y_test", "y_train"]


def test_the_data_that_a_set_records():
    recorded = {"dataset": "digits", "load_options": {"classes": ["3", "5"]}}
    train, test = datasets.load_recorded(recorded)
    assert (train.class_names, test.class_names) == (("3", "5"), ("3", "5"))
    assert datasets.load_recorded(recorded, classes=["7", "8"])[0].class_names == ("7", "8")
    for provenance in ({}, {"dataset": "arrays"}):
        with pytest.raises(ValueError, match="records no dataset to load"):
            datasets.load_recorded(provenance)
