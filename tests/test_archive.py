"""Zip files from strangers."""

import zipfile

import pytest

from keras_isa.archive import open_archive, read_members


def write(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


GOOD = {"a": b"hello", "b": b"", "more/deep/c": b"x"}


def test_good_members(tmp_path):
    with open_archive(write(tmp_path / "a.zip", GOOD)) as archive:
        assert read_members(archive, ["b", "a"], "more") == GOOD


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"a": b""}, "it has no b"),
        ({**GOOD, "d": b""}, "an unexpected 'd'"),
        ({**GOOD, "more": b""}, "an unexpected 'more'"),
        ({**GOOD, "more/../d": b""}, "an unexpected 'more/../d'"),
        ({**GOOD, "/more/d": b""}, "an unexpected '/more/d'"),
        ({**GOOD, "more/c:d": b""}, "an unexpected 'more/c:d'"),
        ({**GOOD, "more\\d": b""}, "an unexpected"),
    ],
)
def test_other_members_are_refused(tmp_path, members, message):
    with open_archive(write(tmp_path / "a.zip", members)) as archive:
        with pytest.raises(ValueError, match=message):
            read_members(archive, ["a", "b"], "more")


def test_compressed_members_are_refused(tmp_path):
    path = write(tmp_path / "a.zip", {"a": bytes(1000)}, zipfile.ZIP_DEFLATED)
    with open_archive(path) as archive, pytest.raises(ValueError, match="compressed"):
        read_members(archive, ["a"], "more")


def test_damaged_members_are_refused(tmp_path):
    path = write(tmp_path / "a.zip", GOOD)
    path.write_bytes(path.read_bytes().replace(b"hello", b"hallo"))
    with (
        open_archive(path) as archive,
        pytest.raises(zipfile.BadZipFile, match="Bad CRC-32 for file 'a'"),
    ):
        read_members(archive, ["a", "b"], "more")


def test_a_long_list_of_members_is_not_read(tmp_path):
    path = write(tmp_path / "a.zip", {f"{k:0500}": b"" for k in range(2000)})
    with pytest.raises(zipfile.BadZipFile, match="list of members has 1,092,000 bytes"):
        with open_archive(path):
            pass
    # What a member holds may be longer than any list.
    with open_archive(write(path, {"a": bytes(2 << 20)})) as archive:
        assert len(archive.read("a")) == 2 << 20
