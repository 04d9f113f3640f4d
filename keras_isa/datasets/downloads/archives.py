"""Archives from strangers, unpacked into a temporary folder within bounds."""

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
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from keras_isa.asset.archive import open_archive
from keras_isa.datasets.growth import IMAGES
from keras_isa.datasets.npz import UNREADABLE
from keras_isa.datasets.remarks import UNPACKED
from keras_isa.inputs.class_names import first_ten
from keras_isa.inputs.text import one_line

_TAR_OPENERS: dict[str, Callable[[Path], BinaryIO]] = {
    ".tar": lambda path: open(path, "rb"),
    ".tar.gz": gzip.open,
    ".tgz": gzip.open,
    ".tar.bz2": bz2.open,
    ".tar.xz": lzma.open,
}
ARCHIVES = (".zip", *_TAR_OPENERS)

_MOST_MEMBERS = 1 << 21
_LONGEST_LIST = 1 << 26
_LONGEST_READ = 1 << 20
_ANOTHER = "maybe another archive; unpack both, and give the folder"
_UTF8 = 0x800  # the flag of a member whose name is UTF-8


def is_archive(path: str | os.PathLike[str]) -> bool:
    """Whether `path` is a file of a kind that `unpacked` reads."""
    return os.fspath(path).lower().endswith(ARCHIVES) and os.path.isfile(path)


@contextmanager
def unpacked(source: Path, workspace: Path | None = None) -> Iterator[Path]:
    """Gives a folder to which an archive is unpacked, which is gone at the end.

    Args:
        source: An archive out of `ARCHIVES`.
        workspace: A folder in which there is space, by default the one for temporary files;
            nothing stays there.

    Raises:
        ValueError: If it is damaged, grows more than images do or beyond the free space, or holds
            a link, a device or a name outside of its folder.
    """
    with tempfile.TemporaryDirectory(prefix=UNPACKED, dir=workspace) as folder:
        budget = _Budget(source, Path(folder))
        target = Path(folder, source.name)  # so that messages name the archive
        target.mkdir()
        try:
            if source.suffix.lower() == ".zip":
                _unpack_zip(source, target, budget)
            else:
                _unpack_tar(source, target, budget)
        except (*UNREADABLE, tarfile.TarError) as error:
            raise ValueError(
                f"`source` must be an undamaged archive of bounded size. Received: {source} "
                f"({one_line(error)})"
            ) from error
        yield target


class _Budget:
    """How much an archive may still unpack to."""

    def __init__(self, source: Path, target: Path) -> None:
        self.free = shutil.disk_usage(target).free
        self.most = IMAGES.most(os.path.getsize(source))
        self.place = target.parent
        self.members = self.size = 0

    def take(self, size: int) -> None:
        """Counts one member of `size` bytes."""
        self.members += 1
        self.size += size
        if self.members > _MOST_MEMBERS:
            raise ValueError(f"it has more than {_MOST_MEMBERS:,} members")
        if size < 0 or self.size > self.most:
            raise ValueError(IMAGES.reason)
        if self.size > self.free:
            raise ValueError(
                f"it needs more than the {self.free / 1e9:.1f} GB that are free in {self.place}"
            )


def _unpack_zip(source: Path, target: Path, budget: _Budget) -> None:
    with open_archive(source, _LONGEST_LIST) as archive:
        members = archive.infolist()
        for member in members:
            budget.take(member.file_size)
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise ValueError(f"{one_line(member.filename)!r} is neither a file nor a folder")
        _check_start(members)
        for member, name in zip(members, _names(members, source), strict=True):
            path = _inside(target, name)
            if member.is_dir():
                path.mkdir(parents=True, exist_ok=True)
                continue
            with archive.open(member) as content:
                _write(content, path)


def _check_start(members: list[zipfile.ZipInfo]) -> None:
    """Refuses a file of two archives in a row, of which zipfile would read the last one only."""
    start = min((member.header_offset for member in members), default=0)
    if start:
        raise ValueError(f"{start:,} bytes lie before its first member, {_ANOTHER}")


def _names(members: list[zipfile.ZipInfo], source: Path) -> list[str]:
    """The names of the members: in UTF-8, also where the archive does not say so, else in cp437."""
    names, unclear = [], []
    for member in members:
        name = member.filename
        # The names differ where Python has found the right one among the extra fields.
        if not member.flag_bits & _UTF8 and name == member.orig_filename:
            try:
                name = name.encode("cp437").decode("utf-8")
            except UnicodeDecodeError:
                unclear.append(one_line(name))
        names.append(name)
    if unclear:
        warnings.warn(
            f"{source.name}: the archive does not say how its names are encoded; cp437 is taken, "
            f"which may be wrong: {first_ten(unclear)}",
            stacklevel=2,
        )
    return names


def _unpack_tar(source: Path, target: Path, budget: _Budget) -> None:
    opener = next(o for end, o in _TAR_OPENERS.items() if source.name.lower().endswith(end))
    with (
        opener(source) as stream,
        tarfile.open(fileobj=(careful := _Careful(stream, budget)), mode="r:") as archive,
    ):
        for member in archive:
            budget.take(member.size)
            if not (member.isdir() or member.isreg()) or member.issparse():
                raise ValueError(f"{one_line(member.name)!r} is neither a file nor a folder")
            path = _inside(target, member.name)
            if member.isdir():
                path.mkdir(parents=True, exist_ok=True)
            else:
                _write(archive.extractfile(member), path)
            archive.members.clear()  # a list of all of them would only grow
        careful.read_to_end()


class _Careful:
    """What tarfile reads from: neither much at once, which headers may ask for, nor endlessly."""

    def __init__(self, stream: BinaryIO, budget: _Budget) -> None:
        self._stream = stream
        self._most = min(budget.most, budget.free) + IMAGES.free
        self._last = b""
        self.seek, self.tell = self._checked_seek, stream.tell

    def read(self, size: int) -> bytes:
        if not 0 <= size <= _LONGEST_READ:
            raise ValueError(f"a header asks for {size:,} bytes")
        self._last = self._stream.read(size)
        return self._last

    def read_to_end(self) -> None:
        """Reads what follows the last member: the checksum of what is compressed is at the end.

        Raises:
            ValueError: If it is not zeros only. tarfile takes a damaged header for the end.
        """
        if self._last != bytes(tarfile.BLOCKSIZE):
            raise ValueError("it is cut off, or damaged behind its first members")
        while block := self._stream.read(_LONGEST_READ):
            self._check(self._stream.tell())
            if any(block):
                raise ValueError(f"something lies behind its end, {_ANOTHER}")

    def _checked_seek(self, place: int) -> int:
        self._check(place)
        return self._stream.seek(place)

    def _check(self, place: int) -> None:
        if place > self._most:
            raise ValueError(IMAGES.reason)


def _inside(target: Path, name: str) -> Path:
    """Where a member is written, if its name leads into the folder on every system."""
    parts = PurePosixPath(name).parts
    wrong = next((one for one in name if one in "\\:\0"), None)
    if wrong:
        raise ValueError(f"{one_line(name)!r} has the character {wrong!r}, which is not allowed")
    if ".." in parts or name.startswith("/"):
        raise ValueError(f"{one_line(name)!r} leads out of the archive")
    return target.joinpath(*parts)


def _write(content: BinaryIO, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "xb") as file:  # a member that is there twice is refused
        shutil.copyfileobj(content, file)
