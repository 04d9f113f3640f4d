"""Folders of pictures, one for each class."""

import numpy as np
import pytest
from PIL import Image

from keras_isa.asset.foreign.image_folders import read_folder

NAMES = ("cat", "dog", "owl")


def fill(folder, names, size=(4, 4)):
    for number, name in enumerate(names):
        (folder / name).mkdir()
        for k in range(2):
            Image.new("RGB", size, (60 * number, k, 0)).save(folder / name / f"id{k:03}.png")
    return folder


@pytest.mark.parametrize(
    "names",
    [NAMES, ("new000", "new001", "new002"), ("00000", "1", "2"), ("0_cat", "1_dog", "2_owl")],
)
def test_classes_are_told_by_name_or_number(tmp_path, names):
    found = read_folder(fill(tmp_path, names), NAMES, (4, 4, 3))
    assert found.images.shape == (6, 4, 4, 3) and found.images.dtype == np.uint8
    np.testing.assert_array_equal(found.labels, [0, 0, 1, 1, 2, 2])
    np.testing.assert_array_equal(
        found.images[:, 0, 0], [(60 * (k // 2), k % 2, 0) for k in range(6)]
    )


def test_names_of_classes_count_in_their_own_order(tmp_path):
    found = read_folder(fill(tmp_path, ("cat", "dog", "owl")), ("owl", "dog", "cat"), (4, 4, 3))
    np.testing.assert_array_equal(found.images[:, 0, 0, 0], [120, 120, 60, 60, 0, 0])


def test_colours_are_not_made_grey(tmp_path):
    with pytest.raises(ValueError, match="show colours, as cat/id001.png; the data are grey"):
        read_folder(fill(tmp_path, NAMES), NAMES, (4, 4, 1))
    for file in tmp_path.rglob("*.png"):
        Image.new("RGB", (4, 4), (9, 9, 9)).save(file)
    assert read_folder(tmp_path, NAMES, (4, 4, 1)).images.shape == (6, 4, 4, 1)


def test_what_does_not_suit_is_refused(tmp_path):
    one, two, three, four = (tmp_path / name for name in "abcd")
    for folder in (one, two, three, four):
        folder.mkdir()
    with pytest.raises(ValueError, match="must be the classes cat, dog, owl.*it has fox"):
        read_folder(fill(one, ("cat", "fox")), NAMES, (4, 4, 3))
    with pytest.raises(ValueError, match="no picture of the class 'owl'"):
        read_folder(fill(two, ("cat", "dog")), NAMES, (4, 4, 3))
    with pytest.raises(ValueError, match=r"shape of the data, \(5, 4, 3\); cat/id000.png has"):
        read_folder(fill(three, NAMES), NAMES, (5, 4, 3))
    fill(four, NAMES)
    (four / "owl" / "notes.txt").touch()
    assert read_folder(four, NAMES, (4, 4, 3)).unused == ("1 files that are no pictures",)
    (four / "owl" / "id000.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match="undamaged images"):
        read_folder(four, NAMES, (4, 4, 3))
