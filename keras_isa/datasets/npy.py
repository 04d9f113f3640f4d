"""Images in a folder of `.npy` arrays, which may be larger than memory."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np

from keras_isa.datasets.array_parts import KEYS, ArrayKeys, ArrayParts
from keras_isa.datasets.npz import UNREADABLE, check_header
from keras_isa.inputs.arrays import StoredImages
from keras_isa.inputs.text import one_line

CLASS_NAMES = "class_names.json"


def is_npy_folder(path: str | os.PathLike[str]) -> bool:
    """Whether `path` is a folder with images or labels in arrays."""
    folder = Path(path)
    if any((folder / f"{key}.npy").is_file() for key in KEYS):
        return True
    return folder.is_dir() and ArrayKeys.found(_names(folder)) is not None


def read_npy(path: str | os.PathLike[str]) -> ArrayParts:
    """Returns the arrays of a folder; the images stay on disk and are read row by row.

    Nothing is ever unpickled.

    Args:
        path: A folder with `x_train.npy`, `y_train.npy`, `x_test.npy` and `y_test.npy` (shapes and
            dtypes as in `Dataset`), with those of one part, or with `x.npy` and `y.npy`; other
            usual names of them are known. If wanted, `class_names.json`, a list of strings.

    Raises:
        ValueError: If a file is missing or damaged.
    """
    folder = Path(path).resolve()
    names = _names(folder)

    def read(name: str, images: bool) -> StoredImages | np.ndarray:
        array = _mapped(folder / f"{name}.npy")
        return StoredImages(array) if images else np.array(array)

    received = f"{folder} with {', '.join(f'{name}.npy' for name in names[:20])}"
    return ArrayParts.read(names, read, str(folder), _class_names(folder), received)


def _names(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.npy") if path.is_file())


def _mapped(path: Path) -> np.ndarray:
    try:
        with open(path, "rb") as file:
            check_header(file, os.fstat(file.fileno()).st_size)
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except UNREADABLE as error:
        raise ValueError(
            "`source` must hold undamaged .npy arrays of numbers, or of strings as `.astype(str)` "
            f"makes them of objects, which are never unpickled. Received: {path} "
            f"({one_line(error)})"
        ) from error


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
