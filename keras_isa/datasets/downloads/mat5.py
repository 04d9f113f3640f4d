"""Arrays of numbers in MATLAB files of version 5, which `save -v6` and `save -v7` write."""

from __future__ import annotations

import math
import os
import struct
import warnings
import zlib
from collections.abc import Collection
from pathlib import Path

import numpy as np

from keras_isa.datasets.expansion import IMAGES
from keras_isa.memory import check_memory

_HEADER_BYTES, _COMPRESSED = 128, 15
# Bytes that are read, and bytes that are unpacked, at once.
_PACKED, _UNPACKED = 1 << 16, 1 << 20

# MATLAB's types of real numbers. NumPy has the same names.
_REAL = {
    *("double", "single"),
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
}


def read_arrays(path: Path, names: Collection[str]) -> dict[str, np.ndarray]:
    """Returns the arrays of these names that the file has, in MATLAB's order of axes.

    As in MATLAB, the first axis varies fastest in memory. A loop over the last axis is therefore
    the fast one.

    Args:
        path: The file.
        names: Names of variables. Others are skipped.

    Raises:
        ValueError: If the file has another format or is damaged, expands more than images can, or
            one of the variables is no array of real numbers.
    """
    from scipy.io import loadmat, matlab, whosmat

    try:
        version, _ = matlab.matfile_version(path)
        if version == 2:
            raise ValueError(
                "it has MATLAB's version 7.3, which is HDF5; save it again in MATLAB with save "
                "-v7, or in Python with scipy.io.savemat"
            )
        if version != 1:
            raise ValueError("it does not have the header of a MATLAB file of version 5")
        _check_growth(path)
        found = [one for one in whosmat(path) if one[0] in names]
        _check_variables(path, found)
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # scipy only warns of damage that it can pass over
            arrays = loadmat(path, variable_names=[name for name, *_ in found])
    except ValueError:
        raise
    except Exception as error:  # scipy raises errors of many types for damaged files
        raise ValueError(str(error) or type(error).__name__) from error
    return {name: _real(arrays[name], name, kind) for name, _, kind in found}


def _check_growth(path: Path) -> None:
    """Raises a ValueError for a file that expands more than images can.

    scipy unpacks as much as the file says, whatever the shapes of its arrays.
    """
    size, unpacked = os.path.getsize(path), 0
    with open(path, "rb") as file:
        order = "<" if file.read(_HEADER_BYTES).endswith(b"IM") else ">"
        while len(tag := file.read(8)) == 8:
            kind, length = struct.unpack(f"{order}II", tag)
            end, stream = file.tell() + length, zlib.decompressobj()
            while kind == _COMPRESSED and not stream.eof:
                packed = stream.unconsumed_tail or file.read(min(_PACKED, end - file.tell()))
                if not packed:
                    break  # scipy's error says more about a file that ends early
                unpacked += len(stream.decompress(packed, _UNPACKED))
                IMAGES.check(size, unpacked)
            file.seek(end)


def _check_variables(path: Path, found: list[tuple[str, tuple[int, ...], str]]) -> None:
    """Raises a ValueError for variables that are no numbers, or larger than images can be."""
    names = [name for name, *_ in found]
    for name, shape, kind in found:
        if names.count(name) > 1:
            raise ValueError(f"it has {name} twice")
        if kind not in _REAL:
            raise ValueError(f"{name} is no array of real numbers")
        needed = math.prod(shape) * np.dtype(kind).itemsize
        IMAGES.check(os.path.getsize(path), needed)
        check_memory(2 * needed, name, "free memory, or use a machine with more")


def _real(array: np.ndarray, name: str, kind: str) -> np.ndarray:
    """Returns an array in MATLAB's type for it; the file may store it in a smaller one."""
    if array.dtype.kind == "c":
        raise ValueError(f"{name} is no array of real numbers")
    return array.astype(kind, copy=False)
