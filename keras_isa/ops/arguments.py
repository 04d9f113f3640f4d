"""Checks of plain Python arguments, shared by the functions here and the layers above them."""

import math
import numbers
from collections.abc import Sequence


def finite_number(name: str, value: object) -> float:
    """Return `value` as a float, or raise a ValueError naming the argument."""
    # bool is a Real in Python, but `fraction=True` is a mistake, not a number.
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value):
        raise ValueError(f"`{name}` must be a finite number. Received: {name}={value!r}")
    return float(value)


def one_of(name: str, value: object, choices: Sequence[str]) -> str:
    """Return `value` when it is one of the words in `choices`, or raise a ValueError."""
    if not isinstance(value, str) or value not in choices:
        words = ", ".join(repr(choice) for choice in choices)
        raise ValueError(f"`{name}` must be one of {words}. Received: {name}={value!r}")
    return value
