"""Checks of the arrays in the file of a distilled set, before anything is made of them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager

import h5py
import numpy as np

# Groups and arrays; the layers of a set have a few dozen.
_MOST_OBJECTS = 10_000


@contextmanager
def stored_arrays(content: bytes) -> Iterator[dict[str, h5py.Dataset]]:
    """Opens the arrays of an HDF5 file if they lie in it as Keras writes them.

    Each array is stored once, whole and uncompressed, so that together they need no more memory
    than the file has bytes; links and arrays that lead to other files are refused unfollowed.

    Args:
        content: The file.

    Yields:
        The arrays by their paths, such as `"vars/images"`.

    Raises:
        ValueError: If anything in the file is stored in another way.
        OSError: If it is not an HDF5 file.
    """
    with h5py.File(io.BytesIO(content), "r") as file:
        arrays = dict(_walk(file))
        for name, array in arrays.items():
            _check_storage(name, array)
        if sum(array.nbytes for array in arrays.values()) > len(content):
            raise ValueError("its arrays overlap")
        yield arrays


def _walk(file: h5py.File) -> Iterator[tuple[str, h5py.Dataset]]:
    """Yields the arrays in all groups; no object may be reached in two ways."""
    groups = [("", file)]
    seen = {_address(file)}
    while groups:
        prefix, group = groups.pop()
        for key in group:
            name = prefix + key
            if type(group.get(key, getlink=True)) is not h5py.HardLink:
                raise ValueError(f"{name!r} is a link")
            item = group[key]
            if _address(item) in seen or len(seen) > _MOST_OBJECTS:
                raise ValueError(f"{name!r} repeats, or there are too many like it")
            seen.add(_address(item))
            if isinstance(item, h5py.Group):
                groups.append((f"{name}/", item))
            elif isinstance(item, h5py.Dataset):
                yield name, item
            else:
                raise ValueError(f"{name!r} is not an array")


def _address(item: h5py.Group | h5py.Dataset) -> int:
    return h5py.h5o.get_info(item.id).addr


def _check_storage(name: str, array: h5py.Dataset) -> None:
    plan = array.id.get_create_plist()
    if plan.get_layout() != h5py.h5d.CONTIGUOUS or plan.get_external_count():
        raise ValueError(f"the array {name!r} is not stored as it is")
    if array.dtype.kind not in "biuf" and array.dtype.hasobject:
        raise ValueError(f"the array {name!r} holds no numbers")
    # HDF5 would fill up with zeros what is declared and not stored.
    if array.shape is None or array.id.get_storage_size() != array.nbytes:
        raise ValueError(f"the array {name!r} is not stored whole")


def checked_values(
    name: str, array: h5py.Dataset, shape: tuple[int, ...], dtype: str = "float32"
) -> np.ndarray:
    """Reads an array if it holds finite numbers in a certain shape.

    Args:
        name: Its path, for the message.
        array: The array.
        shape: The shape it must have.
        dtype: `"float32"` for floats of any length, or `"uint8"`.

    Returns:
        Its values, in its own dtype.

    Raises:
        ValueError: If it does not.
    """
    fits = array.dtype.kind == "f" if dtype == "float32" else array.dtype == dtype
    if array.shape != shape or not fits or len(array.attrs):
        raise ValueError(
            f"the array {name!r} has shape {array.shape} and dtype {array.dtype} where its "
            f"settings say {shape} and {dtype}"
        )
    values = array[()]
    if not np.isfinite(values).all():
        raise ValueError(f"the array {name!r} holds values that are not finite")
    return values
