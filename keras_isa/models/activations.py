"""How much memory the results of a network's layers take."""

from __future__ import annotations

import math
from collections.abc import Iterator

import keras

_FLOAT = 4


def activation_bytes(model: keras.Model) -> tuple[int, int]:
    """Counts the results of a model's layers for one image, as float32.

    Layers that have been called with symbols tell their shapes, those of a functional model among
    them; those that have seen numbers only do not.

    Args:
        model: Keras model, built.

    Returns:
        Bytes of the largest result and of all together; zeros where no layer tells.

    Example:

    >>> from keras_isa.models import ConvNet
    >>> from keras_isa.models.activations import activation_bytes
    >>> activation_bytes(ConvNet((8, 8, 1), 10, width=4, depth=1))[0] == 4 * 8 * 8 * 4
    True
    """
    sizes = [_FLOAT * size for size in _sizes(model)]
    return max(sizes, default=0), sum(sizes)


def _sizes(model: keras.Model) -> Iterator[int]:
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _sizes(layer)
            continue
        try:
            outputs = keras.tree.flatten(layer.output)
        except (AttributeError, ValueError):  # not called with symbols, or more than once
            continue
        for output in outputs:
            shape = output.shape[1:]
            if None not in shape:
                yield math.prod(shape)
