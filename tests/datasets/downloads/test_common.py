import warnings

import numpy as np
import pytest

from keras_isa.datasets.downloads.common import (
    check_exists,
    drop_unused_classes,
    files_by_class,
    part_from_arrays,
    path_inside,
    read_table,
    warn_not_used,
)
from keras_isa.datasets.parts import Parts


def test_classes_without_training_images_are_dropped():
    images = np.arange(5, dtype="uint8").reshape(5, 1, 1, 1)
    train = part_from_arrays(images[:3], np.array([3, 1, 1]))
    test = part_from_arrays(images[3:], np.array([1, 2]))
    whole = Parts("a/set", tuple("abcd"), (1, 1, 1), train, test)
    with pytest.warns(UserWarning, match="^a/set: class a, class c not used.* so 1 test images"):
        used = drop_unused_classes(whole)
    assert used.class_names == ("b", "d")
    assert used.train.labels.tolist() == [1, 0, 0] and used.test.labels.tolist() == [0]
    assert [int(image[0, 0, 0]) for image in used.test] == [3]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert drop_unused_classes(used) is used
        warn_not_used("set", [], "there are none")


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


def test_a_folder_for_each_class(tmp_path):
    for name in ("b/2.png", "b/1.jpg", "b/notes.txt", "a/1.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    b, a = tmp_path / "b", tmp_path / "a"
    assert files_by_class([b, a]) == [(b / "1.jpg", 0), (b / "2.png", 0), (a / "1.png", 1)]
    with pytest.raises(ValueError, match="must be complete. Received: no 1.png in"):
        files_by_class([a, a / "1.png"])
