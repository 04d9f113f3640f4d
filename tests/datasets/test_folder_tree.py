import pytest

from keras_isa.datasets.folder_tree import is_system, read_tree


def test_images_other_files_and_what_systems_leave(tmp_path):
    for name in ("b.PNG", "a.jfif", "c.heic", "d", ".DS_Store", "Thumbs.db", "._a.png"):
        (tmp_path / name).touch()
    for name in ("cat", "__MACOSX", "@eaDir", "lost+found", ".git", "$RECYCLE.BIN", "Thumbnails"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").touch()
    (tmp_path / "cat" / "photo.jpg").mkdir()  # a folder, whatever its name
    tree = read_tree(tmp_path)
    assert [path.name for path in tree.images] == ["a.jfif", "b.PNG"]
    assert [path.name for path in tree.others] == ["c.heic", "d"]
    assert [folder.name for folder in tree.folders] == ["cat"]
    assert len(tree.system) == 9 and tree.count == 3
    assert [folder.name for folder in tree.walk()][1:] == ["cat", "photo.jpg"]


@pytest.mark.parametrize("name", ["cat", "#1", "$", "@", "train", "recycling", "thumb"])
def test_names_of_classes_are_none_of_the_system(name):
    assert not is_system(name)


def test_folders_that_are_not_looked_into(tmp_path):
    deep = tmp_path.joinpath(*"abcdefgh")
    (deep / "i").mkdir(parents=True)
    for folder in (deep, deep / "i"):
        (folder / "1.png").touch()
    tree = read_tree(tmp_path)
    assert tree.all_images == [deep / "1.png"]
    assert [path for one in tree.walk() for path in one.too_deep] == [deep / "i"]


def test_links_in_a_circle_end(tmp_path):
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "1.png").touch()
    (tmp_path / "cat" / "up").symlink_to(tmp_path)
    (tmp_path / "dog").symlink_to(tmp_path / "cat")
    tree = read_tree(tmp_path)
    assert [folder.name for folder in tree.with_images] == ["cat", "dog"] and tree.count == 2
    assert not any(one.too_deep for one in tree.walk())
