"""The image files of each class, in folders with one folder per class."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from keras_isa.datasets.folder_parts import layout_error, note_unused
from keras_isa.datasets.folder_tree import Tree
from keras_isa.datasets.masks import are_masks, is_mask_folder, masks_among
from keras_isa.datasets.remarks import Remarks, shown_path
from keras_isa.inputs.class_names import (
    can_be_stored,
    comparable_name,
    first_ten,
    look_alikes,
    sort_names,
)

_MASK = "mask or another companion of an image, not read"


def class_files(root: Path, tree: Tree, remarks: Remarks) -> dict[str, list[Path]]:
    """Returns the image files of each class, by class name and in the order of the classes.

    Args:
        root: The folder that the caller has named.
        tree: The folder that contains the class folders.
        remarks: Collects what is not used.

    Raises:
        ValueError: If the class folders contain folders and it is not clear which are the classes.
    """
    _check_depth(root, tree.with_images)
    note_unused(tree, remarks)
    found = {folder.name: _images(folder, remarks) for folder in tree.with_images}
    return {name: found[name] for name in sort_names(found)}


def check_names(root: Path, names: Sequence[str]) -> None:
    """Raises a ValueError if a class name cannot be stored, or two of them look the same.

    Args:
        root: The folder that the caller has named.
        names: Class names.
    """
    for name in names:
        if not can_be_stored(name):
            raise ValueError(
                "`source` must have class folders with names that can be printed; rename the "
                f"folder. Received: {name!r} in {shown_path(root)}"
            )
    alike = look_alikes(names)
    if alike is not None:
        raise ValueError(
            "`source` must have class folders whose names differ in more than spaces or the form "
            f"of their Unicode characters; merge these folders. Received: {' and '.join(alike)} in "
            f"{shown_path(root)}"
        )


def check_several_folders(whole: Tree, tree: Tree, names: Sequence[str]) -> None:
    """Raises a ValueError if there is only one class folder.

    Often it holds the images of all classes, and a file beside it has their labels.

    Args:
        whole: The folder that the caller has named.
        tree: The folder that contains the class folder.
        names: Class names.
    """
    if len(names) > 1:
        return
    alone, root = tree.path / names[0], whole.path
    files = [*whole.other_files, *tree.images]
    beside = [shown_path(path, root) for path in files if alone not in path.parents]
    shown = f", beside {first_ten(beside[:3])}" if beside else ""
    more = f" and {len(beside) - 3} more" if len(beside) > 3 else ""
    raise ValueError(
        "`source` must have two class folders or more; make a folder for each class. Received: "
        f"{shown_path(root)} with {shown_path(alone, root)} alone{shown}{more}"
    )


def note_alike(tree: Tree, names: Iterable[str], remarks: Remarks) -> None:
    """Adds a remark about classes whose names differ only in case or in leading zeros.

    Args:
        tree: The folder that contains the class folders.
        names: Class names.
        remarks: Collects the remark.
    """
    alike: dict[str, list[str]] = {}
    for name in names:
        key = re.sub(r"(?<!\d)0+(?=\d)", "", comparable_name(name).casefold())
        alike.setdefault(key, []).append(name)
    for name in (name for found in alike.values() if len(found) > 1 for name in found):
        remarks.add(
            "class folder whose name differs from another one only in upper and lower case or in "
            "leading zeros, read as a class of its own",
            tree.path / name,
        )


def _check_depth(root: Path, classes: Sequence[Tree]) -> None:
    """Raises a ValueError if the images are deeper than CLASS/FOLDER/FILE, or could be so."""
    deeper = [one for one in classes if one.with_images]
    several = next((one for one in deeper if len(one.with_images) > 1), None)
    if several and not any(one.images for one in classes):
        inner = " and ".join(shown_path(one.path, root) for one in several.with_images[:2])
        raise layout_error(
            root,
            f"folders in folders, such as {inner}",
            "it is not clear which folders are the classes, so pass the folder in which each "
            "folder is a class, or move the images of each class into one folder",
        )
    for one in deeper:
        if not one.images and not any(inner.images for inner in one.with_images):
            raise layout_error(root, f"images in deeper folders of {shown_path(one.path, root)}")


def _images(folder: Tree, remarks: Remarks) -> list[Path]:
    files = _without_masks(folder, remarks)
    for inner in folder.with_images:
        if is_mask_folder(inner.name) and are_masks(inner.images, folder.images):
            remarks.add(_MASK, inner.images[0], len(inner.images))
        elif inner.images:
            found = _without_masks(inner, remarks)
            remarks.add(
                "image one folder deeper than CLASS/FILE, read as CLASS",
                inner.images[0],
                len(found),
            )
            files += found
        for deepest in inner.with_images:
            remarks.add(
                "image deeper than CLASS/FOLDER/FILE, not read", deepest.path, deepest.count
            )
    for path in folder.other_files:
        remarks.add("file of another format, not read", path)
    for inner in folder.walk():
        for path in inner.system:
            remarks.add("file or folder of the system or a tool, not read", path)
    return files


def _without_masks(folder: Tree, remarks: Remarks) -> list[Path]:
    """Returns the images of a folder without the masks of other images in it."""
    masks = masks_among(folder.images)
    for path in masks:
        remarks.add(_MASK, path)
    return [path for path in folder.images if path not in set(masks)]
