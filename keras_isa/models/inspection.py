"""Facts about a network: the memory of its activations, its convolutions, its compute dtype."""

import math
import re
from collections.abc import Iterator

import keras

from keras_isa.global_settings import SHORT_FLOATS
from keras_isa.layers.convolution import PatchConv1D, PatchConv2D

_FLOAT_BYTES = 4
# The ways in which `PatchConv1D` and `PatchConv2D` compute a convolution as a matrix product.
_MATRIX_PRODUCTS = ("patches", "winograd")
_CONVOLUTIONS = tuple(
    kind
    for name, kind in vars(keras.layers).items()
    if re.fullmatch("(Depthwise|Separable)?Conv[123]D(Transpose)?", name)
)


def activation_bytes(model: keras.Model) -> tuple[int, int]:
    """Counts the bytes of the activations of a model for one image, as float32.

    Layers know the shape of their output if they are part of a functional model or were called with
    symbolic tensors. The activations of other layers are not counted.

    Args:
        model: Keras model, built.

    Returns:
        Bytes of the largest activation and of all together; zeros if no shape is known.

    Example:

    >>> from keras_isa.models import ConvNet
    >>> from keras_isa.models.inspection import activation_bytes
    >>> activation_bytes(ConvNet((8, 8, 1), 10, width=4, depth=1))[0] == 4 * 8 * 8 * 4
    True
    """
    sizes = [_FLOAT_BYTES * size for size in _sizes(model)]
    return max(sizes, default=0), sum(sizes)


def has_native_convolution(model: keras.Model) -> bool:
    """Whether any layer of a model convolves by its backend's own operation.

    XLA's CPU backend runs this operation on one thread inside of a compiled loop.

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
    """Returns the compute dtype of a model's layers with weights; a 16-bit one if they differ.

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
    # Only layers with their own weights multiply. Models and other layers of layers do not.
    found = {
        layer.compute_dtype
        for layer in model._flatten_layers()
        if layer._trainable_variables or layer._non_trainable_variables
    }
    return next((dtype for dtype in SHORT_FLOATS if dtype in found), "float32")


def _input_shape(layer: keras.layers.Layer) -> tuple:
    try:
        return layer.input.shape
    except (AttributeError, ValueError):  # the layer was called with arrays only, or more than once
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
