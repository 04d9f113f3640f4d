import gzip
import io
import shutil
import tarfile
import zipfile

import numpy as np
import pytest

from keras_isa.datasets.downloads.archives import is_archive, unpacked


def tar(path, *members, mode="w"):
    with tarfile.open(path, mode) as archive:
        for name, data, kind, link in members:
            member = tarfile.TarInfo(name)
            member.size, member.type, member.linkname = len(data), kind, link
            archive.addfile(member, io.BytesIO(data))
    return path


def refused(path, reason):
    before = sorted(path.parent.iterdir())
    with pytest.raises(ValueError, match=f"undamaged archive.*{path.name}.*{reason}") as caught:
        with unpacked(path, path.parent):
            pass
    assert "\n" not in str(caught.value)
    assert sorted(path.parent.iterdir()) == before


@pytest.mark.parametrize(
    "suffix",
    [".zip", ".tar", ".tar.gz", ".TGZ", ".tar.bz2", ".tbz2", ".tbz", ".tar.xz", ".txz"],
)
def test_what_is_packed_comes_out_and_is_gone_afterwards(tmp_path, suffix):
    content = tmp_path / "content"
    (content / "a" / "b").mkdir(parents=True)
    (content / "a" / "b" / "large").write_bytes(bytes(range(256)) * 5000)
    (content / "empty").write_bytes(b"")
    end = suffix.lower().removeprefix(".tar.").strip(".")
    kind = {"tgz": "gztar", "zip": "zip", "tar": "tar"}.get(end, f"{end.strip('t2')[:2]}tar")
    made = shutil.make_archive(tmp_path / "made", kind, content)
    # The content says what it is, also without a suffix and with the suffix of another archive.
    for name in (f"set{suffix}", "set", "set.tar.gz" if end == "zip" else "set.zip"):
        path = made = shutil.move(made, tmp_path / name)
        assert is_archive(path)
        with unpacked(path, tmp_path) as folder:
            assert (folder / "a" / "b" / "large").read_bytes() == bytes(range(256)) * 5000
            assert (folder / "empty").read_bytes() == b""
            assert folder.name == path.name
        assert not folder.exists()


def test_files_without_a_suffix_that_are_no_archives(tmp_path):
    np.savez(tmp_path / "a.npz", x=[1])
    (tmp_path / "a.npz").rename(tmp_path / "arrays")
    (tmp_path / "idx").write_bytes(gzip.compress(bytes(600)))
    (tmp_path / "cut").write_bytes(b"PK\x03\x04 and nothing else")
    assert not any(is_archive(tmp_path / name) for name in ("arrays", "idx", "cut", "none", "."))


def test_a_web_page_is_named(tmp_path):
    (tmp_path / "set.zip").write_text("<!DOCTYPE html><html></html>")
    refused(tmp_path / "set.zip", "a web page")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../marker", "leads out of the archive"),
        ("a/../../marker", "leads out of the archive"),
        ("/marker", "leads out of the archive"),
        ("..\\marker", "has the character '.*', which is not allowed; unpack it and pass"),
        ("C:x", "has the character ':', which is not allowed"),
    ],
)
def test_names_outside_are_refused(tmp_path, name, reason):
    inner = tmp_path / "inner"
    inner.mkdir()
    refused(tar(inner / "set.tar", (name, b"a", tarfile.REGTYPE, "")), reason)
    with zipfile.ZipFile(inner / "set.zip", "w") as archive:
        archive.writestr(name, b"a")
    refused(inner / "set.zip", reason)
    assert [path.name for path in tmp_path.iterdir()] == ["inner"]


LINK, NEITHER = "holds links, such as 'a'; unpack it and pass the folder", "neither a file nor a f"


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (tarfile.SYMTYPE, LINK),
        (tarfile.LNKTYPE, LINK),
        (tarfile.CHRTYPE, NEITHER),
        (tarfile.FIFOTYPE, NEITHER),
    ],
)
def test_links_and_devices_are_refused(tmp_path, kind, reason):
    refused(tar(tmp_path / "set.tar", ("a", b"", kind, "/etc/hosts")), reason)


def test_links_in_a_zip_file_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        member = zipfile.ZipInfo("a")
        member.external_attr = 0o120777 << 16
        archive.writestr(member, "/etc/hosts")
    refused(tmp_path / "set.zip", LINK)


def test_a_password(tmp_path):
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", b"a")
    content = bytearray(path.read_bytes())
    for start, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.find(start) + place] |= 1
    path.write_bytes(content)
    refused(path, "it has a password; unpack it and pass the folder")


