"""One image set as its authors distribute it."""

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
    """How one image set is known, and read.

    Args:
        name: What `keras-isa prepare` knows it by.
        archive: What its authors distribute, for messages.
        recognise: Whether a folder or a file is unmistakably this set, which may lie one folder
            deeper. It looks at names, sizes and first bytes only.
        open: Gives the `Parts` of a path, `open(path, key=None)`. `key` chooses among several sets
            of labels or images in it, where there are any.
        image_size: Height and width, where the name stands for a size that the images come to.
        contents: Name of the download that it is a size of, which is then the one recognised.
        in_folders: Whether it consists of folders of image files, so that such folders beside its
            other files belong to it.
        inside: Whether a folder is the set or has it below, where `recognise` leaves the set itself
            to `open_image_folder`.
    """

    name: str
    archive: str
    recognise: Callable[[Path], bool]
    open: Callable[..., Parts]
    image_size: tuple[int, int] | None = None
    contents: str | None = None
    in_folders: bool = False
    inside: Callable[[Path], bool] | None = None

    def places(self, path: Path) -> list[Path]:
        """Returns the folders directly in `path` that the set lies in, or else `path` itself."""
        return [one for one in folders_in(path) if (self.inside or self.recognise)(one)] or [path]


def folders_in(path: Path) -> list[Path]:
    """Returns the folders directly in a folder, by name, without those of systems and tools."""
    if not path.is_dir():
        return []
    with os.scandir(path) as entries:
        names = sorted(entry.name for entry in entries if entry.is_dir())
    return [path / name for name in names if not is_system(name)]


def all_places(path: Path, holds: Callable[[Path], bool]) -> list[Path]:
    """Returns where the files of a set lie.

    Args:
        path: The folder that is given.
        holds: Whether a folder has the files itself.

    Returns:
        The folder itself if it has them, otherwise the folders directly in it that have them.
    """
    if path.is_dir() and holds(path):
        return [path]
    return [one for one in folders_in(path) if holds(one)]


def only_place(path: Path, holds: Callable[[Path], bool]) -> Path | None:
    """Returns the one folder in which the files of a set lie, or `None`.

    Args:
        path: As in `all_places`.
        holds: As in `all_places`.

    Raises:
        ValueError: If several folders in `path` have such files.
    """
    found = all_places(path, holds)
    if len(found) > 1:
        raise ValueError(
            "`source` must be one image set; give the folder of one of them. Received: "
            f"{shown_path(path)} with files of a set in {found[0].name} and in {found[1].name}"
        )
    return found[0] if found else None


@contextlib.contextmanager
def reading(file: Path) -> Iterator[Path]:
    """Gives a file of a download, and names it in the error that reading it raises.

    Raises:
        ValueError: If it is missing, or what reads it finds it damaged.
    """
    if not file.is_file():
        raise ValueError(f"`source` must be complete. Received: no file {file}")
    try:
        yield file
    except UNREADABLE as error:
        reason = _LFS if _is_lfs_pointer(file) else one_line(error)
        raise ValueError(f"`source` must be undamaged. Received: {file} ({reason})") from error


_LFS = "a pointer of Git LFS to the file; fetch the file itself with git lfs pull"


def _is_lfs_pointer(file: Path) -> bool:
    """Whether a repository was cloned without its large files."""
    with open(file, "rb") as content:
        return content.read(20).startswith(b"version https://git")


def no_key(key: str | None, name: str) -> None:
    """Refuses a key for a set that has nothing to choose.

    Raises:
        ValueError: If there is a key.
    """
    if key is not None:
        raise ValueError(f"`key` must be None for {name}. Received: key={key!r}")
