"""NumPy arrays from any container of numbers or words, with errors that name the wrong entry."""

from __future__ import annotations

import inspect
import numbers
import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from keras_isa.inputs.class_names import first_ten
from keras_isa.inputs.pil_images import shown_images
from keras_isa.inputs.pixel_units import check_list_dtypes
from keras_isa.inputs.text import one_line

# What to do about the names or the bytes of image files in place of pixels.
READ_FILES = "decode the images first, as `tf.io.decode_image` or `PIL.Image.open` does"
_LISTS = "an array, or lists of equal length"
# What to do about containers that cannot be used as they are, by an attribute that they have.
_REASONS = {
    "to_tensor": "its rows have unequal lengths; `.to_tensor()` makes them equal",
    "collect": "it is not computed yet; use `.collect()`",
    "dense_shape": "it is sparse; `tf.sparse.to_dense(...)` makes it dense",
}
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
    masked = _first_masked(values)
    if masked is not None:
        raise ValueError(
            f"`{argument}` must have no masked entries; fill them in or remove them. Received: a "
            f"masked entry at {describe_index(masked, columns)}"
        )
    convert = _from_list if isinstance(values, list | tuple) else _from_tensor
    array = convert(values, argument)
    if array.dtype.kind == "T":  # NumPy's variable-width strings, of which some may be missing
        array = array.astype(object)
    if array.dtype.kind == "O":
        if array.ndim == 0:
            raise _unusable(values, argument)
        if array.ndim == 1 and all(isinstance(one, _CELL_TYPES) for one in array):
            return to_array(list(array), argument)
        return _from_objects(array, argument, columns)
    return array


def columns_of(values: Any) -> list[str] | None:
    """Returns the column names of a data frame, or `None` for anything else."""
    names = getattr(values, "column_names", getattr(values, "columns", None))  # pyarrow, others
    is_frame = hasattr(values, "__array__") and not isinstance(values, np.ndarray)
    return [str(name) for name in names] if is_frame and names is not None else None


