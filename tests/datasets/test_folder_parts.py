"""Layouts as archives and tools have them, by the names of empty files."""

import pytest

from keras_isa.datasets.folder_parts import check_class_folders, find_parts, note_divisions
from keras_isa.datasets.folder_tree import read_tree
from keras_isa.datasets.remarks import Remarks


@pytest.fixture
def layout(tmp_path):
    """Writes files and returns where the classes of both parts are, and what is said."""

    def make(*paths):
        for path in paths:
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).touch()
        remarks = Remarks(tmp_path)
        tree = read_tree(tmp_path)
        parts = find_parts(tree, remarks)
        for part in parts:
            if part is not None:
                check_class_folders(tree, part)
        places = [part and part.path.relative_to(tmp_path).as_posix() for part in parts]
        return *places, [line.removeprefix(f"{tmp_path}: ") for line in remarks.lines()]

    return make


def files(*folders, names=("1.png", "2.png")):
    return [f"{folder}/{name}" for folder in folders for name in names]


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("train", "test"),
        ("Train", "Test"),
        ("TRAINING", "TESTING"),
        ("training_set", "test_set"),
        ("trainset", "testset"),
        ("train", "valid"),
        ("train_data", "dev"),
        ("train-images", "val-images"),
        ("asl_train", "asl_test"),
        ("TrainingSet", "ValidationSet"),
    ],
)
def test_names_of_parts(layout, train, test):
    assert layout(*files(*(f"{a}/{b}" for a in (train, test) for b in ("x", "y")))) == (
        train,
        test,
        [],
    )


def test_folders_of_classes(layout):
    assert layout(*files("cat", "train station", "latest")) == (".", None, [])


def test_val_is_not_used_beside_test(layout):
    found = layout(
        *files(*(f"{part}/{name}" for part in ("train", "val", "test") for name in "xy"))
    )
    unused = "image beside the training and the test part, not used: 4, such as val"
    assert found == ("train", "test", [unused])


def test_an_unlabelled_test_part_gives_way_to_val(layout):
    found = layout(*files("train/x", "train/y", "val/x", "val/y", "test"))
    unused = "image beside the training and the test part, not used: 2, such as test"
    assert found == ("train", "val", [unused])


def test_folders_that_hold_one_folder(layout):
    found = layout(
        *files("set/seg_train/seg_train/x", "set/seg_train/seg_train/y"),
        *files("set/seg_test/seg_test/x", "set/seg_test/seg_test/y"),
        *files("set/seg_pred/seg_pred"),
    )
    assert found[:2] == ("set/seg_train/seg_train", "set/seg_test/seg_test")
    assert found[2][0] == "the only folder with images, read in place of its parent: 3, " + (
        "such as set and set/seg_test/seg_test"
    )
    assert "not used: 2, such as set/seg_pred" in found[2][1]


def test_what_lies_beside_the_parts(layout):
    found = layout(*files("train/x", "train/y", "test/x", "__MACOSX/x"), "docs/a.pdf", "stray.png")
    assert found == (
        "train",
        "test",
        [
            "image outside of the class folders, not read: 1, stray.png",
            "file or folder of the system or a tool, not read: 1, __MACOSX",
            "folder without images but with files of other formats (.pdf), not read: 1, docs",
        ],
    )


@pytest.mark.parametrize(
    ("folders", "archive"),
    [
        (["train"], "test.zip"),
        (["Train"], "Test_images.tar.gz"),
        (["test"], "train.rar"),
        (["train", "val"], "test.zip"),
        (["train"], "val.tar"),
        (["set/seg_train"], "set/seg_test.zip"),
    ],
)
def test_a_part_that_is_still_an_archive(layout, folders, archive):
    inside = [f"{folder}/{name}" for folder in folders for name in "xy"]
    with pytest.raises(ValueError, match=f"; unpack {archive}, or move.*with .* beside {archive}"):
        layout(*files(*inside), archive)


