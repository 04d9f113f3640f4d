"""Zip archives from strangers: their members are checked before any of them is used."""

from __future__ import annotations

import io
import os
import zipfile
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath

# Bytes; the list of members of a real archive has a few hundred.
_LONGEST_LIST = 1 << 20


@contextmanager
def open_archive(
    path: str | os.PathLike, longest_list: int = _LONGEST_LIST
) -> Iterator[zipfile.ZipFile]:
    """Opens a zip file, unless its list of members alone would fill the memory.

    Args:
        path: The file.
        longest_list: Bytes that the list may have.

    Yields:
        The `ZipFile`.

    Raises:
        zipfile.BadZipFile: If it is no zip file, or its list of members is too long.

    Example:

    >>> import pathlib, tempfile, zipfile
    >>> import keras_isa
    >>> from keras_isa.archive import open_archive
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "a.zip"
    ...     with zipfile.ZipFile(path, "w") as archive:
    ...         archive.writestr("note.txt", "hello")
    ...     with open_archive(path) as archive:
    ...         archive.namelist()
    ['note.txt']
    """
    with _Reader(io.FileIO(path)) as file:
        file.most = longest_list
        with zipfile.ZipFile(file) as archive:
            file.most = None
            yield archive


class _Reader(io.BufferedReader):
    """A file of which not more than `most` bytes can be read at once."""

    most: int | None = None

    def read(self, size: int | None = -1, /) -> bytes:
        if self.most is not None and size is not None and size > self.most:
            raise zipfile.BadZipFile(f"its list of members has {size:,} bytes")
        return super().read(size)


def read_members(archive: zipfile.ZipFile, names: Collection[str], folder: str) -> dict[str, bytes]:
    """Reads an archive that is made of certain members, stored as they are and undamaged.

    Members that are not compressed cannot be larger than the file, so this bounds the memory that
    they take. Each is read once, so that what its checksum was compared with is what is returned.

    Args:
        archive: The open archive.
        names: The members that there must be.
        folder: Name of a folder inside of which there may be others.

    Returns:
        The bytes of every member by its name.

    Raises:
        ValueError: If a member is missing, unexpected, there twice, has a name that leads out of
            the folder, is compressed, or has another size than it says.
        zipfile.BadZipFile: If one is damaged.
    """
    members = archive.infolist()
    found = Counter(member.filename for member in members)
    missing = sorted(set(names) - set(found))
    if missing:
        raise ValueError(f"it has no {missing[0]}")
    for name, times in found.items():
        if times > 1:
            raise ValueError(f"it has {name!r} twice")
        if name not in names and not _is_inside(name, folder):
            raise ValueError(f"it has an unexpected {name!r}")
    if any(m.compress_type or m.file_size != m.compress_size for m in members):
        raise ValueError("a member is compressed, or has another size than it says")
    size = archive.fp.seek(0, os.SEEK_END)
    if sum(member.file_size for member in members) > size:
        raise ValueError("its members overlap")
    return {member.filename: archive.read(member) for member in members}


def _is_inside(name: str, folder: str) -> bool:
    """Whether a member lies in a folder of the archive on every system."""
    parts = PurePosixPath(name).parts
    plain = not set(name) & set("\\:\0") and ".." not in parts
    return plain and len(parts) > 1 and parts[0] == folder
