import json
import shutil
import tracemalloc

import numpy as np
import pytest

from keras_isa import datasets
from keras_isa.inputs.arrays import StoredImages

KINDS = ("npz", "npy", "tfds")


def prepared(name, source, folder, kind, **options):
    """Prepares in `folder`, and loads again."""
    output = folder / {"npz": "set.npz", "npy": "set", "tfds": "data"}[kind]
    summary = datasets.prepare(name, source, output, kind=kind, **options)
    return summary, datasets.load(summary.source, data_dir=summary.data_dir)


def rows(part):
    table = np.column_stack([np.asarray(part.x[:]).reshape(len(part), -1), part.y])
    return table[np.lexsort(table.T)]


@pytest.mark.parametrize("kind", KINDS)
def test_digits(digits, tmp_path, kind):
    summary, pair = prepared("my_digits", "digits", tmp_path, kind)
    assert (summary.train, summary.test, summary.num_classes) == (1437, 360, 10)
    assert str(summary).endswith("1437 training and 360 test images of 8x8x1, 10 classes")
    for found, original in zip(pair, digits, strict=True):
        np.testing.assert_array_equal(rows(found), rows(original))
        assert (found.pixel_range, found.split) == ((0.0, 16.0), original.split)
        assert found.class_names == original.class_names and found.x.dtype == np.float32
    assert isinstance(pair[0].x, StoredImages) == (kind == "npy")
    names = {"npz": ["set.npz"], "npy": ["set"], "tfds": ["data"]}[kind]
    assert sorted(path.name for path in tmp_path.iterdir()) == names


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_folder(image_folder, tmp_path, kind):
    root = image_folder("val", sizes=((20, 30), (25, 18)))
    output = tmp_path / "out"
    output.mkdir()
    _, pair = prepared("photos", root, output, kind, image_size=(8, 12))
    for found, original in zip(pair, datasets.load(root, image_size=(8, 12)), strict=True):
        np.testing.assert_array_equal(rows(found), rows(original))
        assert found.class_names == ("china", "flower") and found.x.dtype == np.uint8


def test_the_form_follows_the_name_of_the_output(tmp_path):
    assert datasets.prepare("a", "digits", tmp_path / "a.npz").source == str(tmp_path / "a.npz")
    datasets.prepare("a", tmp_path / "a.npz", tmp_path / "b")
    assert json.loads((tmp_path / "b" / "class_names.json").read_text()) == list("0123456789")
    # What is stored on disk can be prepared again.
    summary = datasets.prepare("b", tmp_path / "b", tmp_path / "c.npz")
    assert (summary.train, summary.data_dir) == (1437, None)
    np.testing.assert_array_equal(
        datasets.load(tmp_path / "a.npz")[1].x, datasets.load(tmp_path / "c.npz")[1].x
    )


def test_tfds_to_arrays(tmp_path):
    datasets.prepare("eights", "digits", tmp_path / "data", kind="tfds", image_size=4)
    summary = datasets.prepare(
        "eights", "tfds:eights", tmp_path / "arrays", data_dir=tmp_path / "data"
    )
    assert summary.image_shape == (4, 4, 1)
    for found, original in zip(
        datasets.load(tmp_path / "arrays"),
        datasets.load("tfds:eights", data_dir=tmp_path / "data"),
        strict=True,
    ):
        np.testing.assert_array_equal(found.x[:], original.x)
        np.testing.assert_array_equal(found.y, original.y)


def test_a_second_set_beside_the_first(tmp_path):
    datasets.prepare("one", "digits", tmp_path / "data", kind="tfds")
    datasets.prepare("two", "digits", tmp_path / "data", kind="tfds")
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["one", "two"]
    with pytest.raises(ValueError, match="`output` must be new.*one/1.0.0"):
        datasets.prepare("one", "digits", tmp_path / "data", kind="tfds")


@pytest.mark.parametrize(
    ("kind", "packing"), [("npz", "zip"), ("npy", "folder"), ("tfds", "folder"), ("tfds", "gztar")]
)
def test_tiny_imagenet(tiny_imagenet, tmp_path, kind, packing):
    root = source = tiny_imagenet()
    if packing != "folder":
        source = shutil.make_archive(tmp_path / "download", packing, root.parent, root.name)
    output = tmp_path / "out"
    output.mkdir()
    summary, (train, test) = prepared("tiny_imagenet", source, output, kind)
    assert (summary.train, summary.test, summary.image_shape) == (6, 4, (64, 64, 3))
    assert train.class_names == ("goldfish", "mushroom")
    assert np.bincount(train.y).tolist() == [3, 3] and np.bincount(test.y).tolist() == [2, 2]
    assert len(list(output.iterdir())) == 1


