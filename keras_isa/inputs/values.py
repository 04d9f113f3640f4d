"""From whatever holds numbers or words to a NumPy array, or to the entry that is at fault."""

from __future__ import annotations

import numbers
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_isa.inputs.text import one_line

_LISTS = "an array, or lists of equal length"
# What stands in the cells of a column of images or of rows.
_PARTS = (list, tuple, np.ndarray)
# Modes of PIL's images whose arrays are what a viewer shows.
_PLAIN_MODES = ("L", "LA", "RGB", "RGBA", "I", "F", "I;16")


def to_array(values: Any, argument: str) -> np.ndarray:
    """Returns an array of numbers, booleans, strings, or whatever else its dtype says.

    Tensors of every backend are read wherever they are and whatever their precision, frames by
    their columns, sparse matrices in full, objects where they all are numbers or all are words.

    Args:
        values: Array, tensor, frame, list, or anything that NumPy takes.
        argument: The name the caller knows `values` by, used in errors.

    Raises:
        TypeError: `values` are something else, or numbers and words side by side.
        ValueError: Parts differ in shape, or an entry is missing.

    Example:

    >>> import numpy as np
    >>> from keras_isa.inputs.values import to_array
    >>> to_array(np.array([1, 2], object), "x").dtype
    dtype('int64')
    """
    columns = columns_of(values)
    if isinstance(values, np.ma.MaskedArray):
        _refuse_masked(np.ma.getmaskarray(values), argument)
        array = np.asarray(values.data)
    elif isinstance(values, list | tuple):
        array = _from_list(values, argument)
    else:
        array = _from_tensor(values, argument)
    if array.dtype.kind == "T":  # of its strings some may be missing
        array = array.astype(object)
    if array.dtype.kind == "V" and array.dtype.names is None:  # such as bfloat16
        try:
            array = array.astype(np.float32)
        except (TypeError, ValueError):
            raise _unusable(values, argument) from None
    if array.dtype.kind == "O":
        if array.ndim == 0:
            raise _unusable(values, argument)
        if array.ndim == 1 and all(isinstance(one, _PARTS) for one in array):
            return to_array(list(array), argument)
        return _from_objects(array, argument, columns)
    return array


def columns_of(values: Any) -> list[str] | None:
    """Returns the names of a frame's columns; `None` for what is no frame."""
    if isinstance(values, np.ndarray):
        return None
    names = getattr(values, "column_names", None)  # pyarrow
    names = getattr(values, "columns", None) if names is None else names
    if names is None or not hasattr(values, "__array__"):
        return None
    return [str(name) for name in names]


def place(index: Sequence[int], columns: Sequence[str] | None = None) -> str:
    """Returns where an entry is, in words: its row first, and the name of its column.

    Args:
        index: Of the entry.
        columns: Names of the columns of a frame.

    Example:

    >>> from keras_isa.inputs.values import place
    >>> place([4]), place([4, 1]), place([4, 1], ["age", "size"])
    ('index 4', 'row 4, column 1', "row 4, column 'size'")
    """
    row, *rest = (int(number) for number in index)
    if not rest:
        return f"index {row}"
    if len(rest) > 1:
        return f"index {row}, position ({', '.join(map(str, rest))})"
    name = rest[0] if columns is None else repr(columns[rest[0]])
    return f"row {row}, column {name}"


def first(mask: np.ndarray, columns: Sequence[str] | None = None) -> str:
    """Returns where the first true entry is, as `place` does."""
    return place(np.unravel_index(int(np.argmax(mask)), mask.shape), columns)


def is_missing(value: Any) -> bool:
    """Whether a value stands for none: `None`, NaN, or what a library has for it."""
    if value is None or type(value).__name__ in ("NAType", "NaTType", "MaskedConstant"):
        return True
    return isinstance(value, numbers.Real) and bool(value != value)


def _from_tensor(values: Any, argument: str) -> np.ndarray:
    if callable(getattr(values, "toarray", None)):  # sparse matrices of SciPy
        values = values.toarray()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a library about its own conversion
            return np.asarray(_on_host(values))
    except Exception as error:  # every library raises its own
        raise _unusable(values, argument, error) from error


def _on_host(tensor: Any) -> Any:
    """A torch tensor as NumPy can take it; anything else as it is."""
    if not (hasattr(tensor, "detach") and hasattr(tensor, "cpu")):
        return tensor
    tensor = tensor.detach().cpu()
    if getattr(tensor, "is_quantized", False):
        tensor = tensor.dequantize()
    if "strided" not in str(getattr(tensor, "layout", "strided")):  # sparse
        tensor = tensor.to_dense()
    return tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor


