"""Arrays of numbers in the files that MATLAB calls version 5 (`save -v6`, `save -v7`).

Only what an image set needs is read: real arrays of numbers at the top of the file. Lists (cells),
records (structs), objects and functions are never looked into.
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

from keras_isa.datasets.growth import IMAGES
from keras_isa.memory import check_memory

_HEADER = 128
_VERSION_5, _VERSION_7_3 = 0x0100, 0x0200
_MATRIX, _COMPRESSED = 14, 15
# Kinds of stored numbers, and kinds of arrays, as MATLAB numbers them.
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
_LONGEST_NAME = 63
_CHUNK = 1 << 20


def read_arrays(path: Path, names: Collection[str]) -> dict[str, np.ndarray]:
    """Returns the arrays of these names, those that there are, in MATLAB's order of axes.

    The numbers lie as MATLAB keeps them, the first axis varying fastest, so the last axis of an
    array is the one to go along.

    Args:
        path: The file.
        names: Names of variables. Others are passed over.

    Raises:
        ValueError: If it is no such file, or damaged, or one of the variables is no array of real
            numbers. A damaged file may also raise an `OSError`, `struct.error` or `zlib.error`.
    """
    found = {}
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        _check_header(file.read(_HEADER))
        place = _HEADER
        while place < size:
            file.seek(place)
            kind, length = struct.unpack("<II", _exactly(file, 8))
            place += 8 + length
            if place > size:
                raise ValueError(f"it ends {place - size:,} bytes too early")
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
                "it has MATLAB's version 7.3, which is HDF5; write it again in MATLAB with save "
                "-v7, or in Python with scipy.io.savemat"
            )
        if order == b"IM" and version == _VERSION_5:
            return
    raise ValueError("it has not the header of a MATLAB file of version 5")


def _exactly(file: BinaryIO, count: int) -> bytes:
    content = file.read(count)
    if len(content) != count:
        raise ValueError("it ends too early")
    return content


class _Stored:
    """The bytes of an element that lies in the file as it is."""

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
    """The bytes of a compressed element, which begin with the head of the array within."""

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
        """Reads on to the checksum."""
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
    """The name of a variable, and its array if the name is wanted."""
    kind, length = _part(element)
    if (kind, length) != (6, 8):
        raise ValueError("an array has no head")
    (flags,) = struct.unpack_from("<I", element.read(8))
    kind, length = _part(element)
    if kind != 5 or not 8 <= length <= 8 * 32:
        raise ValueError("an array has no shape")
    shape = struct.unpack(f"<{length // 4}i", _padded(element, length))
    kind, length, *content = _small_part(element)
    if kind != 1 or length > _LONGEST_NAME:
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
    check_memory(2 * length, name, "free some, or take a machine with more")
    stored = np.frombuffer(content[0] if content else element.read(length), _STORED[kind])
    if not content:
        element.end()
    return name, stored.astype(_ARRAYS[flags & 0xFF], copy=False).reshape(shape, order="F")


def _part(element: _Stored | _Deflated) -> tuple[int, int]:
    return struct.unpack("<II", element.read(8))


def _small_part(element: _Stored | _Deflated) -> tuple[int, int, bytearray] | tuple[int, int]:
    """Kind and length of a part, and its bytes where they are few enough to lie in its head."""
    head = element.read(8)
    kind, length = struct.unpack("<HH", head[:4])
    if not length:
        return struct.unpack("<II", head)
    if length > 4:
        raise ValueError("an array is damaged")
    return kind, length, head[4 : 4 + length]


def _padded(element: _Stored | _Deflated, length: int) -> bytearray:
    """The bytes of a part, which fills up eights."""
    return element.read(length + -length % 8)[:length]
