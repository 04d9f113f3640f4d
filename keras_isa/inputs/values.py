"""NumPy arrays from any container of numbers or words, with errors that name the wrong entry."""

from __future__ import annotations

import inspect
import numbers
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from keras_isa.inputs.class_names import first_ten
from keras_isa.inputs.pil_images import shown_images
from keras_isa.inputs.pixel_units import check_list_dtypes
from keras_isa.inputs.text import one_line

_LISTS = "an array, or lists of equal length"
# Types of the cells in a column that holds images or rows.
_CELL_TYPES = (list, tuple, np.ndarray)


def to_array(values: Any, argument: str) -> np.ndarray:
    """Returns values as a NumPy array of numbers, booleans, strings or another NumPy dtype.

    Tensors of every backend, device and precision are converted. Sparse matrices become dense. An
    array of Python objects is converted if all of them are numbers or all are words.

    Args:
        values: Array, tensor, data frame, list, or anything that NumPy accepts.
        argument: The caller's name for `values`, used in errors.

    Raises:
        TypeError: `values` is something else, or mixes numbers and words.
        ValueError: The parts differ in shape, or an entry is missing.

    Example:

    >>> import numpy as np
    >>> from keras_isa.inputs.values import to_array
    >>> to_array(np.array([1, 2], object), "x").dtype
    dtype('int64')
    """
    columns = columns_of(values)
    if hasattr(values, "getbands"):
        raise ValueError(
            f"`{argument}` must be a list of images; put a single one in a list, [image]. "
            f"Received: one image of mode {values.mode!r} and size {values.size}"
        )
    if isinstance(values, np.ma.MaskedArray):
        _refuse_masked(np.ma.getmaskarray(values), argument)
        array = np.asarray(values.data)
    elif isinstance(values, list | tuple):
        array = _from_list(values, argument)
    else:
        array = _from_tensor(values, argument)
    if array.dtype.kind == "T":  # NumPy's variable-width strings, of which some may be missing
        array = array.astype(object)
    if array.dtype.kind == "V" and array.dtype.names is None:  # such as bfloat16
        try:
            array = array.astype(np.float32)
        except (TypeError, ValueError):
            raise _unusable(values, argument) from None
    if array.dtype.kind == "O":
        if array.ndim == 0:
            raise _unusable(values, argument)
        if array.ndim == 1 and all(isinstance(one, _CELL_TYPES) for one in array):
            return to_array(list(array), argument)
        return _from_objects(array, argument, columns)
    return array


def columns_of(values: Any) -> list[str] | None:
    """Returns the column names of a data frame, or `None` for anything else."""
    if isinstance(values, np.ndarray):
        return None
    names = getattr(values, "column_names", None)  # pyarrow
    names = getattr(values, "columns", None) if names is None else names
    if names is None or not hasattr(values, "__array__"):
        return None
    return [str(name) for name in names]