def _from_list(values: Sequence[Any], argument: str) -> np.ndarray:
    if values and not isinstance(values[0], list | tuple | np.ndarray | numbers.Number | str):
        if hasattr(values[0], "getbands"):
            _check_modes(values, argument)
        if hasattr(values[0], "shape") or hasattr(values[0], "getbands"):  # tensors, PIL's images
            values = [to_array(one, argument) for one in values]
    if _has_masks(values):
        _refuse_masked(_mask_of(values), argument)
    try:
        array = np.asarray(values)
        if array.dtype.kind in "US":  # NumPy makes words of numbers and of NaN beside words
            array = np.asarray(values, dtype=object)
        return array
    except Exception as error:
        shapes = [_shape(one) for one in values]
        other = next((i for i, shape in enumerate(shapes) if shape != shapes[0]), None)
        if other is None:
            raise _unusable(values, argument, error) from error
        raise ValueError(
            f"`{argument}` must be {_LISTS}. Received: shape {shapes[other]} at index {other}, and "
            f"{shapes[0]} at index 0"
        ) from error


def _shape(values: Any) -> str:
    try:
        return str(np.shape(values))
    except ValueError:
        return f"of {len(values)} unequal parts"


def _check_modes(images: Sequence[Any], argument: str) -> None:
    modes = [getattr(image, "mode", None) for image in images]
    bad = next((i for i, mode in enumerate(modes) if mode not in _PLAIN_MODES), None)
    if bad is not None:
        raise ValueError(
            f"`{argument}` must hold grey or RGB images; bring others there with "
            f"`image.convert('RGB')`. Received: mode {modes[bad]!r} at index {bad}"
        )


def _has_masks(values: Any) -> bool:
    """Whether a masked array is somewhere in lists."""
    kinds = set(map(type, values))
    if any(issubclass(kind, np.ma.MaskedArray) for kind in kinds):
        return True
    lists = any(issubclass(kind, list | tuple) for kind in kinds)
    return lists and any(_has_masks(one) for one in values if isinstance(one, list | tuple))


def _mask_of(values: Any) -> np.ndarray:
    """The mask of masked arrays in lists; one entry for each part where they differ in shape."""
    if not isinstance(values, list | tuple):
        return np.ma.getmaskarray(values)
    masks = [_mask_of(one) for one in values]
    if len({mask.shape for mask in masks}) == 1:
        return np.stack(masks)
    return np.array([mask.any() for mask in masks])


def _refuse_masked(mask: np.ndarray, argument: str) -> None:
    if mask.any():
        raise ValueError(
            f"`{argument}` must have a value in every place; fill in or leave out what is masked. "
            f"Received: {np.count_nonzero(mask)} masked entries, the first at {first(mask)}"
        )


def _from_objects(array: np.ndarray, argument: str, columns: list[str] | None) -> np.ndarray:
    """An array of numbers or of strings from one of Python objects."""
    if not array.size:
        return array.astype(np.float64)
    kinds = np.frompyfunc(_kind, 1, 1)(array)
    for kind, complaint in _COMPLAINTS.items():
        found = kinds == kind
        if found.any():
            where = np.unravel_index(int(np.argmax(found)), array.shape)
            raise (ValueError if kind == "missing" else TypeError)(
                f"`{argument}` must {complaint}. Received: {_shown(array[where])} at "
                f"{place(where, columns)}"
            )
    words = kinds == "word"
    if words.all():
        decoded = [
            one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one)
            for one in array.flat
        ]
        return np.array(decoded, dtype=str).reshape(array.shape)
    if words.any():
        where = np.unravel_index(int(np.argmax(words)), array.shape)
        raise TypeError(
            f"`{argument}` must hold numbers only, or words only. Received: "
            f"{_shown(array[where])} at {place(where, columns)}, among numbers"
        )
    numbers_only = np.array(array.tolist())
    if numbers_only.dtype.kind == "O":  # integers beyond 64 bits, fractions, decimals
        numbers_only = array.astype(np.float64)
    return numbers_only


_COMPLAINTS = {
    "missing": "have a value in every place; fill in or leave out what is missing",
    "date": "hold numbers or words; give dates and times as numbers",
    "array": "hold numbers or words; give a column of arrays by itself",
    "other": "hold numbers or words",
}


def _kind(value: Any) -> str:
    if isinstance(value, str | bytes):
        return "word"
    if is_missing(value):
        return "missing"
    if isinstance(value, numbers.Real) or type(value).__name__ in ("Decimal", "bool"):
        return "number"
    if isinstance(value, _PARTS):
        return "array"
    return "date" if hasattr(value, "isoformat") else "other"


def _shown(value: Any) -> str:
    text = " ".join(repr(value).split())
    text = text if len(text) <= 60 else f"{text[:57]}..."
    return text if isinstance(value, str | bytes | None) else f"{text} ({type(value).__name__})"


def _unusable(values: Any, argument: str, error: Exception | None = None) -> TypeError:
    reason = "" if error is None else one_line(error)
    if callable(getattr(values, "to_tensor", None)):
        reason = "rows of unequal length; make them equal with `.to_tensor()`"
    elif callable(getattr(values, "collect", None)):
        reason = "not computed yet; use `.collect()`"
    elif hasattr(values, "dense_shape"):
        reason = "make it dense with `tf.sparse.to_dense(...)`"
    return TypeError(
        f"`{argument}` must be {_LISTS}. Received: {type(values).__name__}"
        + (f" ({reason})" if reason else "")
    )
