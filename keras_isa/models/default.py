"""The network that fits a shape, when the user names none."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from keras_isa.models import convnet, mlp
from keras_isa.ops.arguments import image_shape_of, whole_number

# What networks compute in, as Keras names it: all in float32, or layers and their results in
# bfloat16, which has the range of float32, with weights in float32.
DTYPE_POLICIES = ("float32", "mixed_bfloat16")

_MLP_DEPTH = 2


def default_network(
    image_shape: Sequence[int],
    num_classes: int,
    *,
    width: int = 128,
    depth: int | None = None,
    normalization: str = "identity",
    implementation: str = "auto",
    dtype: str | None = None,
) -> keras.Model:
    """Builds a `ConvNet` for images and an `MLP` for flat features.

    Args:
        image_shape: `(height, width, channels)`, or `(features,)`.
        num_classes: Number of classes.
        width: Channels of the first block, or units of each.
        depth: Number of blocks; by default 2 for flat features, for images the size decides.
        normalization: `"identity"` or `"batch"`.
        implementation: How convolutions are computed, see `keras_isa.layers.PatchConv2D`.
        dtype: Policy of the layers, as `keras.layers.Layer` takes it; by default the global one.

    Returns:
        A functional `keras.Model` with the outputs logits `(B, num_classes)` and features `(B, F)`.

    Raises:
        ValueError: If the shape has neither three axes nor one, or an argument is out of range.

    Example:

    >>> from keras_isa.models import default_network
    >>> default_network((8, 8, 1), 10).name, default_network((30,), 2).name
    ('convnet', 'mlp')
    """
    if _is_flat(image_shape):
        depth = _MLP_DEPTH if depth is None else depth
        return mlp.MLP(
            image_shape,
            num_classes,
            width=width,
            depth=depth,
            normalization=normalization,
            dtype=dtype,
        )
    return convnet.ConvNet(
        image_shape,
        num_classes,
        width=width,
        depth=depth,
        normalization=normalization,
        implementation=implementation,
        dtype=dtype,
    )


def default_flops(
    image_shape: Sequence[int], num_classes: int, width: int, depth: int | None = None
) -> int:
    """Counts the floating-point operations of a forward pass through `default_network`.

    Args:
        image_shape: `(height, width, channels)`, or `(features,)`.
        num_classes: Number of classes.
        width: Channels of the first block, or units of each.
        depth: Number of blocks, as in `default_network`.

    Returns:
        The count for one example; multiply-adds count two.

    Raises:
        ValueError: If the shape has neither three axes nor one, or a number is out of range.

    Example:

    >>> from keras_isa.models import default_flops
    >>> default_flops((28, 28, 1), 10, 128), default_flops((30,), 2, 64)
    (304513024, 12288)
    """
    for argument, value in (("num_classes", num_classes), ("width", width)):
        whole_number(argument, value)
    if depth is not None:
        whole_number("depth", depth)
    if _is_flat(image_shape):
        depth = _MLP_DEPTH if depth is None else depth
        return mlp.forward_flops(image_shape, num_classes, width, depth)
    return convnet.forward_flops(image_shape, num_classes, width, depth)


def _is_flat(image_shape: Sequence[int]) -> bool:
    return len(image_shape_of("image_shape", image_shape)) == 1
