import warnings

import numpy as np
import pytest
from PIL import Image

from keras_isa.datasets.downloads.common import (
    check_exists,
    drop_unused_classes,
    file_shape,
    part_from_arrays,
    parts_from_listed_files,
    path_inside,
    read_table,
    warn_not_used,
)
from keras_isa.datasets.parts import Parts


def test_classes_without_training_images_are_dropped():
    images = np.arange(5, dtype="uint8").reshape(5, 1, 1, 1)
    train = part_from_arrays(images[:3], np.array([3, 1, 1]))
    test = part_from_arrays(images[3:], np.array([1, 2]))
    whole = Parts("a/set", tuple("abcd"), (1, 1, 1), np.dtype("uint8"), train, test)
    with pytest.warns(UserWarning, match="^set: class a, class c not used; .* so 1 test images of"):
        used = drop_unused_classes(whole)
    assert used.class_names == ("b", "d")
    assert used.train.labels.tolist() == [1, 0, 0] and used.test.labels.tolist() == [0]
    assert [int(image[0, 0, 0]) for image in used.test] == [3]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert drop_unused_classes(used) is used
        warn_not_used("set", [], "there are none")


def test_files_of_several_sizes_and_colours(tmp_path):
    grey, colour = tmp_path / "grey.png", tmp_path / "colour.png"
    Image.new("L", (3, 2)).save(grey)
    Image.new("RGB", (2, 2), (9, 5, 1)).save(colour)
    assert file_shape([grey]) == (2, 3, 1)
    assert file_shape([grey, colour]) == (None, None, 3)
    parts = parts_from_listed_files("set", ["a"], [(grey, 0), (colour, 0)])
    assert parts.test is None and [image.shape for image in parts.train] == [(2, 3, 3), (2, 2, 3)]
    (tmp_path / "no.png").write_bytes(b"no image")
    with pytest.raises(ValueError, match="undamaged images of eight bits .*no.png"):
        file_shape([tmp_path / "no.png"])


def test_columns_of_a_table(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("Filename;Width;ClassId\n00.png;20;7\n\n01.png;30;3\n")
    rows = read_table(path, ("ClassId", "Filename"), delimiter=";")
    assert rows == [["7", "00.png"], ["3", "01.png"]]
    with pytest.raises(ValueError, match="labels.csv .it has no column Path"):
        read_table(path, ("Path",), delimiter=";")


def test_files_that_a_list_names(tmp_path):
    (tmp_path / "set").mkdir()
    assert path_inside(tmp_path / "set", "a/../b.png") == tmp_path / "set" / "a/../b.png"
    for name in ("../b.png", "/b.png", "a\0.png"):
        with pytest.raises(ValueError, match="must list only files inside of its folder"):
            path_inside(tmp_path / "set", name)
    assert check_exists(tmp_path / "set") == tmp_path / "set"
    with pytest.raises(ValueError, match="must be complete. Received: no b.png in"):
        check_exists(tmp_path / "b.png")
