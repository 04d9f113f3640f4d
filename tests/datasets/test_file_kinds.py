"""Files are known by their first bytes."""

import pickle
import tarfile

import pytest

from keras_isa.datasets.file_kinds import archive_stem, kind_of_content


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "an empty file"),
        (pickle.dumps([1]), "a pickle"),
        (b"\x80\x09", None),
        (b"\x80", None),
        (b"\n<!DOCTYPE html><html>", "a web page"),
        (b"\x1f\x8b\x08", "a gzip file"),
        (b"\x89HDF\r\n", "an HDF5 file"),
        (b"PK\x03\x04", "a zip file"),
        (b"x_train\n", None),
    ],
)
def test_kinds(tmp_path, content, kind):
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    found = kind_of_content(path)
    assert found == kind if kind is None else found.startswith(kind)


@pytest.mark.parametrize(
    ("name", "stem"),
    [("a.zip", "a"), ("A.1.TAR.GZ", "A.1"), ("a.rar", "a"), ("a.npz", None), ("zip", None)],
)
def test_archives_by_name(name, stem):
    assert archive_stem(name) == stem


def test_tar(tmp_path):
    with tarfile.open(tmp_path / "a", "w") as archive:
        archive.add(__file__, "b")
    assert kind_of_content(tmp_path / "a") == "a tar file"
