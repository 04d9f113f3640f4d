"""Images from an `.npz` file with the keys of `keras.datasets`."""

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import numpy as np

from keras_isa.archive import open_archive
from keras_isa.datasets.array_parts import CLASS_NAMES, ArrayParts
from keras_isa.datasets.expansion import DEFLATE
from keras_isa.datasets.file_kinds import kind_of_content
from keras_isa.datasets.parts import STORE_AS_NPY
from keras_isa.inputs.text import one_line
from keras_isa.memory import check_memory

NUMBERS_ONLY = (
    "of numbers or strings. Arrays of objects are never unpickled; `.astype(str)` turns them into "
    "strings"
)
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def read_npz(path: str | os.PathLike[str]) -> ArrayParts:
    """Returns the arrays of a file written by `numpy.savez` or `numpy.savez_compressed`.

    Pickled objects are refused, so a file from a stranger cannot run code.

    Args:
        path: a file with the arrays `x_train`, `y_train`, `x_test`, `y_test` (shapes and dtypes as
            in `Dataset`), with only the two of one part, or with `x` and `y`. Other usual names are
            recognised too. `class_names`, a one-dimensional array of strings, is optional.

    Raises:
        TypeError: an array has the wrong dtype.
        ValueError: the file is missing or is no `.npz` file, it has no images with labels, the
            arrays do not fit into memory, or an array cannot be read without unpickling.
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
        # Every access to a key decompresses its array again, so each key is read only once.
        return ArrayParts.read(
            archive.files,
            lambda key, images: _read(archive, key, path),
            path,
            class_names,
            f"{path} with {', '.join(map(one_line, archive.files[:20])) or 'no arrays'}",
        )


@contextmanager
def open_npz(path: str | os.PathLike[str]) -> Iterator[np.lib.npyio.NpzFile]:
    """Gives the arrays of an `.npz` file.

    Raises:
        ValueError: If it is a single array, something else or damaged.
    """
    # The file is opened here, because numpy does not close a damaged archive.
    with open(path, "rb") as file:
        try:
            with open_archive(path):  # this refuses a zip file whose list of members is forged
                file.seek(0)
                archive = np.load(file, allow_pickle=False)
        except Exception as error:  # numpy and zipfile raise errors of many types for damaged files
            kind = kind_of_content(path)
            if kind in (None, "a zip file"):
                advice = "to use a table, save its features (N, F) and labels (N,) as x and y"
                kind = "something else or damaged"
            else:
                advice = "pass one of them"
            raise ValueError(
                "`source` must be an .npz file that numpy.savez has written, or a folder of "
                f"images; {advice}. Received: {path}, which is {kind}"
            ) from error
        with archive:
            yield archive


@contextmanager
def undamaged(path: str | os.PathLike[str], needed: str) -> Iterator[None]:
    """Turns the errors of many types about a damaged file into one that names the file.

    Args:
        path: The file or folder.
        needed: What it must be, for the message.

    Raises:
        ValueError: If the block raises an error.
    """
    try:
        yield
    except Exception as error:
        # Errors that begin with an argument in backticks come from this library.
        is_own = isinstance(error, TypeError | ValueError) and str(error).startswith("`")
        if is_own or isinstance(error, Warning):
            raise
        kind = (os.path.isfile(path) and kind_of_content(path)) or ""
        words = " ".join(str(error).split()) or type(error).__name__
        reason = f"it is {kind}" if "Git LFS" in kind else one_line(words)
        raise ValueError(f"{needed}. Received: {path} ({reason})") from error


def _read(archive: np.lib.npyio.NpzFile, key: str, path: str) -> np.ndarray:
    with undamaged(path, f"`{key}` must be an undamaged array {NUMBERS_ONLY}"):
        array = checked_array(archive, key)
    if not isinstance(array, np.ndarray):  # numpy returns bytes for other members of the archive
        raise ValueError(f"`{key}` must be a numpy array. Received: {path} with other contents")
    return array


def checked_array(archive: np.lib.npyio.NpzFile, key: str) -> np.ndarray:
    """Returns an array after checking that its header fits the bytes that the archive has for it.

    A forged header could otherwise ask for any amount of memory.

    Args:
        archive: What `numpy.load` returned.
        key: Name of the array.

    Returns:
        The array, or bytes if the member is no array.

    Raises:
        ValueError: If the header does not fit. Other errors for damaged files are in `UNREADABLE`.
    """
    name = key if key in archive.zip.namelist() else f"{key}.npy"
    member = archive.zip.getinfo(name)
    DEFLATE.check(member.compress_size, member.file_size)
    with archive.zip.open(member) as file:
        if file.read(len(np.lib.format.MAGIC_PREFIX)) == np.lib.format.MAGIC_PREFIX:
            check_header(file, member.file_size)
    return archive[key]


def check_header(file: BinaryIO, size: int) -> None:
    """Raises a ValueError if the header of an array asks for more or fewer bytes than there are.

    Args:
        file: An open `.npy` file at any position.
        size: The size of the file in bytes.

    Raises:
        ValueError: If they differ. Other errors for damaged headers are in `UNREADABLE`.
    """
    file.seek(0)
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        raise ValueError(f"it has format version {version}, which arrays of numbers never have")
    shape, _, dtype = _HEADERS[version](file)
    if dtype.hasobject:
        raise ValueError("it holds objects")
    if min(shape, default=1) < 0 or (0 not in shape and not dtype.itemsize):
        raise ValueError(f"it cannot have shape {shape} and dtype {dtype}")
    needed, there = math.prod(shape) * dtype.itemsize, size - file.tell()
    if needed != there:
        raise ValueError(f"its header asks for {needed:,} bytes, but there are {there:,}")


def _class_names(array: np.ndarray) -> tuple[str, ...]:
    if array.dtype.kind != "U" or array.ndim != 1:
        raise TypeError(
            "`class_names` must be a one-dimensional array of strings. Received: dtype="
            f"{array.dtype}, shape={array.shape}"
        )
    return tuple(array.tolist())
