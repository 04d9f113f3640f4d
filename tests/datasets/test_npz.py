import pickle
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest

from keras_isa import datasets
from keras_isa.datasets.npz import undamaged


@pytest.mark.parametrize("as_type", [str, Path])
def test_npz(tmp_path, as_type, write_npz):
    path = tmp_path / "small.npz"
    arrays = write_npz(path, class_names=np.array(["cat", "dog", "ship"]))
    train, test = datasets.load(as_type(path))
    np.testing.assert_array_equal(train.x[..., 0], arrays["x_train"])
    np.testing.assert_array_equal(train.y, arrays["y_train"])
    np.testing.assert_array_equal(test.x[..., 0], arrays["x_test"])
    np.testing.assert_array_equal(test.y, arrays["y_test"])
    assert train.x.dtype == test.x.dtype == np.uint8
    assert train.class_names == test.class_names == ("cat", "dog", "ship")
    assert train.name == test.name == str(path)


def test_npz_by_relative_path_and_any_suffix(tmp_path, monkeypatch, write_npz):
    write_npz(tmp_path / "small.npz")
    (tmp_path / "small.npz").rename(tmp_path / "small.data")
    monkeypatch.chdir(tmp_path)
    train, _ = datasets.load("small.data")
    assert train.name == str(tmp_path / "small.data")
    assert train.class_names == ("0", "1", "2")


def test_what_does_not_fit_into_memory_is_refused(tmp_path, monkeypatch, write_npz):
    from keras_isa import memory

    path = tmp_path / "small.npz"
    write_npz(path)
    monkeypatch.setattr(memory, "available_bytes", lambda: 100)
    with pytest.raises(ValueError, match="`source` .*small.npz in memory.*--format npy"):
        datasets.load(path)


def test_files_of_another_kind_are_refused(tmp_path):
    path = tmp_path / "wrong.npz"
    path.write_text("x_train\n")
    with pytest.raises(ValueError, match="something else or damaged"):
        datasets.load(path)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="wrong.npz, which is an empty file"):
        datasets.load(path)
    path.write_bytes(pickle.dumps({"x": [1]}))
    with pytest.raises(ValueError, match="pass one of them. .*which is a pickle, which can run"):
        datasets.load(path)
    path.write_bytes(b"PK\x03\x04 and then nothing")
    with pytest.raises(ValueError, match="something else or damaged"):
        datasets.load(path)
    with path.open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(ValueError, match="a single .npy array"):
        datasets.load(path)


def test_a_damaged_array_is_refused(tmp_path, write_npz):
    path = tmp_path / "damaged.npz"
    write_npz(path)
    with zipfile.ZipFile(path) as archive:
        place = archive.getinfo("x_train.npy").header_offset
    content = bytearray(path.read_bytes())
    content[place + 60 : place + 80] = bytes(20)
    path.write_bytes(content)
    with pytest.raises(ValueError, match="`x_train` must be an undamaged array") as caught:
        datasets.load(path)
    assert "\n" not in str(caught.value)


def test_a_warning_that_is_raised_is_no_damage(tmp_path):
    with pytest.raises(UserWarning, match="^said$"), undamaged(tmp_path, "`source` must be whole"):
        warnings.warn("said", stacklevel=1)


class Trap:
    """Whoever unpickles one of these is found out."""

    sprung = False

    def __reduce__(self):
        return setattr, (Trap, "sprung", True)


@pytest.mark.parametrize("key", ["x_train", "class_names"])
def test_objects_are_never_unpickled(tmp_path, monkeypatch, key, write_npz):
    monkeypatch.setattr(Trap, "sprung", False)
    path = tmp_path / "objects.npz"
    write_npz(path, **{key: np.array([Trap()], object)})
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
def test_bad_arrays_in_a_file_are_refused(tmp_path, changes, error, message, write_npz):
    path = tmp_path / "bad.npz"
    write_npz(path, **changes)
    with pytest.raises(error, match=message):
        datasets.load(path)


def test_each_key_is_read_once(tmp_path, monkeypatch, write_npz):
    path = tmp_path / "small.npz"
    write_npz(path)
    reads = []
    original = np.lib.npyio.NpzFile.__getitem__
    monkeypatch.setattr(
        np.lib.npyio.NpzFile,
        "__getitem__",
        lambda archive, key: reads.append(key) or original(archive, key),
    )
    datasets.load(path)
    assert sorted(reads) == ["x_test", "x_train", "y_test", "y_train"]


def test_names_as_labels(tmp_path, write_npz):
    path = tmp_path / "small.npz"
    write_npz(path, y_train=np.array(list("cabcab")), y_test=np.array(list("bca")))
    train, test = datasets.load(path)
    assert train.class_names == ("a", "b", "c")
    assert train.y.tolist() == [2, 0, 1, 2, 0, 1] and test.y.tolist() == [1, 2, 0]
    write_npz(path, y_train=np.array(list("cabcab")), y_test=np.array(list("bda")))
    with pytest.raises(ValueError, match="`y_test` must hold names out of a, b, c.*'d' at index 1"):
        datasets.load(path)
