"""Archives that are not trusted, unpacked to a temporary folder within limits."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import shutil
import stat
import tarfile
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from keras_isa.archive import open_archive
from keras_isa.datasets.expansion import IMAGES
from keras_isa.datasets.file_kinds import ARCHIVES, is_tar, kind_of_content
from keras_isa.datasets.remarks import UNPACKED, shown_path
from keras_isa.inputs.class_names import first_ten
from keras_isa.inputs.text import one_line

# The first bytes of a compressed file, and the function that opens it.
_COMPRESSED: dict[bytes, Callable[[Path], BinaryIO]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
}
# Ends of the words of `kind_of_content` for the archives that are read.
_READ = (" zip file", " gzip file", " bzip2 file", " xz file", " tar file")
_ZIP = b"PK\x03\x04"

_MAX_MEMBERS = 1 << 21
# Limits in bytes: for the list of members of a zip file, and for one read of a tar file.
_MAX_LIST = 1 << 26
_MAX_READ = 1 << 20
_MAYBE_ANOTHER = "maybe another archive; unpack both, and pass the folder"
_ENCRYPTED, _UTF8 = 0x1, 0x800  # flags of a member of a zip file
_UNPACK = "unpack it and pass the folder"


def is_archive(path: str | os.PathLike[str]) -> bool:
    """Returns whether `path` is an archive that `unpacked` can read.

    A file without a suffix counts if it is a tar file, compressed or not, or a zip file of other
    members than NumPy's arrays.
    """
    path = Path(path)
    if not path.is_file():
        return False
    return path.name.lower().endswith(ARCHIVES) or (not path.suffix and _has_archive(path))


def _has_archive(path: Path) -> bool:
    try:
        if _head(path).startswith(_ZIP):
            with open_archive(path, _MAX_LIST) as archive:
                return any(not name.endswith(".npy") for name in archive.namelist())
        with _open_tar(path) as stream:
            return is_tar(stream.read(tarfile.BLOCKSIZE))
    except Exception:  # damaged files raise errors of many types
        return False


def _head(path: Path) -> bytes:
    with open(path, "rb") as file:
        return file.read(tarfile.BLOCKSIZE)


def _is_zip(path: Path) -> bool:
    """Returns whether an archive is a zip file: by its content, or by its suffix if that is odd."""
    head = _head(path)
    if head.startswith((_ZIP, *_COMPRESSED)) or is_tar(head):
        return head.startswith(_ZIP)
    return path.suffix.lower() == ".zip"


def _open_tar(path: Path) -> BinaryIO:
    """Returns the content of a tar file, whose first bytes say how it is compressed."""
    head = _head(path)
    openers = (opener for magic, opener in _COMPRESSED.items() if head.startswith(magic))
    return next(openers, lambda path: open(path, "rb"))(path)


@contextmanager
def unpacked(source: Path, workspace: Path | None = None) -> Iterator[Path]:
    """Gives a temporary folder to which an archive is unpacked; it is deleted at the end.

    Args:
        source: A file for which `is_archive` is true.
        workspace: The folder for the temporary folder; by default the system's for temporary files.

    Raises:
        ValueError: If the archive is damaged, expands more than images can or beyond the free
            space, or holds a link, a device or a name that leads out of the folder.
    """
    with tempfile.TemporaryDirectory(prefix=UNPACKED, dir=workspace) as folder:
        budget = _Budget(source, Path(folder))
        target = Path(folder, source.name)  # messages then show the name of the archive
        target.mkdir()
        try:
            if _is_zip(source):
                _unpack_zip(source, target, budget)
            else:
                _unpack_tar(source, target, budget)
        except Exception as error:
            kind = kind_of_content(source) or ""
            reason = one_line(error) if kind.endswith(_READ) or not kind else kind
            raise ValueError(
                f"`source` must be an undamaged archive of bounded size. Received: {source} "
                f"({reason})"
            ) from error
        yield target


class _Budget:
    """Counts the members and bytes that are unpacked, and raises an error beyond the limits."""

    def __init__(self, source: Path, target: Path) -> None:
        self.free = shutil.disk_usage(target).free
        self.limit = IMAGES.max_bytes(os.path.getsize(source))
        self.folder = target.parent
        self.members = self.size = 0

    def take(self, size: int) -> None:
        """Counts one member of `size` bytes."""
        self.members += 1
        self.size += size
        if self.members > _MAX_MEMBERS:
            raise ValueError(f"it has more than {_MAX_MEMBERS:,} members")
        if size < 0 or self.size > self.limit:
            raise ValueError(IMAGES.reason)
        if self.size > self.free:
            raise ValueError(
                f"it needs more than the {self.free / 1e9:.1f} GB that are free in {self.folder}"
            )


def _unpack_zip(source: Path, target: Path, budget: _Budget) -> None:
    with open_archive(source, _MAX_LIST) as archive:
        members = archive.infolist()
        for member in members:
            budget.take(member.file_size)
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _neither(member.filename, kind == stat.S_IFLNK)
            if member.flag_bits & _ENCRYPTED:
                raise ValueError(f"it has a password; {_UNPACK}")
        # zipfile reads only the last one of two archives in one file.
        start = min((member.header_offset for member in members), default=0)
        if start:
            raise ValueError(f"there are {start:,} bytes before its first member, {_MAYBE_ANOTHER}")
        for member, name in zip(members, _names(members, source), strict=True):
            path = _inside(target, name)
            with nullcontext() if member.is_dir() else archive.open(member) as content:
                _write(content, path)


def _names(members: list[zipfile.ZipInfo], source: Path) -> list[str]:
    """Returns the names of the members, read as UTF-8 if that is possible, otherwise as cp437."""
    names, unclear = [], []
    for member in members:
        name = member.filename
        # If the two names differ, Python has read the right one from an extra field.
        if not member.flag_bits & _UTF8 and name == member.orig_filename:
            try:
                name = name.encode("cp437").decode("utf-8")
            except UnicodeDecodeError:
                unclear.append(one_line(name))
        names.append(name)
    if unclear:
        warnings.warn(
            f"{source.name}: the archive does not say how its names are encoded; they are read as "
            f"cp437, which may be wrong: {first_ten(unclear)}",
            stacklevel=2,
        )
    return names


def _unpack_tar(source: Path, target: Path, budget: _Budget) -> None:
    with (
        _open_tar(source) as stream,
        tarfile.open(fileobj=(limited := _LimitedStream(stream, budget)), mode="r:") as archive,
    ):
        for member in archive:
            budget.take(member.size)
            if not (member.isdir() or member.isreg()) or member.issparse():
                raise _neither(member.name, member.issym() or member.islnk())
            _write(archive.extractfile(member), _inside(target, member.name))
            archive.members.clear()  # tarfile would otherwise keep a list of all members in memory
        limited.read_to_end()


def _neither(name: str, is_link: bool) -> ValueError:
    """Returns the error about a member that is neither a file nor a folder."""
    name = one_line(name)
    if is_link:
        return ValueError(f"it holds links, such as {name!r}; {_UNPACK}")
    return ValueError(f"{name!r} is neither a file nor a folder")


class _LimitedStream:
    """A stream for tarfile that limits the bytes of one read and of all reads together.

    A forged header could otherwise ask for any amount of memory, and a forged file have no end.
    """

    def __init__(self, stream: BinaryIO, budget: _Budget) -> None:
        self._stream = stream
        self._limit = min(budget.limit, budget.free) + IMAGES.allowance
        self._last = b""
        self.seek, self.tell = self._checked_seek, stream.tell

    def read(self, size: int) -> bytes:
        if not 0 <= size <= _MAX_READ:
            raise ValueError(f"a header asks for {size:,} bytes")
        self._last = self._stream.read(size)
        return self._last

    def read_to_end(self) -> None:
        """Reads the zeros after the last member, up to the checksum of a compressed stream.

        Raises:
            ValueError: If there is anything but zeros. tarfile takes a damaged header for the end,
                and the members after it would be missing without an error.
        """
        if self._last != bytes(tarfile.BLOCKSIZE):
            raise ValueError("it is cut off, or damaged after its first members")
        while block := self._stream.read(_MAX_READ):
            self._check(self._stream.tell())
            if any(block):
                raise ValueError(f"there are bytes after its end, {_MAYBE_ANOTHER}")

    def _checked_seek(self, position: int) -> int:
        self._check(position)
        return self._stream.seek(position)

    def _check(self, position: int) -> None:
        if position > self._limit:
            raise ValueError(IMAGES.reason)


def _inside(target: Path, name: str) -> Path:
    """Returns the path of a member; raises a ValueError if it is outside of the folder.

    Names that are outside of the folder on any operating system are refused.
    """
    parts = PurePosixPath(name).parts
    wrong = next((one for one in name if one in "\\:\0"), None)
    if wrong:
        raise ValueError(
            f"{one_line(name)!r} has the character {wrong!r}, which is not allowed; {_UNPACK}"
        )
    if ".." in parts or name.startswith("/"):
        raise ValueError(f"{one_line(name)!r} leads out of the archive")
    return target.joinpath(*parts)


def _write(content: BinaryIO | None, path: Path) -> None:
    """Writes a file, or makes a folder if there is no content."""
    try:
        (path if content is None else path.parent).mkdir(parents=True, exist_ok=True)
        if content is not None:
            with open(path, "xb") as file:
                shutil.copyfileobj(content, file)
    except (FileExistsError, NotADirectoryError) as error:
        raise ValueError(f"it has {shown_path(path)} twice; {_UNPACK}") from error