@pytest.mark.parametrize("archive", ["val.zip", "test.zip", "train.zip", "dog_test.zip"])
def test_archives_that_are_no_missing_part(layout, archive):
    train, test, lines = layout(*files("train/x", "train/y", "test/x", "test/y"), archive)
    assert (train, test) == ("train", "test")
    assert lines == [f"archive beside the folders, not unpacked: 1, {archive}"]


def test_files_that_divide_the_images(tmp_path):
    named = ["lists/testList.mat", "train.csv", "train_test_split.txt"]
    others = ["labels.csv", "latest.txt", "test.md", "cat/val.txt"]
    for path in (*files("cat", "dog"), *named, *others):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    remarks, tree = Remarks(tmp_path), read_tree(tmp_path)
    note_divisions(tree, tree, remarks)
    (line,) = remarks.lines()
    assert "its split is not used: 3 (.csv, .mat, .txt), such as train.csv and" in line


def test_a_share_of_the_only_part(tmp_path):
    for path in files("train/x", "train/y", "test"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    remarks = Remarks(tmp_path)
    train, test = find_parts(read_tree(tmp_path), remarks, divide=True)
    assert (train.name, test) == ("train", None)
    assert remarks.lines()[0].endswith("not used: 2, such as test")


def test_a_part_alone(layout):
    train, test, lines = layout(*files("Train/x", "Train/y"))
    assert (train, test) == ("Train", None)
    assert lines == ["the only part, of which a share becomes the test part: 1, Train"]


NUMBERED = ("0.png", "1.png")


@pytest.mark.parametrize(
    "paths",
    [
        files("mask", "no_mask", names=NUMBERED),
        files("bottle", "mask", "shoe", names=NUMBERED),
        [*files("label", names=("a.png", "b.png")), *files("box", names=NUMBERED)],
        [*files("cat_mask", names=("a.png", "b.png")), *files("cat", names=NUMBERED)],
    ],
)
def test_classes_with_the_names_of_masks(layout, paths):
    assert layout(*paths) == (".", None, [])


def test_a_class_called_train(layout):
    train, test, lines = layout(*files("bus", "plane", "train"))
    assert (train, test) == (".", None)
    assert lines == ["class folder with the name of a part, read as a class: 1, train"]


@pytest.mark.parametrize(
    "names",
    [
        *(["class_1", "class_2"], ["c0", "c1"], ["0", "1"], ["n01440764", "n01443537"]),
        *(["category1", "category2"], ["type_a", "type_b"], ["001.Albatross", "002.Auk"]),
        *(["100", "101"], ["20190101", "20190102"], ["banana_split", "lane_split"]),
        *(["photo", "picture"], ["data_a", "image_b"], ["photos_1", "cat"], ["100APPLE", "cat"]),
    ],
)
def test_numbered_classes(layout, names):
    assert layout(*files(*names), "labels.csv") == (".", None, [])


CATS = ("cat.0.jpg", "cat.1.jpg", "dog.0.jpg", "dog.1.jpg")
REFUSED = {
    "cats and dogs": (
        [*files("train", names=CATS), *files("test1")],
        r"in each part.*class folders in test1, train, whose file names .*\(cat, dog\)",
    ),
    "flat parts": (files("train", "val", "test"), "without class folders in test, train, val"),
    "one flat part": (files("train"), "without class folders in train"),
    "flat test": (
        files("train/x", "train/y", "test"),
        r"or pass a `split` \(--split 0.2\).*with test, train, without class folders in test",
    ),
    "one flat test": (
        files("asl_train/x", "asl_train/y", "asl_test/asl_test"),
        "without class folders in asl_test",
    ),
    "test beside classes": (files("cat", "dog", "test"), "rename a class .*test beside cat, dog"),
    "no train": (files("test/x", "test/y", "val/x", "val/y"), "no train/CLASS/FILE beside test"),
    "twice": (
        files("train/x", "training/x", "test/x"),
        "train, training, which all mean the same part",
    ),
    "masks": (files("images", "masks"), "folders images, masks"),
    "one role": (files("cat", "dog", "unlabeled"), "or rename a folder that is a class"),
    "masks and labels": (files("label", "mask"), "rename a folder that is a class.*label, mask"),
    "labels of one folder": (files("box", "label"), "rename the images of a folder that is a cl"),
    "masks of one folder": (
        [*files("photos", names=("0_rgb.png",)), *files("photo masks", names=("0.png",))],
        "remove masks, .*; photo masks seems to hold masks",
    ),
    "masks of all classes": (
        files("cat", "dog", "mask/cat", "mask/dog"),
        "remove masks, .*; mask seems to hold masks",
    ),
    "too deep": (
        files("a/b/c/d/e/f/g/h/i/j"),
        r"or an .npz file. Received.*without images, searched 8 folders deep",
    ),
    "masks of parts": (files("train_images", "train_masks"), "train_images beside train_masks"),
    "boxes": (
        [*files("images"), *files("labels", names=("1.txt", "2.txt"))],
        "folders images beside labels/1.txt",
    ),
    "boxes in parts": (
        [*files("train/images", "valid/images"), *files("train/labels", names=("1.txt",))],
        "folders images beside labels/1.txt",
    ),
    "boxes of another tool": (
        [*files("JPEGImages"), *files("Annotations", names=("1.xml",))],
        "folders JPEGImages beside Annotations/1.xml",
    ),
    "a table": ([*files("images"), "labels.csv"], "folders images beside labels.csv"),
    "flat with a list": (
        ["1.png", "2.png", "annotations.json"],
        "without class folders beside annotations.json",
    ),
    "breeds": (
        files("images", names=("Abyssinian_1.jpg", "pug_1.jpg")),
        "each class.*folders images",
    ),
    "flat names": (
        list(CATS),
        r"without class folders, whose file names seem to begin with the class \(cat, dog\)",
    ),
    "folds": (
        files("fold1", "fold2", "fold10"),
        "rename a folder that is a class.*fold1, fold10, fold2, which look like folds",
    ),
    "HAM10000": (
        [*files("HAM_images_part_1", "HAM_images_part_2"), "HAM_metadata.csv"],
        "part_2, which look like parts of one set of images .* classes, beside HAM_metadata.csv",
    ),
    "NIH": (
        [*files("images_001/images", "images_002/images"), "Data_Entry_2017.csv"],
        "images_002, which look like parts of one set .* beside Data_Entry_2017.csv",
    ),
    "pools": (files("images1", "images2", "images3"), "which look like parts of one set"),
    "pools from zero": (files("imgs_0", "imgs_1"), "which look like parts of one set"),
    "pools with letters": (files("data_a", "data_b"), "which look like parts of one set"),
    "copies": (files("photos", "photos (1)"), "which look like parts of one set"),
    "cameras": (files("DCIM/100APPLE", "DCIM/101_PANA"), "which look like parts of one set"),
    "months": (files("202401__", "202402__"), "which look like parts of one set"),
    "Takeout": (
        files("Takeout/Photos from 2019", "Takeout/Photos from 2020"),
        "which look like parts of one set",
    ),
    "cells": (
        files("cell_images/sick", "cell_images/well", "sick", "well"),
        "pass cell_images alone, or move it.* with sick, well both at the top and in cell_images",
    ),
    "the set in deeper folders": (
        files("train/a", "train/b", "train/set/all/A", "train/set/all/B", "test/a"),
        "pass train/set/all alone.* with a, b both in train and in train/set/all",
    ),
    "a class in another one": (files("cat", "cat/dog", "dog"), "dog both at the top and in cat"),
    "nothing": (["readme.md"], r"or an .npz file.*files of other formats \(.md\)"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_layouts_without_classes_are_refused(layout, case):
    paths, message = REFUSED[case]
    with pytest.raises(ValueError, match=message) as caught:
        layout(*paths)
    assert "\n" not in str(caught.value) and str(caught.value).startswith("`source` must")
