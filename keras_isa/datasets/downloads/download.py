"""`Download`, the description of one image set as its authors distribute it."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from keras_isa.datasets.folder_tree import is_system
from keras_isa.datasets.npz import undamaged
from keras_isa.datasets.parts import Parts
from keras_isa.datasets.remarks import shown_path


@dataclasses.dataclass(frozen=True)
class Download:
    """How one image set is recognised and read.

    Args:
        name: Its name in `keras-isa prepare NAME`.
        archive: What its authors distribute, for messages.
        read: Function that returns the `Parts` of the only folder that `has_set`, or of the path
            that the caller has named if there is no `has_set`. If `has_keys`, it takes a second
            argument that chooses one of several kinds of labels or images.
        has_set: Function that returns whether the files of the set are directly in a folder. It
            looks only at names, sizes and first bytes.
        needs: What a folder of the set must have, for the error.
        finds: Function that returns a true value for a folder or a file that certainly is this set,
            or contains it one folder deeper; by default for a folder that has one that `has_set`.
        has_keys: Whether there are several kinds of labels or images.
        image_size: Height and width to which the images are resized, if the name means a size.
        resized_from: Name of the download that has the same files without a fixed size, which is
            the one that `recognise` finds.
        in_folders: Whether the set consists of folders of image files. Such folders beside its
            other files then belong to it.
        contains: Function that returns a true value for a folder that is the set or contains it, if
            `recognise` leaves the folder of the set itself to `open_image_folder`.
    """

    name: str
    archive: str
    read: Callable[..., Parts]
    has_set: Callable[[Path], bool] | None = None
    needs: str = ""
    finds: Callable[[Path], object] | None = None
    has_keys: bool = False
    image_size: tuple[int, int] | None = None
    resized_from: str | None = None
    in_folders: bool = False
    contains: Callable[[Path], object] | None = None

    def recognise(self, path: Path) -> bool:
        """Returns whether a folder or a file certainly is this set, or contains it."""
        return bool(self.finds(path) if self.finds else find_folders(path, self.has_set))

    def open(self, path: Path, key: str | None = None) -> Parts:
        """Returns the images in `path`, or in a folder directly in it.

        Raises:
            ValueError: If `path` has no or several folders of the set, a file is missing or
                damaged, or `key` has a value that the set does not have.
        """
        if key is not None and not self.has_keys:
            raise ValueError(f"`key` must be None for {self.name}. Received: key={key!r}")
        top = path
        if self.has_set is not None:
            top = find_only_folder(path, self.has_set)
        if top is None:
            raise ValueError(f"`source` must be {self.needs}. Received: {path}")
        return self.read(top, key) if self.has_keys else self.read(top)


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
    with undamaged(file, "`source` must be undamaged"):
        yield file
