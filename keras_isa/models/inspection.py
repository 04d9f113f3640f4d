"""What a network's layers give and how: memory of their results, convolutions, number format."""

from __future__ import annotations

import math
from collections.abc import Iterator

import keras

from keras_isa.global_settings import SHORT_FLOATS
from keras_isa.layers.convolution import PatchConv1D, PatchConv2D

_FLOAT = 4
# Ways of `PatchConv1D` and `PatchConv2D`.
_MATRIX_PRODUCTS = ("patches", "winograd")
_CONVOLUTIONS = tuple(
    getattr(keras.layers, f"{kind}Conv{axes}D{transposed}")
    for kind, axes, transposed in (
        *(("", axes, end) for axes in (1, 2, 3) for end in ("", "Transpose")),
        *((kind, axes, "") for kind in ("Depthwise", "Separable") for axes in (1, 2)),
    )
)


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
    >>> from keras_isa.models.inspection import activation_bytes
    >>> activation_bytes(ConvNet((8, 8, 1), 10, width=4, depth=1))[0] == 4 * 8 * 8 * 4
    True
    """
    sizes = [_FLOAT * size for size in _sizes(model)]
    return max(sizes, default=0), sum(sizes)


def has_native_convolution(model: keras.Model) -> bool:
    """Whether a model convolves by its backend's own operation anywhere.

    XLA's CPU backend runs that on one thread inside of a compiled loop.

    Args:
        model: Keras model, built.

    Example:

    >>> from keras_isa.models import ConvNet
    >>> from keras_isa.models.inspection import has_native_convolution
    >>> has_native_convolution(ConvNet((8, 8, 1), 10, width=4, implementation="native"))
    True
    """
    return any(
        isinstance(layer, _CONVOLUTIONS)
        and not (
            isinstance(layer, PatchConv1D | PatchConv2D)
            and layer.way(_input_shape(layer)) in _MATRIX_PRODUCTS
        )
        for layer in model._flatten_layers()
    )


def product_dtype(model: keras.Model) -> str:
    """What a model's layers with weights compute in: a short format if one of them does.

    Args:
        model: Keras model, built.

    Returns:
        `"bfloat16"`, `"float16"` or, with neither, `"float32"`.

    Example:

    >>> from keras_isa.models import ConvNet
    >>> from keras_isa.models.inspection import product_dtype
    >>> product_dtype(ConvNet((8, 8, 1), 10, width=4, dtype="mixed_bfloat16"))
    'bfloat16'
    """
    # Of their own: what contains layers, as the model itself does, multiplies nothing.
    found = {
        layer.compute_dtype
        for layer in model._flatten_layers()
        if layer._trainable_variables or layer._non_trainable_variables
    }
    return next((dtype for dtype in SHORT_FLOATS if dtype in found), "float32")


def _input_shape(layer: keras.layers.Layer) -> tuple:
    try:
        return layer.input.shape
    except (AttributeError, ValueError):  # not called with symbols, or more than once
        return (*[None] * (len(layer.kernel.shape) - 1), layer.kernel.shape[-2])


def _sizes(model: keras.Model) -> Iterator[int]:
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _sizes(layer)
            continue
        try:
            outputs = keras.tree.flatten(layer.output)
        except (AttributeError, ValueError):  # as above
            continue
        for output in outputs:
            shape = output.shape[1:]
            if None not in shape:
                yield math.prod(shape)
