import os
import stat
from pathlib import Path

import pytest

from keras_isa.files import atomic_path, check_writable, checked_path, safe_file_name


def test_success_replaces_the_file_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with atomic_path(path) as temporary:
        assert temporary.parent == tmp_path and temporary.suffix == ".txt" and temporary != path
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_failure_keeps_the_old_file_and_removes_the_temporary(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="half way"):
        with atomic_path(str(path)) as temporary:
            temporary.write_text("ne")
            raise RuntimeError("half way")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_permissions_are_those_of_a_new_file(tmp_path):
    plain, atomic = tmp_path / "plain", tmp_path / "atomic"
    plain.write_text("")
    with atomic_path(atomic) as temporary:
        temporary.write_text("")
    assert stat.S_IMODE(atomic.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


def test_relative_path_in_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_writable("a.npz")
    with atomic_path("a.npz") as temporary:
        temporary.write_bytes(b"x")
    assert Path("a.npz").read_bytes() == b"x"


def test_a_good_path_passes_and_leaves_nothing(tmp_path):
    check_writable(tmp_path / "a.keras")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "a.keras").write_text("")
    check_writable(str(tmp_path / "a.keras"))


def test_bad_paths_are_told_apart(tmp_path):
    (tmp_path / "file").write_text("")
    cases = [
        (tmp_path / "none" / "a", True, "must lie in an existing folder"),
        (tmp_path / "file" / "a", True, "is a file"),
        (tmp_path, True, "must be a file, not a folder"),
        (tmp_path / "file", False, "already exists"),
    ]
    for path, overwrite, message in cases:
        with pytest.raises(ValueError, match=message) as caught:
            check_writable(path, overwrite)
        assert str(path) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs a folder nobody can write to")
def test_a_folder_that_refuses_files():
    with pytest.raises(ValueError, match=r"`path` must be writable \("):
        check_writable("/proc/self/a.npz")


def test_a_name_fits_into_a_folder():
    assert safe_file_name("a/b\\c: d.e-f") == "a_b_c_d.e-f"
    for letter in "e\u00e9\u65e5":  # of one, two and three bytes
        size = len(letter.encode())
        assert safe_file_name(letter * 100) == letter * (80 // size)


def test_an_empty_text_is_not_the_current_folder():
    with pytest.raises(ValueError, match="`path` must not be empty. Received: path=''"):
        checked_path("")