def match_columns(
    columns: Sequence[str] | None, others: Sequence[str] | None, argument: str, other: str
) -> list[int] | None:
    """Returns the positions that bring other columns into the order of `columns`.

    Args:
        columns: Column names of a data frame, as `columns_of` returns them.
        others: Those of the other frame. Columns that are called 0, 1 and so on have no names.
        argument: The caller's name for the first frame.
        other: The caller's name for the other frame.

    Returns:
        The positions, with a warning, or `None` if the columns agree or one has no names.

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
        first_ten([name for name in one if name not in two]) or "none"
        for one, two in ((columns, others), (others, columns))
    ]
    if only != ["none", "none"]:
        raise ValueError(
            f"{needed}. Received: columns only in {argument}: {only[0]}; only in {other}: {only[1]}"
        )
    twice = [name for name in columns if columns.count(name) > 1 or others.count(name) > 1]
    if twice:
        raise ValueError(f"{needed}. Received: the column {twice[0]!r} more than once")
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


def refuse_where(
    wrong: np.ndarray,
    values: np.ndarray,
    argument: str,
    needed: str,
    columns: Sequence[str] | None = None,
    *,
    error: type[Exception] = ValueError,
    one: str = "",
) -> None:
    """Raises an error that names the first wrong entry of an array, if there is one.

    Args:
        wrong: One boolean for each entry of `values`.
        values: The array.
        argument: The caller's name for `values`.
        needed: What `values` must do, such as "hold finite numbers".
        columns: Names of the columns of a data frame.
        error: The class of the error.
        one: What the error calls an entry, if that needs a word.

    Example:

    >>> import numpy as np
    >>> from keras_isa.inputs.values import refuse_where
    >>> x = np.array([1, -2, -3])
    >>> refuse_where(x < 0, x, "x", "be positive")
    Traceback (most recent call last):
    ...
    ValueError: `x` must be positive. Received: -2 at index 1, the first of 2
    """
    if wrong.any():
        first = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
        count = np.count_nonzero(wrong)
        others = f", the first of {count}" if count > 1 else ""
        raise error(
            f"`{argument}` must {needed}. Received: {one}{_shown(values[first])} at "
            f"{describe_index(first, columns)}{others}"
        )


def wrong_dtype(
    values: Any, argument: str, needed: str, columns: Sequence[str] | None = None
) -> TypeError:
    """Returns the error about an array of another dtype than the one that is needed.

    Args:
        values: Array, or stored images, which are not read.
        argument: The caller's name for `values`.
        needed: What `values` must do.
        columns: Names of the columns of a data frame.
    """
    kind, names = values.dtype.kind, values.dtype.names
    received = f"dtype={values.dtype}"
    if names:
        received += f", records with the fields {', '.join(names)}"
    elif isinstance(values, np.ndarray) and values.size and values.ndim:
        fractions = values % 1 != 0 if kind == "f" else np.zeros(values.shape, bool)
        first = np.unravel_index(int(np.argmax(fractions)), values.shape)
        received += f", {_shown(values[first])} at {describe_index(first, columns)}"
        if kind in "bf" and not fractions.any():
            dtype = "uint8" if kind == "b" else "int32"
            received += f"; `.astype('{dtype}')` turns them into integers"
    return TypeError(f"`{argument}` must {needed}. Received: {received}")


def _from_tensor(values: Any, argument: str) -> np.ndarray:
    if callable(getattr(values, "toarray", None)):  # sparse matrices of SciPy
        values = values.toarray()
    if _is_samples(values):  # NumPy would read them one by one, perhaps without an end
        raise _unusable(values, argument)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # libraries warn of their own conversion
            return _as_array(_on_host(values))
    except Exception as error:  # every library raises its own
        raise _unusable(values, argument, error) from error


def _as_array(values: Any) -> np.ndarray:
    array = np.asarray(values)
    is_extension = array.dtype.kind == "V" and array.dtype.names is None  # such as bfloat16
    return array.astype(np.float32) if is_extension else array


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
    first = values[0] if values else None
    if any(hasattr(kind, "getbands") for kind in set(map(type, values))):
        values = shown_images(values, argument)
    elif hasattr(first, "shape") and not isinstance(first, np.ndarray | np.generic):  # tensors
        values = [to_array(one, argument) for one in values]
    if values and all(isinstance(one, np.ndarray) and one.ndim for one in values):
        check_list_dtypes(values, argument)
    try:
        array = _as_array(values)
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


def _first_masked(values: Any) -> tuple[int, ...] | None:
    """Returns the index of the first masked entry of a masked array, or of nested lists of some."""
    if isinstance(values, np.ma.MaskedArray):
        return next(map(tuple, np.argwhere(np.ma.getmaskarray(values))), None)
    kinds = set(map(type, values)) if isinstance(values, list | tuple) else ()
    if any(issubclass(kind, list | tuple | np.ma.MaskedArray) for kind in kinds):
        for place, one in enumerate(values):
            inside = _first_masked(one)
            if inside is not None:
                return (place, *inside)
    return None


def _from_objects(array: np.ndarray, argument: str, columns: list[str] | None) -> np.ndarray:
    """Returns an array of Python objects as an array of numbers or of strings."""
    if not array.size:
        return array.astype(np.float64)
    with np.errstate(invalid="ignore"):  # comparing NaN may warn
        kinds = np.frompyfunc(_kind, 1, 1)(array)
    if (kinds == "word").all():
        return decoded_words(array, argument)
    for kind, complaint in _COMPLAINTS.items():
        error = ValueError if kind == "missing" else TypeError
        refuse_where(kinds == kind, array, argument, complaint, columns, error=error)
    numbers_only = np.array(array.tolist())
    if numbers_only.dtype.kind == "O":  # integers beyond 64 bits, fractions, decimals
        numbers_only = array.astype(np.float64)
    return numbers_only


def decoded_words(words: np.ndarray, argument: str) -> np.ndarray:
    """Returns words as an array of strings, after decoding bytes as UTF-8.

    Args:
        words: Array of bytes, or of Python objects that are bytes or strings.
        argument: The caller's name for `words`, used in errors.

    Raises:
        ValueError: Bytes are not UTF-8, or a word ends in a zero byte, which NumPy drops.

    Example:

    >>> import numpy as np
    >>> from keras_isa.inputs.values import decoded_words
    >>> decoded_words(np.array([b"cat", "dog"], object), "y").tolist()
    ['cat', 'dog']
    """
    listed = words.ravel().tolist()
    try:
        decoded = [word.decode() if isinstance(word, bytes) else str(word) for word in listed]
    except UnicodeDecodeError as error:
        place = listed.index(error.object)
        problem = "hold names in UTF-8; `.decode('latin1')` decodes most others"
        if b"\0" in error.object:
            problem = f"hold numbers or names and not bytes of files; {READ_FILES}"
    else:
        place = next((row for row, word in enumerate(decoded) if word.endswith("\0")), None)
        problem = "hold words that do not end in a zero byte; `.rstrip` removes it"
        if place is None:
            return np.array(decoded, dtype=str).reshape(words.shape)
    where = describe_index(np.unravel_index(place, words.shape))
    raise ValueError(f"`{argument}` must {problem}. Received: {_shown(listed[place])} at {where}")


_COMPLAINTS = {
    "missing": "have no missing entries; fill them in or remove them",
    "date": "hold numbers or words; convert dates and times to numbers",
    "array": "hold numbers or words; pass a column of arrays by itself",
    "other": "hold numbers or words",
    "word": "hold numbers only, or words only",
}


def _kind(value: Any) -> str:
    if isinstance(value, str | bytes | os.PathLike):
        return "word"
    if value is None or type(value).__name__ in ("NAType", "NaTType", "MaskedConstant"):
        return "missing"
    if isinstance(value, numbers.Real) and value != value:  # NaN
        return "missing"
    if isinstance(value, numbers.Real) or type(value).__name__ in ("Decimal", "bool"):
        return "number"
    if isinstance(value, _CELL_TYPES):
        return "array"
    return "date" if hasattr(value, "isoformat") else "other"


def _shown(value: Any) -> str:
    value = value.item() if isinstance(value, np.generic) else value
    text = " ".join(repr(value).split())
    text = text if len(text) <= 60 else f"{text[:57]}..."
    plain = isinstance(value, str | bytes | numbers.Real | None)
    return text if plain else f"{text} ({type(value).__name__})"


def _unusable(values: Any, argument: str, error: Exception | None = None) -> TypeError:
    reason = "" if error is None else one_line(error)
    listed = isinstance(values, list | tuple | str | bytes) or hasattr(values, "shape")
    if isinstance(values, Iterable) and not listed:
        reason = "`keras_isa.datasets.from_batches` reads pairs of images and labels from a stream"
    if isinstance(values, Mapping):
        reason = "pass one of its entries"
    if inspect.isroutine(values):
        reason = "call it, and pass what it returns"
    if _is_samples(values):
        reason = "wrap it in a DataLoader and pass that to `keras_isa.datasets.from_batches`"
    for name, words in _REASONS.items():
        if hasattr(values, name):
            reason = words
    return TypeError(
        f"`{argument}` must be {_LISTS}. Received: {type(values).__name__}"
        + (f" ({reason})" if reason else "")
    )