@pytest.mark.parametrize("kind", ["npz", "tfds"])
def test_imagenette(imagenette, tmp_path, kind):
    output = tmp_path / "out"
    output.mkdir()
    _, (train, test) = prepared("imagenette128", imagenette(), output, kind)
    assert (train.image_shape, len(train), len(test)) == ((128, 128, 3), 20, 10)
    assert train.class_names[1] == "English springer"


def test_tiny_imagenet_that_is_not_whole(tiny_imagenet, tmp_path):
    root = tiny_imagenet()
    annotations = root / "val" / "val_annotations.txt"
    text = annotations.read_text()
    annotations.write_text(text.replace("n01443537", "n00000000", 1))
    with pytest.raises(ValueError, match="classes out of wnids.txt.*n00000000"):
        datasets.prepare("tiny_imagenet", root, tmp_path / "set.npz")
    annotations.unlink()
    with pytest.raises(ValueError, match="must be complete. Received: no file .*val_annotations"):
        datasets.prepare("tiny_imagenet", root, tmp_path / "set.npz")
    annotations.write_text(text)
    shutil.rmtree(root / "train" / "n01443537")
    with pytest.raises(ValueError, match="must be complete. Received: no images in .*n01443537"):
        datasets.prepare("tiny_imagenet", root, tmp_path / "set.npz")
    with pytest.raises(ValueError, match="`image_size` must be None for tiny_imagenet"):
        datasets.prepare("tiny_imagenet", root, tmp_path / "set.npz", image_size=32)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_left_after_a_failure(image_folder, tmp_path, kind):
    root = image_folder()
    last = root / "test" / "flower" / "002.png"
    data = bytearray(last.read_bytes())
    data[60:-30] = bytes(len(data) - 90)  # the head and the end are whole, the pixels are not
    last.write_bytes(data)
    output = tmp_path / "out"
    output.mkdir()
    with pytest.raises(ValueError, match="undamaged images.*flower/002.png"):
        prepared("photos", root, output, kind)
    assert list(output.iterdir()) == []


def test_nothing_is_left_of_a_damaged_archive(tmp_path):
    (tmp_path / "tiny-imagenet-200.zip").write_bytes(b"PK\x03\x04 and then nothing")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(ValueError, match="undamaged archive.*tiny-imagenet-200.zip"):
        datasets.prepare("tiny_imagenet", tmp_path / "tiny-imagenet-200.zip", tmp_path / "set")
    assert sorted(tmp_path.iterdir()) == before


def test_the_output_is_checked_before_the_work(tmp_path):
    (tmp_path / "file").write_text("kept")
    (tmp_path / "folder").mkdir()
    absent = tmp_path / "no such source"
    for output, kind, message in (
        ("file", "npy", "`output` must be new"),
        ("folder", "npy", "`output` must be new"),
        ("file", "tfds", "`output` must be a folder for TFDS"),
        ("none/set.npz", None, "`output` must lie in an existing folder.*output="),
        ("none/set", "npy", "`output` must lie in an existing folder"),
        ("none/data", "tfds", "`output` must lie in an existing folder"),
        ("file/set", "npy", "`output` must lie in a folder"),
        ("set", "npz", "`output` must end in .npz"),
        ("set", "hdf5", "`kind` must be one of npz, npy, tfds"),
    ):
        with pytest.raises(ValueError, match=message):
            datasets.prepare("a", absent, tmp_path / output, kind=kind)
    for name in ("A", "1a", "a-b", "", "a/b"):
        with pytest.raises(ValueError, match="`name` must be lower-case"):
            datasets.prepare(name, absent, tmp_path / "data", kind="tfds")
    assert (tmp_path / "file").read_text() == "kept"


def test_a_full_disk_is_found_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(9, 9, 1000))
    with pytest.raises(ValueError, match="`output` must be on a disk with 0.0 GB of free space"):
        datasets.prepare("a", "digits", tmp_path / "set")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["npz", "npy"])
def test_memory_does_not_grow_with_the_set(image_folder, tmp_path, kind):
    root = image_folder(sizes=((64, 64),), counts=(150, 50))
    output = tmp_path / ("set.npz" if kind == "npz" else "set")
    datasets.load(root)  # imports what is needed
    tracemalloc.start()
    datasets.prepare("photos", root, output)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2e6 < 400 * 64 * 64 * 3


def test_progress_on_request(tmp_path, capsys):
    datasets.prepare("a", "digits", tmp_path / "a")
    datasets.prepare("a", "digits", tmp_path / "t", kind="tfds")
    printed = capsys.readouterr()
    assert printed.out == "" and "examples" not in printed.err
    datasets.prepare("a", "digits", tmp_path / "b", progress=True)
    assert "1797/1797" in capsys.readouterr().out
