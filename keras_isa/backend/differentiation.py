"""Which derivatives are taken of what is computed now."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

# Each thread has its own values, which begin with these.
_freely: ContextVar[bool] = ContextVar("freely", default=False)
_depth: ContextVar[int] = ContextVar("depth", default=0)


@contextlib.contextmanager
def freely_differentiable() -> Iterator[None]:
    """A context in which every derivative of what is computed can be taken, of any order.

    Outside of it some functions bring a gradient of their own, which is faster. It allows no
    forward mode (`keras.ops.jvp`), and kernel regression no second derivatives, which are wrong
    there. In the context such functions leave the derivatives to the backend. They give the same
    values, up to rounding. A function that is compiled in the context keeps what it found there.

    The context is needed for forward mode alone: where `value_and_grad` of the active backend is
    used inside of itself, the inner function is freely differentiable without it.

    Example:

    >>> import numpy as np
    >>> from keras import ops
    >>> from keras_isa import backend
    >>> from keras_isa.layers import PatchConv2D
    >>> layer, images = PatchConv2D(4), np.ones((1, 8, 8, 3), "float32")
    >>> layer.build(images.shape)
    >>> with backend.freely_differentiable():
    ...     values, tangents = ops.jvp(layer, (ops.array(images),), (ops.array(images),))
    >>> tangents.shape
    (1, 8, 8, 4)
    """
    before = _freely.set(True)
    try:
        yield
    finally:
        _freely.reset(before)


def is_freely_differentiable() -> bool:
    """Whether a function that brings its own gradient has to leave it to the backend.

    Returns:
        `True` in `freely_differentiable`, and where two gradients or more are taken.
    """
    return _freely.get() or _depth.get() > 1


@contextlib.contextmanager
def differentiating() -> Iterator[bool]:
    """A context for a function whose gradient is taken, and for taking it.

    Yields:
        Whether another gradient is taken of what this context computes.
    """
    nested = _depth.get() > 0
    before = _depth.set(_depth.get() + 1)
    try:
        yield nested
    finally:
        _depth.reset(before)
