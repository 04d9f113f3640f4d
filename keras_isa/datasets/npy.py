"""Images in a folder of `.npy` arrays, which may be larger than memory."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np

from keras_isa.archive import one_line
from keras_isa.arrays import StoredImages
from keras_isa.datasets.dataset import Dataset, train_test_from_arrays
from keras_isa.datasets.npz import KEYS, UNREADABLE, check_header

CLASS_NAMES = "class_names.json"


def is_npy_folder(path: str | os.PathLike[str]) -> bool:
    """Whether `path` is a folder with at least one of the arrays."""
    return any((Path(path) / f"{key}.npy").is_file() for key in KEYS)


def load_npy(path: str | os.PathLike[str]) -> tuple[Dataset, Dataset]:
    """Returns `(train, test)` from a folder; the images stay on disk and are read row by row.

    Nothing is ever unpickled.

    Args:
        path: A folder with `x_train.npy`, `y_train.npy`, `x_test.npy` and `y_test.npy` (shapes and
            dtypes as in `Dataset`) and, if wanted, `class_names.json`, a list of strings.

    Raises:
        TypeError: If an array has the wrong dtype.
        ValueError: If a file is missing or damaged, or `Dataset` refuses the arrays.
    """
    folder = Path(path).resolve()
    missing = [f"{key}.npy" for key in KEYS if not (folder / f"{key}.npy").is_file()]
    if missing:
        raise ValueError(
            f"`source` must be a folder with {', '.join(f'{key}.npy' for key in KEYS)}. Missing: "
            f"{', '.join(missing)}. Received: {folder}"
        )
    arrays = {}
    for key in KEYS:
        array = _mapped(folder / f"{key}.npy")
        arrays[key] = StoredImages(array) if key.startswith("x_") else np.array(array)
    return train_test_from_arrays(**arrays, class_names=_class_names(folder), name=str(folder))


def _mapped(path: Path) -> np.ndarray:
    try:
        with open(path, "rb") as file:
            check_header(file, os.fstat(file.fileno()).st_size)
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except UNREADABLE as error:
        raise ValueError(
            f"`source` must hold undamaged .npy arrays of numbers (objects are never unpickled). "
            f"Received: {path} ({one_line(error)})"
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
