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
    """A context in which forward mode and second derivatives are right.

    Outside of it fast convolutions and poolings bring a gradient of their own, which refuses
    forward mode (`keras.ops.jvp`), and kernel regression has first derivatives only: its second
    ones are wrong there. In the context they can be differentiated as anything else, kernel
    regression twice. Values stay the same, up to rounding. A function that is compiled in the
    context keeps what it found there.

    Where `value_and_grad` of the active backend is used inside of itself, the innermost function is
    computed as in this context by itself.

    Keras's own normalisation layers have wrong second derivatives on TensorFlow, whose variance
    holds the mean fixed. Those in the networks of `keras_isa.models` are right in this context.
    PyTorch can take a gradient of forward mode, but no gradient inside of forward mode.

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
    """Whether more than a first gradient may be taken of what is computed now.

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
