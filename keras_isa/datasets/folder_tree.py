"""The images and folders in a folder, listed before any of them is opened."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

from keras_isa.datasets.image_formats import readable_suffixes

# Folders that operating systems, file managers and tools make beside the user's own.
_SYSTEM_FOLDERS = {
    "__macosx", "__pycache__", "@eadir", "@recently-snapshot", "@recycle", "@tmp", "#recycle",
    "#snapshot", "$recycle.bin", "lost+found", "recycler", "system volume information",
    "_thumbnails", "_thumbs", "thumbnails", "thumbs",
}  # fmt: skip
_SYSTEM_FILES = {"desktop.ini", "ehthumbs.db", "thumbs.db"}
# How many folders deep the images are searched.
DEPTH = 8


@dataclasses.dataclass
class Tree:
    """A folder and its content.

    Args:
        path: The folder.
        images: Files with the suffix of an image, sorted by name.
        others: All other files, sorted by name.
        folders: Folders directly in it, sorted by name.
        system: Files and folders of the operating system and of tools.
        too_deep: Folders directly in it that are too deep to be searched.
    """

    path: Path
    images: list[Path] = dataclasses.field(default_factory=list)
    others: list[Path] = dataclasses.field(default_factory=list)
    folders: list[Tree] = dataclasses.field(default_factory=list)
    system: list[Path] = dataclasses.field(default_factory=list)
    too_deep: list[Path] = dataclasses.field(default_factory=list)

    @property
    def name(self) -> str:
        """The name of the folder, without those above it."""
        return self.path.name

    @property
    def count(self) -> int:
        """The number of images in the folder and its subfolders."""
        return len(self.images) + sum(folder.count for folder in self.folders)

    @property
    def all_images(self) -> list[Path]:
        """The images in the folder and its subfolders."""
        return [path for one in self.walk() for path in one.images]

    @property
    def with_images(self) -> list[Tree]:
        """The folders directly in the folder that contain an image at any depth."""
        return [folder for folder in self.folders if folder.count]

    @property
    def other_files(self) -> list[Path]:
        """All files in the folder and its subfolders that are no images."""
        return [path for one in self.walk() for path in one.others]

    def walk(self) -> Iterator[Tree]:
        """Yields the folder and all folders in it, at any depth."""
        yield self
        for folder in self.folders:
            yield from folder.walk()


def read_tree(path: Path, above: tuple[str, ...] = ()) -> Tree:
    """Returns the content of a folder and its subfolders. Links are followed, but not in a circle.

    Args:
        path: The folder.
        above: The real paths of its parents that are already listed.

    Raises:
        ValueError: If a folder cannot be listed.

    Example:

    >>> import pathlib, tempfile
    >>> from keras_isa.datasets.folder_tree import read_tree
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("b.png", "a.jpg", "notes.txt", ".DS_Store"):
    ...         pathlib.Path(folder, name).touch()
    ...     tree = read_tree(pathlib.Path(folder))
    >>> [path.name for path in tree.images], len(tree.others), len(tree.system)
    (['a.jpg', 'b.png'], 1, 1)
    """
    tree, own = Tree(path), os.path.realpath(path)
    try:
        entries = sorted(os.scandir(path), key=lambda entry: entry.name)
    except OSError as error:
        raise ValueError(
            f"`source` must hold folders that can be listed ({error.strerror}). Received: {path}"
        ) from error
    for entry in entries:
        place = path / entry.name
        if is_system(entry.name):
            tree.system.append(place)
        elif not entry.is_dir():
            is_image = place.suffix.lower() in readable_suffixes()
            (tree.images if is_image else tree.others).append(place)
        elif os.path.realpath(place) in (*above, own):
            continue  # a link in a circle leads to a folder that is listed anyway
        elif len(above) < DEPTH:
            tree.folders.append(read_tree(place, (*above, own)))
        else:
            tree.too_deep.append(place)
    return tree


def is_system(name: str) -> bool:
    """Returns whether a file or folder of this name belongs to the operating system or a tool."""
    return name.startswith(".") or name.lower() in _SYSTEM_FOLDERS | _SYSTEM_FILES
