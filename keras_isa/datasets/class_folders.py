"""The images of each class, from the folders of the classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from keras_isa.datasets.folder_parts import layout_error, tell_rest
from keras_isa.datasets.folder_tree import Tree
from keras_isa.datasets.masks import are_masks, is_mask_folder, masks_among
from keras_isa.datasets.remarks import Remarks, shown_path
from keras_isa.inputs.class_names import can_be_stored, look_alikes, sort_names

_MASK = "mask beside its image, not read"


def class_files(root: Path, tree: Tree, remarks: Remarks) -> dict[str, list[Path]]:
    """Returns the image files of each class, by class name and in the order of the classes.

    Args:
        root: The source.
        tree: The folder in which the folders of the classes are.
        remarks: Take what is not used.

    Raises:
        ValueError: If folders lie in them and it is not clear which ones are the classes.
    """
    _check_depth(root, tree.filled)
    tell_rest(tree, remarks)
    found = {folder.name: _images(folder, remarks) for folder in tree.filled}
    return {name: found[name] for name in sort_names(found)}


def check_names(root: Path, names: Sequence[str]) -> None:
    """Raises a ValueError if a name cannot be stored, or two of them look the same.

    Args:
        root: The source.
        names: Class names.
    """
    for name in names:
        if not can_be_stored(name):
            raise ValueError(
                "`source` must have class folders whose names are characters that can be printed; "
                f"rename the folder. Received: {name!r} in {shown_path(root)}"
            )
    alike = look_alikes(names)
    if alike is not None:
        raise ValueError(
            "`source` must have class folders whose names differ in more than spaces or the form "
            f"of their Unicode characters; join them. Received: {' and '.join(alike)} in "
            f"{shown_path(root)}"
        )


def _check_depth(root: Path, classes: Sequence[Tree]) -> None:
    deeper = [one for one in classes if one.filled]
    several = next((one for one in deeper if len(one.filled) > 1), None)
    if several and not any(one.images for one in classes):
        inner = " and ".join(shown_path(one.path, root) for one in several.filled[:2])
        raise layout_error(
            root,
            f"folders in folders, such as {inner}",
            "give the folder in which each folder is a class, or move the images of each class "
            "into one folder, as it is not clear which folders are the classes",
        )
    for one in deeper:
        if not one.images and not any(inner.images for inner in one.filled):
            raise layout_error(root, f"images deeper than that in {shown_path(one.path, root)}")


def _images(folder: Tree, remarks: Remarks) -> list[Path]:
    files = _without_masks(folder, remarks)
    for inner in folder.filled:
        if is_mask_folder(inner.name) and are_masks(inner.images, folder.images):
            remarks.add(_MASK, inner.images[0], len(inner.images))
        elif inner.images:
            found = _without_masks(inner, remarks)
            remarks.add(
                "image one folder deeper, read with the class of the upper folder",
                inner.images[0],
                len(found),
            )
            files += found
        for deepest in inner.filled:
            remarks.add(
                "image deeper than CLASS/FOLDER/FILE, not read", deepest.path, deepest.count
            )
    for path in folder.other_files:
        remarks.add("file of a kind that is not read", path)
    for inner in (folder, *folder.below()):
        for path in inner.system:
            remarks.add("file or folder of a system or a tool, passed over", path)
    return files


def _without_masks(folder: Tree, remarks: Remarks) -> list[Path]:
    """The images of a folder but for masks that lie beside the images of their names."""
    masks = masks_among(folder.images)
    for path in masks:
        remarks.add(_MASK, path)
    return [path for path in folder.images if path not in set(masks)]
