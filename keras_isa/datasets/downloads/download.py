"""`Download`, the description of one image set as its authors distribute it."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from keras_isa.datasets.folder_tree import is_system
from keras_isa.datasets.npz import UNREADABLE
from keras_isa.datasets.parts import Parts
from keras_isa.datasets.remarks import shown_path
from keras_isa.inputs.text import one_line


@dataclasses.dataclass(frozen=True)
class Download:
    """How one image set is recognised and read.

    Args:
        name: Its name in `keras-isa prepare NAME`.
        archive: What its authors distribute, for messages.
        recognise: Function that returns whether a folder or a file is certainly this set, or
            contains it one folder deeper. It looks only at names, sizes and first bytes.
        open: Function `open(path, key=None)` that returns the `Parts` of a path. `key` chooses one
            of several kinds of labels or images, if the set has them.
        image_size: Height and width to which the images are resized, if the name means a size.
        resized_from: Name of the download that has the same files without a fixed size, which is
            the one that `recognise` finds.
        in_folders: Whether the set consists of folders of image files. Such folders beside its
            other files then belong to it.
        contains: Function that returns whether a folder is the set or contains it, if `recognise`
            leaves the folder of the set itself to `open_image_folder`.
    """

    name: str
    archive: str
    recognise: Callable[[Path], bool]
    open: Callable[..., Parts]
    image_size: tuple[int, int] | None = None
    resized_from: str | None = None
    in_folders: bool = False
    contains: Callable[[Path], bool] | None = None

    def folders(self, path: Path) -> list[Path]:
        """Returns the folders directly in `path` that contain the set, or else `path` itself."""
        contains = self.contains or self.recognise
        return [one for one in folders_in(path) if contains(one)] or [path]


def folders_in(path: Path) -> list[Path]:
    """Returns the folders directly in a folder, sorted, without those of the system and tools."""
    if not path.is_dir():
        return []
    with os.scandir(path) as entries:
        names = sorted(entry.name for entry in entries if entry.is_dir())
    return [path / name for name in names if not is_system(name)]


def find_folders(path: Path, has_set: Callable[[Path], bool]) -> list[Path]:
    """Returns the folders with the files of a set.

    Args:
        path: The folder that the caller has named.
        has_set: Function that returns whether the files are directly in a folder.

    Returns:
        The folder itself if it has the files, otherwise the folders directly in it that have them.
    """
    if path.is_dir() and has_set(path):
        return [path]
    return [one for one in folders_in(path) if has_set(one)]


def find_only_folder(path: Path, has_set: Callable[[Path], bool]) -> Path | None:
    """Returns the only folder with the files of a set, or `None` if there is none.

    Args:
        path: As in `find_folders`.
        has_set: As in `find_folders`.

    Raises:
        ValueError: If several folders in `path` have such files.
    """
    found = find_folders(path, has_set)
    if len(found) > 1:
        raise ValueError(
            "`source` must be one image set; pass the folder of one of them. Received: "
            f"{shown_path(path)} with files of a set in {found[0].name} and in {found[1].name}"
        )
    return found[0] if found else None


@contextlib.contextmanager
def reading(file: Path) -> Iterator[Path]:
    """Gives a file of a download; errors about it within the block get its name.

    Raises:
        ValueError: If the file is missing, or the block raises an error that means damage.
    """
    if not file.is_file():
        raise ValueError(f"`source` must be complete. Received: no file {file}")
    try:
        yield file
    except UNREADABLE as error:
        reason = _LFS if _is_lfs_pointer(file) else one_line(error)
        raise ValueError(f"`source` must be undamaged. Received: {file} ({reason})") from error


_LFS = "it is only a pointer of Git LFS to the file; `git lfs pull` downloads the file itself"


def _is_lfs_pointer(file: Path) -> bool:
    """Returns whether a file stands for a large one that Git LFS has not downloaded."""
    with open(file, "rb") as content:
        return content.read(20).startswith(b"version https://git")


def refuse_key(key: str | None, name: str) -> None:
    """Raises a ValueError for a key if the set has only one kind of labels.

    Args:
        key: The key that the caller has given, or `None`.
        name: The name of the set.
    """
    if key is not None:
        raise ValueError(f"`key` must be None for {name}. Received: key={key!r}")
