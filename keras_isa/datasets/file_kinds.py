"""What a file is by its first bytes, whatever its name says."""

from __future__ import annotations

import os

# Suffixes of the archives that are read, and of others.
ARCHIVES = tuple(".zip .tar .tar.gz .tgz .tar.bz2 .tbz2 .tbz .tar.xz .txz".split())
OTHER_ARCHIVES = tuple(
    ".rar .7z .tar.zst .tzst .tar.lz4 .tar.lzma .tlz .tar.z .taz .tar.br .tar.lz .zipx .cab .iso "
    ".dmg".split()
)
_TAR_PLACE = 257
_PICKLE = "a pickle, which can run any code when it is loaded"
_KINDS = {
    # The second byte of a pickle is its protocol.
    **dict.fromkeys((b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"), _PICKLE),
    b"PK\x03\x04": "a zip file",
    b"PK\x05\x06": "an empty zip file",
    b"\x1f\x8b": "a gzip file",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ\0": "an xz file",
    b"\x28\xb5\x2f\xfd": "a Zstandard file",
    b"\x04\x22\x4d\x18": "an LZ4 file",
    b"\x1f\x9d": "a file of compress (.Z)",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"\x93NUMPY": "a single .npy array",
    b"\x89HDF": "an HDF5 file",
    b"PAR1": "a Parquet file",
    b"ARROW1": "an Arrow file",
    b"SQLite format 3": "an SQLite database",
    b"MATLAB 5.0": "a MATLAB file",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"%PDF": "a PDF document",
    b"version https://git": "only a pointer of Git LFS; `git lfs pull` downloads the file itself",
}
_WEB_PAGE = "a web page, such as the page of a download; download the file itself"


def kind_of_content(path: str | os.PathLike[str]) -> str | None:
    """Returns what a file is in a few words, or `None` if its first bytes do not say it.

    Args:
        path: An existing file.

    Example:

    >>> import tempfile
    >>> from keras_isa.datasets.file_kinds import kind_of_content
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     kind_of_content(file.name)
    'an empty file'
    """
    with open(path, "rb") as file:
        head = file.read(512)
    if not head:
        return "an empty file"
    if is_tar(head):
        return "a tar file"
    if head.lstrip()[:14].lower().startswith((b"<!doctype html", b"<html")):
        return _WEB_PAGE
    return next((kind for magic, kind in _KINDS.items() if head.startswith(magic)), None)


def archive_stem(name: str) -> str | None:
    """Returns the name of an archive without its suffix, or `None` for another file.

    Example:

    >>> from keras_isa.datasets.file_kinds import archive_stem
    >>> archive_stem("test.tar.gz"), archive_stem("test.csv")
    ('test', None)
    """
    ends = (end for end in ARCHIVES + OTHER_ARCHIVES if name.lower().endswith(end))
    return next((name[: -len(end)] for end in ends), None)


def is_tar(head: bytes) -> bool:
    """Returns whether the first 512 bytes of a file are the header of a tar file."""
    return head[_TAR_PLACE : _TAR_PLACE + 5] == b"ustar"
