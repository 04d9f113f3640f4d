"""Checks of arguments, for the functions here and for all packages that use them."""

import math
import numbers
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_isa.types import Tensor

# Seeds are 32 bits wide in Keras, and a trainer seeds its parts with the next numbers.
_SEEDS = 2**31


_LARGEST = 1.7e308  # just below the largest float


def is_count(value: object, least: int = 1) -> bool:
    """Whether `value` is an integer of at least `least`; a bool is not."""
    # bool is an Integral in Python, but `pool_size=True` is a mistake, not a number.
    return isinstance(value, numbers.Integral) and not isinstance(value, bool) and value >= least


def whole_number(name: str, value: object, least: int = 1) -> int:
    """Return `value` as an int, or raise a ValueError when it is no integer >= `least`."""
    if not is_count(value, least):
        words = {0: "a non-negative integer", 1: "a positive integer"}
        raise ValueError(
            f"`{name}` must be {words.get(least, f'an integer >= {least}')}. "
            f"Received: {name}={value!r}"
        )
    return int(value)


def seed_number(seed: object) -> int:
    """Return `seed` as an int, or raise a ValueError when it is not from 0 to 2**31 - 1."""
    if whole_number("seed", seed, 0) >= _SEEDS:
        raise ValueError(f"`seed` must be below 2**31. Received: seed={seed!r}")
    return int(seed)


def finite_number(
    name: str,
    value: object,
    fits: Callable[[float], bool] = lambda number: True,
    words: str = "a finite number",
) -> float:
    """Return `value` as a float, or raise a ValueError when it is no finite number or not fit.

    Args:
        name: the name the caller knows `value` by.
        value: a real number; a bool is not.
        fits: whether a finite number is in the range that is allowed.
        words: what `value` must be, for the message.
    """
    # bool is a Real in Python, but `fraction=True` is a mistake, not a number.
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or not fits(value):
        raise ValueError(f"`{name}` must be {words}. Received: {name}={value!r}")
    return float(value)


def is_finite(value: object) -> bool:
    """Whether a value is a number, no boolean, that a float can hold; integers may be huge.

    Args:
        value: Any object, such as one from a stranger's file.

    Example:

    >>> from keras_isa.ops.arguments import is_finite
    >>> [is_finite(value) for value in (1, 0.5, 10**400, float("nan"), True, "1")]
    [True, True, False, False, False, False]
    """
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and -_LARGEST <= value <= _LARGEST


def positive_number(name: str, value: object) -> float:
    """Return `value` as a float, or raise a ValueError when it is not finite and > 0."""
    return finite_number(name, value, lambda number: number > 0, "positive")


def true_or_false(name: str, value: object) -> bool:
    """Return `value` as a bool, or raise a TypeError: a word such as "no" would count as true."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"`{name}` must be True or False. Received: {name}={value!r}")
    return bool(value)


def instance_of(name: str, value: Any, kind: type) -> Any:
    """Return `value` when it is of the class `kind`, or raise a TypeError."""
    if not isinstance(value, kind):
        article = "an" if kind.__name__[0] in "AEIOU" else "a"
        raise TypeError(
            f"`{name}` must be {article} {kind.__name__}. Received: {type(value).__name__}"
        )
    return value


def one_of(name: str, value: object, choices: Sequence[str]) -> str:
    """Return `value` when it is one of the words in `choices`, or raise a ValueError."""
    if not isinstance(value, str) or value not in choices:
        words = ", ".join(repr(choice) for choice in choices)
        raise ValueError(f"`{name}` must be one of {words}. Received: {name}={value!r}")
    return value


def words_of(name: str, value: object, choices: Sequence[str]) -> tuple[str, ...]:
    """Return a sequence of different words out of `choices` as a tuple, or raise a ValueError."""
    several = isinstance(value, Sequence) and not isinstance(value, str)
    words = tuple(value) if several else ()
    known = several and all(isinstance(word, str) and word in choices for word in words)
    if not known or len(set(words)) != len(words):
        raise ValueError(
            f"`{name}` must name one or more of {', '.join(choices)}, each once. "
            f"Received: {name}={value!r}"
        )
    return words


def image_shape_of(name: str, value: Any) -> tuple[int, ...]:
    """Return `(height, width, channels)`, `(steps, features)` or `(features,)`, or raise."""
    sizes = tuple(value) if isinstance(value, Sequence | np.ndarray) else ()
    if len(sizes) not in (1, 2, 3) or not all(is_count(size) for size in sizes):
        raise ValueError(
            f"`{name}` must be (height, width, channels), (steps, features) or (features,), of "
            "positive integers. "
            f"Received: {name}={value!r}"
        )
    return tuple(int(size) for size in sizes)


def real_numbers(name: str, values: Any) -> Tensor | np.ndarray:
    """Return a tensor as it is and anything else as an array, or raise without real numbers."""
    if isinstance(values, keras.Variable | keras.KerasTensor):
        return ops.convert_to_tensor(values)
    if not ops.is_tensor(values):
        try:
            values = np.asarray(values)
        except ValueError:  # lists of unequal length
            raise ValueError(
                f"`{name}` must be an array, or lists of equal length. Received: "
                f"{type(values).__name__}"
            ) from None
    dtype = str(values.dtype)
    if not any(kind in dtype for kind in ("int", "float", "bool")):
        raise TypeError(f"`{name}` must hold real numbers. Received: dtype={dtype}")
    return values


def float_tensor(name: str, values: Any, axes: str | None = None) -> Tensor:
    """Return `values` as a float32 tensor.

    Args:
        name: the name the caller knows `values` by.
        values: a tensor, an array or nested lists of real numbers.
        axes: the axes it must have, as in "n, d"; by default any.

    Raises:
        TypeError: when the values are not real numbers.
        ValueError: when the number of axes is another, or lists have unequal lengths.
    """
    values = real_numbers(name, values)
    return _with_axes(name, ops.convert_to_tensor(values, dtype="float32"), axes)


def integer_tensor(name: str, values: Any, axes: str | None = None) -> Tensor | np.ndarray:
    """Return `values` as a tensor or array of integers, or raise as `float_tensor` does."""
    values = real_numbers(name, values)
    dtype = keras.backend.standardize_dtype(values.dtype)
    if "int" not in dtype:
        raise TypeError(f"`{name}` must hold integers. Received: dtype={dtype}")
    return _with_axes(name, values, axes)


def _with_axes(name: str, tensor: Tensor, axes: str | None) -> Tensor:
    if axes is not None and len(tensor.shape) != axes.count(",") + 1:
        kind = "matrix" if "," in axes else "vector"
        raise ValueError(
            f"`{name}` must be a {kind} ({axes}). Received: shape={tuple(tensor.shape)}"
        )
    return tensor
