"""Images from an `.npz` file with the keys of `keras.datasets`."""

import lzma
import math
import os
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import numpy as np

from keras_isa.asset.archive import open_archive
from keras_isa.datasets.array_parts import CLASS_NAMES, ArrayParts
from keras_isa.datasets.growth import DEFLATE
from keras_isa.datasets.parts import STORE_AS_NPY
from keras_isa.inputs.text import one_line
from keras_isa.memory import check_memory

# What numpy and zipfile raise on a file that is cut short, altered, or of a kind they cannot read.
UNREADABLE = (
    ValueError,
    TypeError,
    LookupError,
    EOFError,
    OSError,
    ArithmeticError,
    MemoryError,
    RuntimeError,
    SyntaxError,
    tokenize.TokenError,
    struct.error,
    zipfile.BadZipFile,
    lzma.LZMAError,
    zlib.error,
)
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def read_npz(path: str | os.PathLike[str]) -> ArrayParts:
    """Returns the arrays of a file written by `numpy.savez` or `numpy.savez_compressed`.

    Nothing is ever unpickled, so a file from a stranger cannot run code.

    Args:
        path: a file with the arrays `x_train`, `y_train`, `x_test`, `y_test` (shapes and dtypes as
            in `Dataset`), with those of one part, or with `x` and `y`; other usual names of them
            are known. If wanted, `class_names`, a one-dimensional array of strings.

    Raises:
        TypeError: an array of the wrong dtype.
        ValueError: no such file, not an `.npz` file, no images with labels, the arrays do not fit
            into memory, or one cannot be read without unpickling.
    """
    path = os.path.abspath(path)
    if not os.path.isfile(path):
        raise ValueError(f"`source` must be an existing .npz file. Received: {path}")
    with open_npz(path) as archive:
        needed = sum(member.file_size for member in archive.zip.infolist())
        check_memory(needed, f"`source` {path} in memory", STORE_AS_NPY)
        class_names = None
        if CLASS_NAMES in archive.files:
            class_names = _class_names(_read(archive, CLASS_NAMES, path))
        # Every access to an archive decompresses again, so each key is read once.
        return ArrayParts.read(
            archive.files,
            lambda key, images: _read(archive, key, path),
            path,
            class_names,
            f"{path} with {', '.join(map(one_line, archive.files[:20])) or 'no arrays'}",
        )


@contextmanager
def open_npz(path: str | os.PathLike[str]) -> Iterator[np.lib.npyio.NpzFile]:
    # Opened here, because numpy leaves a damaged archive open.
    with open(path, "rb") as file:
        if file.read(len(np.lib.format.MAGIC_PREFIX)) == np.lib.format.MAGIC_PREFIX:
            raise ValueError(
                "`source` must be an .npz file with named arrays. Received: "
                f"{path}, a single .npy array"
            )
        try:
            with open_archive(path):  # so what numpy opens is a zip file with a short list
                file.seek(0)
                archive = np.load(file, allow_pickle=False)
        except UNREADABLE as error:
            raise ValueError(
                "`source` must be an .npz file as numpy.savez writes it, or a folder of images; "
                "save the features (N, F) and labels (N,) of a table as x and y. Received: "
                f"{path}, which is something else or damaged"
            ) from error
        with archive:
            yield archive


def _read(archive: np.lib.npyio.NpzFile, key: str, path: str) -> np.ndarray:
    try:
        array = checked_array(archive, key)
    except UNREADABLE as error:
        raise ValueError(
            f"`{key}` must be an undamaged array of numbers, or of strings as `.astype(str)` makes "
            f"them of objects, which are never unpickled. Received: {path} ({one_line(error)})"
        ) from error
    if not isinstance(array, np.ndarray):  # a member that is not in numpy's format comes as bytes
        raise ValueError(f"`{key}` must be a numpy array. Received: {path} with other contents")
    return array


def checked_array(archive: np.lib.npyio.NpzFile, key: str) -> np.ndarray:
    """Reads an array whose header asks for as much memory as the archive says it has bytes.

    Args:
        archive: What `numpy.load` returned.
        key: Name of the array.

    Returns:
        The array, or bytes where the member is none.

    Raises:
        ValueError: If the header does not fit. What else a damaged file raises is `UNREADABLE`.
    """
    name = key if key in archive.zip.namelist() else f"{key}.npy"
    member = archive.zip.getinfo(name)
    DEFLATE.check(member.compress_size, member.file_size)
    with archive.zip.open(member) as file:
        if file.read(len(np.lib.format.MAGIC_PREFIX)) == np.lib.format.MAGIC_PREFIX:
            check_header(file, member.file_size)
    return archive[key]


def check_header(file: BinaryIO, size: int) -> None:
    """Refuses an array whose header says that it has more or fewer bytes than there are.

    Args:
        file: An `.npy` file, wherever it stands.
        size: Its bytes in all.

    Raises:
        ValueError: If they do not fit. What else a damaged header raises is `UNREADABLE`.
    """
    file.seek(0)
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        raise ValueError(f"it has version {version}, which is not of an array of numbers")
    shape, _, dtype = _HEADERS[version](file)
    if dtype.hasobject:
        raise ValueError("it holds objects")
    if min(shape, default=1) < 0 or (0 not in shape and not dtype.itemsize):
        raise ValueError(f"it cannot have shape {shape} and dtype {dtype}")
    needed, there = math.prod(shape) * dtype.itemsize, size - file.tell()
    if needed != there:
        raise ValueError(f"its header asks for {needed:,} bytes and there are {there:,}")


def _class_names(array: np.ndarray) -> tuple[str, ...]:
    if array.dtype.kind != "U" or array.ndim != 1:
        raise TypeError(
            "`class_names` must be a one-dimensional array of strings. Received: dtype="
            f"{array.dtype}, shape={array.shape}"
        )
    return tuple(array.tolist())