def match_columns(
    columns: Sequence[str] | None, others: Sequence[str] | None, argument: str, other: str
) -> list[int] | None:
    """Returns the positions that bring other columns into the order of `columns`.

    Args:
        columns: Column names of a data frame, as `columns_of` returns them.
        others: Column names of the other data frame. A frame whose columns have no names but the
            numbers from 0 on is taken as an array.
        argument: The caller's name for the first frame.
        other: The caller's name for the other frame.

    Returns:
        The positions, with a warning, or `None` if the columns agree or one of the two has no
        names.

    Raises:
        ValueError: The names differ, or a name occurs twice.

    Example:

    >>> from keras_isa.inputs.values import match_columns
    >>> match_columns(["age", "size"], ["age", "size"], "x_train", "x_test")
    """
    if columns is None or others is None or list(columns) == list(others):
        return None
    if any(list(one) == [str(k) for k in range(len(one))] for one in (columns, others)):
        return None
    needed = f"`{other}` must have the columns of `{argument}`, each once"
    only = [
        [name for name in one if name not in two]
        for one, two in ((columns, others), (others, columns))
    ]
    if any(only):
        raise ValueError(
            f"{needed}. Received: columns only in {argument}: {first_ten(only[0]) or 'none'}; only "
            f"in {other}: {first_ten(only[1]) or 'none'}"
        )
    twice = next((name for one in (columns, others) for name in one if one.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"{needed}. Received: the column {twice!r} more than once")
    warnings.warn(
        f"`{other}` has the columns of `{argument}` in another order, {first_ten(others)} and not "
        f"{first_ten(columns)}: they are matched by their names",
        stacklevel=3,
    )
    return [others.index(name) for name in columns]


def describe_index(index: Sequence[int], columns: Sequence[str] | None = None) -> str:
    """Returns the position of an entry in words: its row and the name of its column.

    Args:
        index: Index of the entry.
        columns: Names of the columns of a data frame.

    Example:

    >>> from keras_isa.inputs.values import describe_index as describe
    >>> describe([4]), describe([4, 1]), describe([4, 1], ["age", "size"])
    ('index 4', 'row 4, column 1', "row 4, column 'size'")
    """
    row, *rest = (int(number) for number in index)
    if not rest:
        return f"index {row}"
    if len(rest) > 1:
        return f"index {row}, position ({', '.join(map(str, rest))})"
    name = rest[0] if columns is None else repr(columns[rest[0]])
    return f"row {row}, column {name}"


def describe_first(mask: np.ndarray, columns: Sequence[str] | None = None) -> str:
    """Returns the position of the first true entry in words."""
    return describe_index(np.unravel_index(int(np.argmax(mask)), mask.shape), columns)


def is_missing(value: Any) -> bool:
    """Returns whether a value means a missing one: `None`, NaN or a marker of pandas or NumPy."""
    if value is None or type(value).__name__ in ("NAType", "NaTType", "MaskedConstant"):
        return True
    return isinstance(value, numbers.Real) and bool(value != value)


def _from_tensor(values: Any, argument: str) -> np.ndarray:
    if callable(getattr(values, "toarray", None)):  # sparse matrices of SciPy
        values = values.toarray()
    if _is_samples(values):  # NumPy would read them one by one, perhaps without an end
        raise _unusable(values, argument)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # libraries warn of their own conversion
            return np.asarray(_on_host(values))
    except Exception as error:  # every library raises its own
        raise _unusable(values, argument, error) from error


def _is_samples(values: Any) -> bool:
    """Returns whether values are samples by their number, as a dataset of torch gives them."""
    as_array = any(hasattr(values, name) for name in ("__array__", "__array_interface__"))
    return hasattr(values, "__getitem__") and not isinstance(values, Iterable) and not as_array


def _on_host(tensor: Any) -> Any:
    """Returns a torch tensor in a form that NumPy can convert, and anything else as it is."""
    if not (hasattr(tensor, "detach") and hasattr(tensor, "cpu")):
        return tensor
    tensor = tensor.detach().cpu()
    if getattr(tensor, "is_quantized", False):
        tensor = tensor.dequantize()
    if "strided" not in str(getattr(tensor, "layout", "strided")):  # sparse
        tensor = tensor.to_dense()
    return tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor


def _from_list(values: Sequence[Any], argument: str) -> np.ndarray:
    if any(hasattr(kind, "getbands") for kind in set(map(type, values))):
        values = shown_images(values, argument)
    elif values and not isinstance(values[0], list | tuple | np.ndarray | numbers.Number | str):
        if hasattr(values[0], "shape"):  # tensors
            values = [to_array(one, argument) for one in values]
    if values and all(isinstance(one, np.ndarray) and one.ndim for one in values):
        check_list_dtypes(values, argument)
    if _has_masks(values):
        _refuse_masked(_mask_of(values), argument)
    try:
        array = np.asarray(values)
        if array.dtype.kind in "US":  # beside words NumPy turns numbers and NaN into words too
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


def _has_masks(values: Any) -> bool:
    """Returns whether nested lists hold a masked array."""
    kinds = set(map(type, values))
    if any(issubclass(kind, np.ma.MaskedArray) for kind in kinds):
        return True
    lists = any(issubclass(kind, list | tuple) for kind in kinds)
    return lists and any(_has_masks(one) for one in values if isinstance(one, list | tuple))


def _mask_of(values: Any) -> np.ndarray:
    """Returns the mask of nested lists, or one entry for each part if their shapes differ."""
    if not isinstance(values, list | tuple):
        return np.ma.getmaskarray(values)
    masks = [_mask_of(one) for one in values]
    if len({mask.shape for mask in masks}) == 1:
        return np.stack(masks)
    return np.array([mask.any() for mask in masks])


def _refuse_masked(mask: np.ndarray, argument: str) -> None:
    if mask.any():
        raise ValueError(
            f"`{argument}` must have no masked entries; fill them in or remove them. Received: "
            f"{np.count_nonzero(mask)} masked entries, the first at {describe_first(mask)}"
        )


def _from_objects(array: np.ndarray, argument: str, columns: list[str] | None) -> np.ndarray:
    """Returns an array of Python objects as an array of numbers or of strings."""
    if not array.size:
        return array.astype(np.float64)
    kinds = np.frompyfunc(_kind, 1, 1)(array)
    for kind, complaint in _COMPLAINTS.items():
        found = kinds == kind
        if found.any():
            where = np.unravel_index(int(np.argmax(found)), array.shape)
            raise (ValueError if kind == "missing" else TypeError)(
                f"`{argument}` must {complaint}. Received: {_shown(array[where])} at "
                f"{describe_index(where, columns)}"
            )
    words = kinds == "word"
    if words.all():
        return decoded_words(array, argument)
    if words.any():
        where = np.unravel_index(int(np.argmax(words)), array.shape)
        raise TypeError(
            f"`{argument}` must hold numbers only, or words only. Received: "
            f"{_shown(array[where])} at {describe_index(where, columns)}, among numbers"
        )
    numbers_only = np.array(array.tolist())
    if numbers_only.dtype.kind == "O":  # integers beyond 64 bits, fractions, decimals
        numbers_only = array.astype(np.float64)
    return numbers_only


def decoded_words(words: np.ndarray, argument: str) -> np.ndarray:
    """Returns words as an array of strings, after decoding bytes as UTF-8.

    Args:
        words: Array of bytes or strings, or of Python objects that are bytes or strings.
        argument: The caller's name for `words`, used in errors.

    Raises:
        ValueError: Bytes are not UTF-8, or a word ends in a zero byte, which NumPy would drop.

    Example:

    >>> import numpy as np
    >>> from keras_isa.inputs.values import decoded_words
    >>> decoded_words(np.array([b"cat", "dog"], object), "y").tolist()
    ['cat', 'dog']
    """
    if words.dtype.kind == "U":
        return words
    decoded = []
    for place, word in enumerate(words.ravel().tolist()):
        try:
            text = word.decode("utf-8") if isinstance(word, bytes) else str(word)
        except UnicodeDecodeError:
            how = "np.char.decode(y, 'latin1')"
            if words.dtype.kind == "O":
                how = "[one.decode('latin1') for one in y]"
            problem = f"hold names in UTF-8; decode them, for instance with `{how}`"
        else:
            problem = "hold words that do not end in a zero byte; `.rstrip` removes it"
            if not text.endswith("\0"):
                decoded.append(text)
                continue
        where = describe_index(np.unravel_index(place, words.shape))
        raise ValueError(f"`{argument}` must {problem}. Received: {_shown(word)} at {where}")
    return np.array(decoded, dtype=str).reshape(words.shape)


_COMPLAINTS = {
    "missing": "have no missing entries; fill them in or remove them",
    "date": "hold numbers or words; convert dates and times to numbers",
    "array": "hold numbers or words; pass a column of arrays by itself",
    "other": "hold numbers or words",
}


def _kind(value: Any) -> str:
    if isinstance(value, str | bytes):
        return "word"
    if is_missing(value):
        return "missing"
    if isinstance(value, numbers.Real) or type(value).__name__ in ("Decimal", "bool"):
        return "number"
    if isinstance(value, _CELL_TYPES):
        return "array"
    return "date" if hasattr(value, "isoformat") else "other"


def _shown(value: Any) -> str:
    text = " ".join(repr(value).split())
    text = text if len(text) <= 60 else f"{text[:57]}..."
    return text if isinstance(value, str | bytes | None) else f"{text} ({type(value).__name__})"


def _unusable(values: Any, argument: str, error: Exception | None = None) -> TypeError:
    reason = "" if error is None else one_line(error)
    if callable(getattr(values, "to_tensor", None)):
        reason = "its rows have unequal lengths; `.to_tensor()` makes them equal"
    elif callable(getattr(values, "collect", None)):
        reason = "it is not computed yet; use `.collect()`"
    elif hasattr(values, "dense_shape"):
        reason = "it is sparse; `tf.sparse.to_dense(...)` makes it dense"
    elif isinstance(values, Mapping):
        reason = "pass one of its entries"
    elif inspect.isroutine(values):
        reason = "call it, and pass what it returns"
    elif isinstance(values, Iterable) and not (
        isinstance(values, list | tuple | str | bytes) or hasattr(values, "shape")
    ):
        reason = "`keras_isa.datasets.from_batches` reads pairs of images and labels from a stream"
    elif _is_samples(values):
        reason = "wrap it in a DataLoader and pass that to `keras_isa.datasets.from_batches`"
    return TypeError(
        f"`{argument}` must be {_LISTS}. Received: {type(values).__name__}"
        + (f" ({reason})" if reason else "")
    )
