"""The arrays in a pickle, which are made from their bytes without calling anything it names."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from keras_isa.inputs.text import one_line

_NDARRAY = "numpy.ndarray"
_DTYPE = "numpy.dtype"
ENCODE = "_codecs.encode"
_RECONSTRUCT, _SCALAR = "multiarray._reconstruct", "multiarray.scalar"
_FROM_BUFFER = "numeric._frombuffer"
_BYTES = "__builtin__.bytes"
# NumPy 2 renamed the package.
NAMES = {
    f"numpy.{core}.{name}": name
    for core in ("core", "_core")
    for name in (_RECONSTRUCT, _SCALAR, _FROM_BUFFER)
} | {name: name for name in (_NDARRAY, _DTYPE, _BYTES, ENCODE)}
_NUMBERS = {f"{kind}{size}" for kind in "ui" for size in (1, 2, 4, 8)} | {"f4", "f8", "b1"}


@dataclasses.dataclass(frozen=True)
class Name:
    """The name of a function or a type in a pickle. It is only compared, and never looked up.

    Args:
        value: One of the values of `NAMES`.
    """

    value: str


class Dtype:
    """A dtype. A pickle sets its byte order in a later instruction."""

    def __init__(self, dtype: np.dtype) -> None:
        self.dtype = dtype


class Array:
    """An array. A pickle sets its content in a later instruction."""

    array: np.ndarray | None = None


def set_state(target: Any, state: Any) -> None:
    """Sets the byte order of a dtype or the content of an array.

    Raises:
        ValueError: If `target` is something else. The message is only the reason.
    """
    if isinstance(target, Dtype):
        _, order, *others = state
        order = to_text(order)
        if order not in ("<", ">", "|", "=") or others[:3] != [None] * 3:
            raise ValueError("it has a dtype that is not one of numbers")
        target.dtype = target.dtype.newbyteorder(order)
    elif isinstance(target, Array) and target.array is None:
        _, shape, dtype, by_columns, content = state
        target.array = to_array(content, dtype, shape, "F" if by_columns else "C")
    else:
        raise ValueError("it sets the state of something that is neither an array nor a dtype")


def to_text(value: Any) -> str:
    """Returns a short text from a pickle as a string; Python 2 wrote texts as bytes."""
    if isinstance(value, bytes):
        return value.decode("latin1")
    if not isinstance(value, str):
        raise ValueError("it has another value where a text should be")
    return value


def to_dictionary(values: list[Any]) -> dict[str, Any]:
    """Returns a dictionary from a list of alternating keys and values."""
    if len(values) % 2:
        raise ValueError("a key in it has no value")
    return {to_text(key): value for key, value in zip(values[::2], values[1::2], strict=True)}


def _dtype(text: Any, *_: Any) -> Dtype:
    name = to_text(text)
    if name.lstrip("<>|=") not in _NUMBERS:
        raise ValueError(f"it has an array of dtype {one_line(name)!r}, not of numbers")
    return Dtype(np.dtype(name))


def _empty(kind: Any, *_: Any) -> Array:
    if kind != Name(_NDARRAY):
        raise ValueError("it has an array of a class other than numpy.ndarray")
    return Array()


def to_array(content: Any, dtype: Any, shape: Any, order: Any = "C") -> np.ndarray:
    """Returns the array that some bytes hold, without copying them."""
    if not isinstance(dtype, Dtype) or not isinstance(content, bytes | memoryview | bytearray):
        raise ValueError("it has an array that is not of numbers")
    shape = (shape,) if isinstance(shape, int) else shape
    if not isinstance(shape, tuple) or not all(isinstance(n, int) and n >= 0 for n in shape):
        raise ValueError("it has an array without a shape")
    if len(shape) > 8:  # a product of many huge lengths would take forever
        raise ValueError("it has an array of more than eight axes")
    needed = math.prod(shape) * dtype.dtype.itemsize
    if needed != len(content):
        raise ValueError(f"an array needs {needed:,} bytes, but there are {len(content):,}")
    flat = np.frombuffer(content, dtype.dtype)
    return flat.reshape(shape, order="F" if to_text(order) == "F" else "C")


MAKERS: dict[str, Callable[..., Any]] = {
    _RECONSTRUCT: _empty,
    _DTYPE: _dtype,
    _SCALAR: lambda dtype, content: to_array(content, dtype, ()).item(),
    _FROM_BUFFER: to_array,
    _BYTES: lambda: b"",  # Python 3 writes empty bytes as a call of `bytes()` in old protocols
}


def unwrap_arrays(values: dict[str, Any]) -> dict[str, Any]:
    """Returns the dictionary with NumPy arrays in place of `Array` objects."""
    arrays = {key: value for key, value in values.items() if isinstance(value, Array)}
    if any(one.array is None for one in arrays.values()):
        raise ValueError("it has an array without content")
    return values | {key: one.array for key, one in arrays.items()}
