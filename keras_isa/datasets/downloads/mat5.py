"""Arrays of numbers in MATLAB files of version 5, which `save -v6` and `save -v7` write.

Only what an image set needs is read: real arrays of numbers at the top level of the file. Cells,
structs, objects and functions are skipped.
"""

from __future__ import annotations

import math
import os
import struct
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import BinaryIO

import numpy as np

from keras_isa.datasets.expansion import IMAGES
from keras_isa.memory import check_memory

_HEADER = 128
_VERSION_5, _VERSION_7_3 = 0x0100, 0x0200
_MATRIX, _COMPRESSED = 14, 15
# MATLAB's codes for the types of stored numbers, and for the types of arrays.
_STORED = {
    1: "<i1",
    2: "<u1",
    3: "<i2",
    4: "<u2",
    5: "<i4",
    6: "<u4",
    7: "<f4",
    9: "<f8",
    12: "<i8",
    13: "<u8",
}
_ARRAYS = {
    6: "f8",
    7: "f4",
    8: "i1",
    9: "u1",
    10: "i2",
    11: "u2",
    12: "i4",
    13: "u4",
    14: "i8",
    15: "u8",
}
_COMPLEX = 0x0800
_MAX_NAME_LENGTH = 63
_CHUNK = 1 << 20


def read_arrays(path: Path, names: Collection[str]) -> dict[str, np.ndarray]:
    """Returns the arrays of these names that the file has, in MATLAB's order of axes.

    As in MATLAB, the first axis varies fastest in memory. A loop over the last axis is therefore
    the fast one.

    Args:
        path: The file.
        names: Names of variables. Others are skipped.

    Raises:
        ValueError: If the file has another format or is damaged, or one of the variables is no
            array of real numbers. A damaged file may also raise an `OSError`, `struct.error` or
            `zlib.error`.
    """
    found = {}
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        _check_header(file.read(_HEADER))
        position = _HEADER
        while position < size:
            file.seek(position)
            kind, length = struct.unpack("<II", _read_exactly(file, 8))
            position += 8 + length
            if position > size:
                raise ValueError(f"it ends {position - size:,} bytes too early")
            if kind not in (_MATRIX, _COMPRESSED):
                raise ValueError(f"it holds an element of the unknown kind {kind}")
            element = _Stored(file, length) if kind == _MATRIX else _Deflated(file, length)
            name, array = _read_array(element, names)
            if array is not None:
                if name in found:
                    raise ValueError(f"it has {name} twice")
                found[name] = array
    return found


def _check_header(header: bytes) -> None:
    if len(header) == _HEADER:
        version, order = struct.unpack_from("<H2s", header, 124)
        if order == b"IM" and version == _VERSION_7_3:
            raise ValueError(
                "it has MATLAB's version 7.3, which is HDF5; save it again in MATLAB with save "
                "-v7, or in Python with scipy.io.savemat"
            )
        if order == b"IM" and version == _VERSION_5:
            return
    raise ValueError("it does not have the header of a MATLAB file of version 5")


def _read_exactly(file: BinaryIO, count: int) -> bytes:
    content = file.read(count)
    if len(content) != count:
        raise ValueError("it ends too early")
    return content


class _Stored:
    """The bytes of an element that is not compressed."""

    def __init__(self, file: BinaryIO, length: int) -> None:
        self._file, self._left = file, length

    def read(self, count: int) -> bytearray:
        if count > self._left:
            raise ValueError("an array has more bytes than its element")
        self._left -= count
        content = bytearray(count)
        if self._file.readinto(content) != count:
            raise ValueError("it ends too early")
        return content

    def end(self) -> None:
        if self._left >= 8:
            raise ValueError("an array has fewer bytes than its element")


class _Deflated:
    """The bytes of a compressed element, which begin with the header of the array in it."""

    def __init__(self, file: BinaryIO, length: int) -> None:
        self._file, self._compressed = file, length
        self._zlib, self._pending = zlib.decompressobj(), b""
        self._left = 8
        kind, self._left = struct.unpack("<II", self.read(8))
        if kind != _MATRIX:
            raise ValueError("a compressed element holds no array")
        IMAGES.check(length, self._left)

    def read(self, count: int) -> bytearray:
        if count > self._left:
            raise ValueError("an array has more bytes than its element")
        self._left -= count
        content, filled = bytearray(count), 0
        while filled < count:
            piece = self._next(min(count - filled, _CHUNK))
            content[filled : filled + len(piece)] = piece
            filled += len(piece)
        return content

    def end(self) -> None:
        """Reads to the end of the element, where zlib checks the checksum."""
        if self._left >= 8:
            raise ValueError("an array has fewer bytes than its element")
        self.read(self._left)
        while not self._zlib.eof:
            if self._next(1):
                raise ValueError("a compressed element is longer than it says")

    def _next(self, most: int) -> bytes:
        if not self._pending:
            self._pending = self._file.read(min(self._compressed, _CHUNK))
            self._compressed -= len(self._pending)
            if not self._pending:
                raise ValueError("a compressed element ends too early")
        piece = self._zlib.decompress(self._pending, most)
        self._pending = self._zlib.unconsumed_tail
        if self._zlib.eof and not piece:
            raise ValueError("a compressed element ends too early")
        return piece


def _read_array(
    element: _Stored | _Deflated, names: Collection[str]
) -> tuple[str, np.ndarray | None]:
    """Returns the name of a variable, and its array, or `None` if the name is not in `names`."""
    kind, length = _part(element)
    if (kind, length) != (6, 8):
        raise ValueError("an array has no header")
    (flags,) = struct.unpack_from("<I", element.read(8))
    kind, length = _part(element)
    if kind != 5 or not 8 <= length <= 8 * 32:
        raise ValueError("an array has no shape")
    shape = struct.unpack(f"<{length // 4}i", _padded(element, length))
    kind, length, *content = _small_part(element)
    if kind != 1 or length > _MAX_NAME_LENGTH:
        raise ValueError("an array has no name")
    name = (content[0] if content else _padded(element, length)).decode("latin-1")
    if name not in names:
        return name, None
    if flags & 0xFF not in _ARRAYS or flags & _COMPLEX:
        raise ValueError(f"{name} is no array of real numbers")
    kind, length, *content = _small_part(element)
    count = math.prod(shape)
    if min(shape) < 0 or kind not in _STORED or count * np.dtype(_STORED[kind]).itemsize != length:
        raise ValueError(f"{name} cannot have shape {shape} in {length:,} bytes")
    check_memory(2 * length, name, "free memory, or use a machine with more")
    stored = np.frombuffer(content[0] if content else element.read(length), _STORED[kind])
    if not content:
        element.end()
    return name, stored.astype(_ARRAYS[flags & 0xFF], copy=False).reshape(shape, order="F")


def _part(element: _Stored | _Deflated) -> tuple[int, int]:
    return struct.unpack("<II", element.read(8))


def _small_part(element: _Stored | _Deflated) -> tuple[int, int, bytearray] | tuple[int, int]:
    """Returns kind and length of a part, and its bytes if they are so few that its header has them.

    Four bytes or fewer are stored in the header itself.
    """
    head = element.read(8)
    kind, length = struct.unpack("<HH", head[:4])
    if not length:
        return struct.unpack("<II", head)
    if length > 4:
        raise ValueError("an array is damaged")
    return kind, length, head[4 : 4 + length]


def _padded(element: _Stored | _Deflated, length: int) -> bytearray:
    """Returns the bytes of a part, which is padded to a multiple of eight bytes."""
    return element.read(length + -length % 8)[:length]
