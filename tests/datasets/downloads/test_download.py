import pytest

from keras_isa.datasets.downloads.download import (
    Download,
    find_folders,
    find_only_folder,
    folders_in,
    reading,
)


def has_set(folder):
    return (folder / "set.bin").exists()


@pytest.fixture
def folders(tmp_path):
    """Writes the file of a set into some folders, and returns their parent."""

    def write(*names):
        for name in (*names, "__MACOSX", ".git"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "set.bin").touch()
        return tmp_path

    return write


def test_the_folder_of_a_set_is_found_one_folder_deeper(folders):
    path = folders("b", "a")
    assert folders_in(path) == [path / "a", path / "b"]
    assert find_folders(path, has_set) == [path / "a", path / "b"]
    with pytest.raises(ValueError, match="`source` must be one image set; .*in a and in b"):
        find_only_folder(path, has_set)
    assert find_only_folder(path / "a", has_set) == path / "a"
    assert find_only_folder(path / "none", has_set) is None
    download = Download("set", "set.zip", lambda top: top, has_set, "a folder with set.bin")
    assert download.recognise(path) and download.open(path / "a") == path / "a"
    with pytest.raises(ValueError, match="`source` must be a folder with set.bin. Received: .*non"):
        download.open(path / "none")


def test_errors_name_the_file(tmp_path):
    file = tmp_path / "set.bin"
    with pytest.raises(ValueError, match="must be complete. Received: no file .*set.bin"):
        with reading(file):
            pass
    file.write_bytes(b"\0\0")
    with pytest.raises(ValueError, match=r"must be undamaged. Received: .*set.bin \(too short\)"):
        with reading(file) as opened:
            assert opened == file
            raise EOFError("too short")
    file.write_bytes(b"version https://git-lfs.github.com/spec/v1")
    with pytest.raises(ValueError, match="only a pointer of Git LFS"):
        with reading(file):
            raise ValueError


def test_a_key_is_refused_unless_there_are_several_kinds_of_labels(tmp_path):
    one = Download("stl10", "stl10.zip", lambda path: path)
    assert one.open(tmp_path) == tmp_path
    with pytest.raises(ValueError, match="`key` must be None for stl10. Received: key='fine'"):
        one.open(tmp_path, "fine")
    several = Download("cifar100", "cifar.zip", lambda path, key: key, has_keys=True)
    assert several.open(tmp_path, "fine") == "fine"