def test_bombs_are_refused_before_they_grow(tmp_path, monkeypatch):
    zeros = bytes(40_000_000)
    refused(
        tar(tmp_path / "set.tar.gz", ("a", zeros, tarfile.REGTYPE, ""), mode="w:gz"),
        "expands more than 100 times",
    )
    with zipfile.ZipFile(tmp_path / "set.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", zeros)
    refused(tmp_path / "set.zip", "expands more than 100 times")
    path = tar(tmp_path / "set.tar", ("a", bytes(2000), tarfile.REGTYPE, ""))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(9, 9, 1000))
    refused(path, "needs more than the 0.0 GB that are free in")


def test_a_header_that_asks_for_more_is_refused(tmp_path):
    member = tarfile.TarInfo("a")
    member.type, member.size = tarfile.XHDTYPE, 1 << 33
    (tmp_path / "set.tar").write_bytes(member.tobuf(tarfile.GNU_FORMAT) + bytes(4096))
    refused(tmp_path / "set.tar", "header asks for 8,589,934,592 bytes")


def test_a_member_that_is_there_twice_is_refused(tmp_path):
    first, inner = (("a", b"a", tarfile.REGTYPE, ""), ("a/b", b"b", tarfile.REGTYPE, ""))
    folder = ("a", b"", tarfile.DIRTYPE, "")
    for second in (first, inner, folder):
        refused(tar(tmp_path / "set.tar", first, second), "it has set.tar/a.* twice; unpack it")
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive, pytest.warns(match="Duplicate"):
        for name in ("a", "a"):
            archive.writestr(name, b"a")
    refused(tmp_path / "set.zip", "it has set.zip/a twice; unpack it and pass the folder")


def test_two_archives_in_a_row_are_refused(tmp_path):
    members = [(name, b"a" * 700, tarfile.REGTYPE, "") for name in "abc"]
    for end in ("", ".gz", ".bz2", ".xz"):
        mode = f"w:{end.strip('.')}"
        whole = tar(tmp_path / "one.tar", *members, mode=mode).read_bytes()
        path = tmp_path / f"set.tar{end}"
        path.write_bytes(whole + whole)
        refused(path, "there are bytes after its end, maybe another archive")
    with zipfile.ZipFile(tmp_path / "one.zip", "w") as archive:
        archive.writestr("a", b"a")
    whole = (tmp_path / "one.zip").read_bytes()
    (tmp_path / "set.zip").write_bytes(whole + whole)
    refused(tmp_path / "set.zip", f"{len(whole)} bytes before its first member")


@pytest.mark.parametrize("place", [512 + 1024, 512 + 1024 + 100, 3 * (512 + 1024)])
def test_a_tar_file_that_ends_early_is_refused(tmp_path, place):
    members = [(name, b"a" * 700, tarfile.REGTYPE, "") for name in "abc"]
    whole = tar(tmp_path / "set.tar", *members).read_bytes()
    (tmp_path / "set.tar").write_bytes(whole[:place])
    refused(tmp_path / "set.tar", "cut off, or damaged after its first members")


def test_a_damaged_header_is_not_the_end(tmp_path):
    members = [(name, b"a" * 700, tarfile.REGTYPE, "") for name in "abc"]
    data = bytearray(tar(tmp_path / "set.tar", *members).read_bytes())
    data[512 + 1024] ^= 1
    (tmp_path / "set.tar").write_bytes(data)
    refused(tmp_path / "set.tar", "cut off, or damaged after its first members")


def encoded(path, encoding, *names):
    """A zip file that does not say how its names are encoded."""

    class Member(zipfile.ZipInfo):
        def _encodeFilenameFlags(self):  # noqa: N802
            return self.filename.encode(encoding), self.flag_bits & ~0x800

    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(Member(name), b"a")
    return path


def find_class_names(path):
    with unpacked(path, path.parent) as folder:
        return sorted(one.relative_to(folder).as_posix() for one in folder.rglob("*.png"))


def test_names_of_an_encoding_that_is_not_told(tmp_path):
    names = ["B\u00e4r/1.png", "cat/1.png", "\u732b/1.png"]
    assert find_class_names(encoded(tmp_path / "a.zip", "utf-8", *names)) == sorted(names)
    with pytest.warns(UserWarning, match=r"b.zip: .*cp437, which.*: B\u00e4r/1.png$") as caught:
        assert find_class_names(encoded(tmp_path / "b.zip", "cp437", *names[:2])) == names[:2]
    assert len(caught) == 1
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        archive.writestr("\u251c\u00f1/1.png", b"a")  # in cp437 it would be an a with dots
    assert find_class_names(tmp_path / "c.zip") == ["\u251c\u00f1/1.png"]
