import os
import unicodedata

import pytest

from keras_isa.datasets.class_folders import (
    check_names,
    check_several_folders,
    class_files,
    note_alike,
)
from keras_isa.datasets.folder_tree import read_tree
from keras_isa.datasets.remarks import Remarks


@pytest.fixture
def classes(tmp_path):
    """Writes files and returns those of each class, and what is said."""

    def make(*paths):
        for path in paths:
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).touch()
        remarks = Remarks(tmp_path)
        found = class_files(tmp_path, read_tree(tmp_path), remarks)
        names = {k: [path.relative_to(tmp_path).as_posix() for path in v] for k, v in found.items()}
        return names, [line.removeprefix(f"{tmp_path}: ") for line in remarks.lines()]

    return make


def test_one_folder_deeper(classes):
    found, lines = classes("cat/1.png", "cat/more/2.png", "cat/x/y/3.png", "dog/1.png")
    assert found == {"cat": ["cat/1.png", "cat/more/2.png"], "dog": ["dog/1.png"]}
    assert lines == [
        "image one folder deeper than CLASS/FILE, read as CLASS: 1, cat/more/2.png",
        "image deeper than CLASS/FOLDER/FILE, not read: 1, cat/x/y",
    ]


def test_each_class_with_one_folder(classes):
    found, lines = classes("cat/images/1.png", "dog/images/1.png")
    assert found == {"cat": ["cat/images/1.png"], "dog": ["dog/images/1.png"]}
    assert len(lines) == 1


@pytest.mark.parametrize(
    "paths",
    [
        ("photo/cat/1.png", "photo/dog/1.png", "sketch/cat/1.png", "sketch/dog/1.png"),
        ("cat/train/1.png", "cat/test/1.png", "dog/train/1.png", "dog/test/1.png"),
        ("sick/images/1.png", "sick/masks/1.png", "well/images/1.png", "well/masks/1.png"),
        ("sick/patient1/1.png", "sick/patient2/1.png", "well/patient3/1.png"),
    ],
)
def test_folders_of_which_either_may_be_the_classes(classes, paths):
    with pytest.raises(ValueError, match="not clear which folders are the classes.*such as"):
        classes(*paths)


def test_deeper_still(classes):
    with pytest.raises(ValueError, match="deeper folders of amazon"):
        classes("amazon/images/mug/1.png", "webcam/images/mug/1.png")


def test_masks_beside_their_images(classes):
    found, lines = classes("sick/a (1).png", "sick/a (1)_mask.png", "sick/b_mask.png", "well/1.png")
    assert found["sick"] == ["sick/a (1).png", "sick/b_mask.png"]  # there is no image b
    assert lines == ["mask or another companion of an image, not read: 1, sick/a (1)_mask.png"]


def test_a_folder_of_masks_in_a_class(classes):
    found, lines = classes("sick/1.png", "sick/masks/1_mask.png", "well/2.png", "well/mask/3.png")
    assert found == {"sick": ["sick/1.png"], "well": ["well/2.png", "well/mask/3.png"]}
    assert lines[0] == "mask or another companion of an image, not read: 1, sick/masks/1_mask.png"
    assert len(lines) == 2


def test_archives_beside_folders(classes):
    found, lines = classes("cat/1.png", "cow/1.png", "dog.zip", "more.7z", "readme.md")
    assert list(found) == ["cat", "cow"]
    assert lines == ["archive beside the folders, not unpacked: 2 (.7z, .zip), dog.zip and more.7z"]


def test_folders_without_images(classes):
    found, lines = classes("cat/1.png", "bird/1.heic", "notes/a", "stray.png", "@eaDir/1.png")
    assert list(found) == ["cat"]
    assert lines == [
        "image outside of the class folders, not read: 1, stray.png",
        "file or folder of the system or a tool, not read: 1, @eaDir",
        "folder without images but with files of other formats (.heic), not read: 1, bird",
        "folder without images but with files of other formats (without a suffix), not read: 1, "
        "notes",
    ]


@pytest.mark.parametrize(
    "name", ["a\nb", "a\tb", "\x7f", "\u2028", os.fsdecode(b"caf\xe9"), "\ud800"]
)
def test_names_that_cannot_be_stored(tmp_path, name):
    with pytest.raises(ValueError, match="rename the folder. Received: '") as caught:
        check_names(tmp_path, ["cat", name])
    str(caught.value).encode()


def test_names_that_look_the_same(tmp_path):
    check_names(tmp_path, ["a", "A", "caf\u00e9", "cafe"])
    other = unicodedata.normalize("NFD", "caf\u00e9")
    for pair in (["caf\u00e9", other], ["cat", "cat "], ["a b", "a  b"], ["a b", "a\u00a0b"]):
        with pytest.raises(ValueError, match="differ in more than spaces"):
            check_names(tmp_path, pair)


def test_one_class_folder(tmp_path):
    (tmp_path / "cat").mkdir()
    for name in ("1.png", "cat/1.png", "cat/notes.txt"):
        (tmp_path / name).touch()
    tree = read_tree(tmp_path)
    check_several_folders(tree, tree, ["cat", "dog"])
    with pytest.raises(ValueError, match="two class folders or more.*with cat alone, beside 1.png"):
        check_several_folders(tree, tree, ["cat"])


@pytest.mark.parametrize(
    ("names", "count"),
    [
        (["Cat", "cat", "dog"], 2),
        (["1", "01", "2", "10"], 2),
        (["class 1", "class 001", "Class 2", "class 02"], 4),
        (["0", "00", "10", "100", "c1", "c10"], 2),
        (["cat", "cats", "1.5", "15"], 0),
    ],
)
def test_names_that_differ_in_case_or_zeros(tmp_path, names, count):
    remarks = Remarks(tmp_path)
    note_alike(read_tree(tmp_path), names, remarks)
    assert [f": {count}, " in line for line in remarks.lines()] == [True] * bool(count)
