"""The methods by their names."""

from __future__ import annotations

import importlib
import inspect
from typing import TypeVar

from keras_isa.methods.base import DistillationTrainer

T = TypeVar("T", bound=type[DistillationTrainer])

_METHODS: dict[str, type[DistillationTrainer]] = {}


def register(trainer: T) -> T:
    """Makes a method known by its name; a decorator of its trainer.

    Args:
        trainer: A `DistillationTrainer` whose `Config` has a `method`, the name.

    Returns:
        The trainer.

    Raises:
        TypeError: If it is no subclass of `DistillationTrainer`.
        ValueError: If it has no name, or another trainer has it.
    """
    if not (inspect.isclass(trainer) and issubclass(trainer, DistillationTrainer)):
        raise TypeError(
            f"`trainer` must be a subclass of `DistillationTrainer`. Received: {trainer!r}"
        )
    name = trainer.Config.method
    if not name:
        raise ValueError(
            f"`trainer` must have a `Config` with a name, `method`. Received: {trainer.__name__}"
        )
    known = _METHODS.setdefault(name, trainer)
    if known is not trainer:
        raise ValueError(
            f"`trainer` must have a name of its own. Received: {trainer.__name__} with {name!r}, "
            f"which is {known.__name__}"
        )
    return trainer


def method_names() -> list[str]:
    """Names of the methods.

    Example:

    >>> from keras_isa.methods import method_names
    >>> "frepo" in method_names()
    True
    """
    return sorted(_METHODS)


def method(name: str) -> type[DistillationTrainer]:
    """Returns the trainer of a method.

    Args:
        name: One of `method_names()`, or `MODULE:CLASS` for a trainer in a module of one's own,
            which is imported.

    Raises:
        ValueError: If there is no such method.

    Example:

    >>> from keras_isa.methods import method
    >>> method("frepo").__name__
    'FRePoTrainer'
    """
    if name in _METHODS:
        return _METHODS[name]
    module, separator, attribute = str(name).partition(":")
    if not separator:
        raise ValueError(
            f"`method` must be one of {', '.join(method_names())}, or MODULE:CLASS. "
            f"Received: method={name!r}"
        )
    try:
        trainer = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(
            f"`method` must name a class that can be imported, as MODULE:CLASS ({error}). "
            f"Received: method={name!r}"
        ) from error
    return register(trainer)
