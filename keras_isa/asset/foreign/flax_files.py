"""Checkpoints of flax, which are msgpack with arrays as extensions."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_isa.asset.foreign.found import Found, shown_names
from keras_isa.memory import check_memory

# Numbers of the extensions for an array and for a number that NumPy holds.
_ARRAY, _NUMBER = 1, 3
_DTYPES = {f"float{bits}" for bits in (16, 32, 64)} | {
    f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)
}
# Maps and lists of a file, and entries of one; a checkpoint has a few dozen.
_MOST = 10_000
# Bytes of memory for each byte of a file that is made of the smallest objects.
_EXPANSION = 24


def read_flax(path: Path, groups: Sequence[str]) -> Found:
    """Reads `x_proto` and `y_proto` of a checkpoint.

    Args:
        path: The file.
        groups: Where they may be, such as `"params"`; the first that has both is read.

    Raises:
        ImportError: If `msgpack` is not installed.
        ValueError: If the file is no such checkpoint.
    """
    tree = _tree(path)
    for group in groups:
        values = tree.get(group)
        if isinstance(values, dict) and all(
            isinstance(values.get(name), np.ndarray) for name in ("x_proto", "y_proto")
        ):
            others = [name for name in tree if name != group]
            unused = (f"{shown_names(others)} of the checkpoint",) if others else ()
            return Found(values["x_proto"], values["y_proto"], unused)
    raise ValueError(
        f"it has no x_proto and y_proto in {' or '.join(groups)}, but {shown_names(list(tree))}"
    )


def _tree(path: Path) -> dict[str, Any]:
    try:
        import msgpack
    except ImportError as error:
        raise ImportError(
            "checkpoints of flax are read by the package msgpack, which is not installed: "
            "pip install 'keras-isa[foreign]'"
        ) from error
    check_memory(_EXPANSION * os.path.getsize(path), "reading it", "free some")
    count = _Counter()
    try:
        tree = msgpack.unpackb(
            path.read_bytes(),
            raw=False,
            ext_hook=_extension,
            object_hook=count.checked,
            list_hook=count.checked,
            max_map_len=_MOST,
            max_array_len=_MOST,
        )
    except _Refused:
        raise
    except Exception as error:
        raise ValueError("it is damaged, or no msgpack file of flax") from error
    if not isinstance(tree, dict):
        raise ValueError("it is no checkpoint of flax")
    return tree


class _Refused(ValueError):
    """What a file holds is not that of a checkpoint."""


class _Counter:
    """Refuses more maps and lists than a checkpoint has."""

    def __init__(self) -> None:
        self._left = _MOST

    def checked(self, value: Any) -> Any:
        self._left -= 1
        if self._left < 0:
            raise _Refused(f"it has more than {_MOST:,} maps and lists")
        return value


def _extension(code: int, content: bytes) -> Any:
    import msgpack

    if code not in (_ARRAY, _NUMBER):
        raise _Refused(f"it has an extension {code}, which is no array")
    fields: Callable = msgpack.unpackb
    shape, dtype, values = fields(content, max_array_len=16, max_map_len=0)
    if dtype not in _DTYPES or not all(type(size) is int and size >= 0 for size in shape):
        raise _Refused("it has an array whose shape or dtype cannot be read")
    array = np.frombuffer(values, dtype)
    if len(array) != math.prod(shape):
        raise _Refused("it has an array with another number of values than its shape")
    return array.reshape(shape)
