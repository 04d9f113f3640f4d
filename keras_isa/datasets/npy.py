"""Images in a folder of `.npy` arrays, which need not fit into memory."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np

from keras_isa.datasets.array_parts import KEYS, ArrayParts, find_array_keys
from keras_isa.datasets.folder_parts import check_class_folders, find_parts
from keras_isa.datasets.folder_tree import Tree, read_tree
from keras_isa.datasets.npz import NUMBERS_ONLY, check_header, undamaged
from keras_isa.datasets.remarks import Remarks, shown_path
from keras_isa.inputs.arrays import StoredImages
from keras_isa.inputs.class_names import first_ten

CLASS_NAMES = "class_names.json"


def is_npy_folder(path: str | os.PathLike[str]) -> bool:
    """Returns whether `path` is a folder with images or labels in `.npy` arrays."""
    folder = Path(path)
    if any((folder / f"{key}.npy").is_file() for key in KEYS):
        return True
    return folder.is_dir() and bool(find_array_keys(_names(folder)))


def read_npy(path: str | os.PathLike[str]) -> ArrayParts:
    """Returns the arrays of a folder; the images stay on disk and are read row by row.

    Pickled objects are refused, so a file from a stranger cannot run code.

    Args:
        path: A folder with `x_train.npy`, `y_train.npy`, `x_test.npy` and `y_test.npy` (shapes and
            dtypes as in `Dataset`), with only the two of one part, or with `x.npy` and `y.npy`.
            Other usual names are recognised too. `class_names.json`, a list of strings, is
            optional.

    Raises:
        ValueError: If a file is missing or damaged, or there are class folders of images too.
    """
    folder = Path(path).resolve()
    _check_alone(folder)
    names = _names(folder)

    def read(name: str, images: bool) -> StoredImages | np.ndarray:
        array = _mapped(folder / f"{name}.npy")
        return StoredImages(array) if images else np.array(array)

    received = f"{folder} with {', '.join(f'{name}.npy' for name in names[:20])}"
    return ArrayParts.read(names, read, str(folder), _class_names(folder), received)


def _names(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.npy") if path.is_file())


def two_sets_error(root: Path, arrays: Path, classes: Tree) -> ValueError:
    """Returns the error about a source that holds arrays and class folders.

    Args:
        root: The folder that the caller has named.
        arrays: The folder that holds the arrays.
        classes: The folder that contains the class folders.
    """
    files = [shown_path(arrays / f"{name}.npy", root) for name in _names(arrays)]
    folders = [shown_path(one.path, root) for one in classes.with_images]
    return ValueError(
        "`source` must be one image set; move the arrays or the folders of images elsewhere. "
        f"Received: {shown_path(root)}, which holds {first_ten(files)} and folders of images "
        f"{first_ten(folders)}"
    )


def _check_alone(folder: Path) -> None:
    """Raises a ValueError if a folder of arrays could be read as a folder of images too."""
    try:
        tree = read_tree(folder)
        top, _ = find_parts(tree, Remarks(folder), divide=True)
        check_class_folders(tree, top)
    except ValueError:  # the images, if there are any, make no classes
        return
    if len(top.with_images) > 1:
        raise two_sets_error(folder, folder, top)


def _mapped(path: Path) -> np.ndarray:
    with undamaged(path, f"`source` must hold undamaged .npy arrays {NUMBERS_ONLY}"):
        with open(path, "rb") as file:
            check_header(file, os.fstat(file.fileno()).st_size)
        return np.load(path, mmap_mode="r", allow_pickle=False)


def _class_names(folder: Path) -> tuple[str, ...] | None:
    path = folder / CLASS_NAMES
    if not path.is_file():
        return None
    try:
        names = json.loads(path.read_text("utf-8"))
    except ValueError:
        names = None
    if not isinstance(names, list):
        raise ValueError(f"`{CLASS_NAMES}` must hold a list of strings in JSON. Received: {path}")
    return tuple(names)
