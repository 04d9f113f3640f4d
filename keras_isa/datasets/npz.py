"""Images from an `.npz` file with the keys of `keras.datasets`."""

import lzma
import os
import zipfile
import zlib
from typing import BinaryIO

import numpy as np

from keras_isa.datasets.dataset import Dataset, train_test_from_arrays
from keras_isa.datasets.parts import STORE_AS_NPY
from keras_isa.memory import check_memory

KEYS = ("x_train", "y_train", "x_test", "y_test")

# What numpy and zipfile raise on a file that is cut short, altered, or of a kind they cannot read.
_UNREADABLE = (
    ValueError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
)


def load_npz(path: str | os.PathLike[str]) -> tuple[Dataset, Dataset]:
    """Returns `(train, test)` from a file written by `numpy.savez` or `numpy.savez_compressed`.

    Nothing is ever unpickled, so a file from a stranger cannot run code.

    Args:
        path: a file with the arrays `x_train`, `y_train`, `x_test`, `y_test` (shapes and dtypes as
            in `Dataset`) and, if wanted, `class_names`, a one-dimensional array of strings.

    Raises:
        TypeError: an array of the wrong dtype.
        ValueError: no such file, not an `.npz` file, a key is missing, the arrays do not fit into
            memory, one cannot be read without unpickling, or they are refused by `Dataset`.
    """
    path = os.path.abspath(path)
    if not os.path.isfile(path):
        raise ValueError(f"`source` must be an existing .npz file. Received: {path}")
    # Opened here, because numpy leaves a damaged archive open.
    with open(path, "rb") as file, _open(file, path) as archive:
        missing = [key for key in KEYS if key not in archive.files]
        if missing:
            raise ValueError(
                f"`source` must be an .npz file with the arrays {', '.join(KEYS)}. Missing: "
                f"{', '.join(missing)}. Received: {path} with "
                f"{', '.join(archive.files) or 'no arrays'}"
            )
        needed = sum(member.file_size for member in archive.zip.infolist())
        check_memory(needed, f"`source` {path} in memory", STORE_AS_NPY)
        # Every access to an archive decompresses again, so each key is read once.
        arrays = {key: _read(archive, key, path) for key in KEYS}
        class_names = None
        if "class_names" in archive.files:
            class_names = _class_names(_read(archive, "class_names", path))
    return train_test_from_arrays(**arrays, class_names=class_names, name=path)


def _open(file: BinaryIO, path: str) -> np.lib.npyio.NpzFile:
    try:
        archive = np.load(file, allow_pickle=False)
    except _UNREADABLE as error:
        raise ValueError(
            f"`source` must be an .npz file as numpy.savez writes it. Received: {path}, which is "
            "something else or damaged"
        ) from error
    if not isinstance(archive, np.lib.npyio.NpzFile):
        raise ValueError(
            "`source` must be an .npz file with named arrays. Received: "
            f"{path}, a single .npy array"
        )
    return archive


def _read(archive: np.lib.npyio.NpzFile, key: str, path: str) -> np.ndarray:
    try:
        array = archive[key]
    except _UNREADABLE as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ValueError(
            f"`{key}` must be an undamaged array of numbers (objects are never unpickled). "
            f"Received: {path} ({reason})"
        ) from error
    if not isinstance(array, np.ndarray):  # a member that is not in numpy's format comes as bytes
        raise ValueError(f"`{key}` must be a numpy array. Received: {path} with other contents")
    return array


def _class_names(array: np.ndarray) -> tuple[str, ...]:
    if array.dtype.kind != "U" or array.ndim != 1:
        raise TypeError(
            "`class_names` must be a one-dimensional array of strings. Received: dtype="
            f"{array.dtype}, shape={array.shape}"
        )
    return tuple(array.tolist())
