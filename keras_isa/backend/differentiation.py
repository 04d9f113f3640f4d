"""How often the current computation is differentiated, which fast operations must know."""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

# Each thread has its own values, which start from the defaults.
_freely: ContextVar[bool] = ContextVar("freely", default=False)
_depth: ContextVar[int] = ContextVar("depth", default=0)


@contextlib.contextmanager
def _changed(variable: ContextVar, value: Any) -> Iterator[None]:
    before = variable.set(value)
    try:
        yield
    finally:
        variable.reset(before)


def freely_differentiable() -> contextlib.AbstractContextManager[None]:
    """A context in which forward mode and second derivatives are correct.

    Outside of this context fast convolutions and poolings have their own gradients, which do not
    support forward mode (`keras.ops.jvp`), and the second derivatives of kernel regression are
    wrong. In this context convolutions and poolings can be differentiated in every way, and kernel
    regression twice. Values stay the same up to rounding. A function that is compiled in this
    context keeps these properties.

    If `value_and_grad` of the active backend is used inside of itself, the innermost function runs
    in this context automatically.

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
    return _changed(_freely, True)


def is_freely_differentiable() -> bool:
    """Whether the current computation may be differentiated more than once.

    Returns:
        `True` in `freely_differentiable`, and when gradients of gradients are taken.
    """
    return _freely.get() or _depth.get() > 1


@contextlib.contextmanager
def differentiating() -> Iterator[bool]:
    """A context in which a function is computed and its gradient is taken.

    Yields:
        Whether the computation in this context is differentiated once more.
    """
    nested = _depth.get() > 0
    with _changed(_depth, _depth.get() + 1):
        yield nested
