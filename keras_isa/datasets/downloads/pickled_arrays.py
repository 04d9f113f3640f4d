"""What a pickle holds besides numbers, texts and lists: arrays, made from their bytes."""

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
    """A function or a type that a pickle names. It is only compared, never looked up.

    Args:
        value: One of `NAMES`'s values.
    """

    value: str


class Dtype:
    """A dtype, whose byte order a pickle sets later."""

    def __init__(self, dtype: np.dtype) -> None:
        self.dtype = dtype


class Array:
    """An array, whose content a pickle sets later."""

    array: np.ndarray | None = None


def set_state(target: Any, state: Any) -> None:
    """Gives a dtype its byte order, or an array its content.

    Raises:
        ValueError: If the state is that of something else. The message is only the reason.
    """
    if isinstance(target, Dtype):
        _, order, *others = state
        order = text_of(order)
        if order not in ("<", ">", "|", "=") or others[:3] != [None] * 3:
            raise ValueError("it describes a dtype that is not of numbers")
        target.dtype = target.dtype.newbyteorder(order)
    elif isinstance(target, Array) and target.array is None:
        _, shape, dtype, by_columns, content = state
        target.array = array_of(content, dtype, shape, "F" if by_columns else "C")
    else:
        raise ValueError("it sets the state of what has none")


def text_of(value: Any) -> str:
    """A short text; Python 2 wrote them as bytes."""
    if isinstance(value, bytes):
        return value.decode("latin1")
    if not isinstance(value, str):
        raise ValueError("a text in it is none")
    return value


def pairs(values: list[Any]) -> dict[str, Any]:
    """A dictionary of keys and values in turn."""
    if len(values) % 2:
        raise ValueError("a key in it has no value")
    return {text_of(key): value for key, value in zip(values[::2], values[1::2], strict=True)}


def _dtype(text: Any, *_: Any) -> Dtype:
    name = text_of(text)
    if name.lstrip("<>|=") not in _NUMBERS:
        raise ValueError(f"it has an array of the dtype {one_line(name)!r}, not of numbers")
    return Dtype(np.dtype(name))


def _empty(kind: Any, *_: Any) -> Array:
    if kind != Name(_NDARRAY):
        raise ValueError("it has an array of a kind of its own")
    return Array()


def array_of(content: Any, dtype: Any, shape: Any, order: Any = "C") -> np.ndarray:
    """The array of some bytes, which is not copied."""
    if not isinstance(dtype, Dtype) or not isinstance(content, bytes | memoryview | bytearray):
        raise ValueError("it has an array that is not of numbers")
    shape = (shape,) if isinstance(shape, int) else shape
    if not isinstance(shape, tuple) or not all(isinstance(n, int) and n >= 0 for n in shape):
        raise ValueError("it has an array without a shape")
    if len(shape) > 8:  # before they are multiplied, as each may be a number of many digits
        raise ValueError("it has an array of more than eight axes")
    needed = math.prod(shape) * dtype.dtype.itemsize
    if needed != len(content):
        raise ValueError(f"an array needs {needed:,} bytes and there are {len(content):,}")
    flat = np.frombuffer(content, dtype.dtype)
    return flat.reshape(shape, order="F" if text_of(order) == "F" else "C")


def _scalar(dtype: Any, content: Any) -> int | float:
    return array_of(content, dtype, ()).item()


def _from_buffer(content: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    return array_of(content, dtype, shape, order)


def _no_bytes() -> bytes:
    """What Python 3 writes in the old protocols where there are no bytes."""
    return b""


MAKERS: dict[str, Callable[..., Any]] = {
    _RECONSTRUCT: _empty,
    _DTYPE: _dtype,
    _SCALAR: _scalar,
    _FROM_BUFFER: _from_buffer,
    _BYTES: _no_bytes,
}


def finished(values: dict[str, Any]) -> dict[str, Any]:
    """The dictionary with arrays in place of what they were built in."""
    return {key: _finished_array(value) for key, value in values.items()}


def _finished_array(value: Any) -> Any:
    if not isinstance(value, Array):
        return value
    if value.array is None:
        raise ValueError("it has an array without content")
    return value.array
