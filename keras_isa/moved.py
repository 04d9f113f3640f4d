"""Former places of public names, which keep working for one version."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Mapping
from typing import Any


def former_place(module: str, moved: Mapping[str, str]) -> Callable[[str], Any]:
    """Returns the `__getattr__` of a module from which public names have moved.

    Args:
        module: Full name of the module.
        moved: Maps each name to the full name of the module that has it now.

    Returns:
        A function that looks a name up at its new place and raises a `DeprecationWarning`.

    Example:

    >>> import warnings
    >>> from keras_isa.moved import former_place
    >>> look_up = former_place("keras_isa.layers", {"DistilledData": "keras_isa"})
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     DistilledData = look_up("DistilledData")
    >>> print(caught[0].message)
    keras_isa.layers.DistilledData is now keras_isa.DistilledData
    """

    def look_up(name: str) -> Any:
        if name not in moved:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        warnings.warn(
            f"{module}.{name} is now {moved[name]}.{name}", DeprecationWarning, stacklevel=2
        )
        return getattr(importlib.import_module(moved[name]), name)

    return look_up
