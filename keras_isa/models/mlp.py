"""A network for flat features."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from keras_isa.layers.normalization import BatchNormalization
from keras_isa.models.convnet import check_arguments
from keras_isa.ops.arguments import image_shape_of, whole_number


def MLP(  # noqa: N802 - a model factory is named like the model it makes
    input_shape: Sequence[int],
    num_classes: int,
    *,
    width: int = 128,
    depth: int = 2,
    normalization: str = "identity",
    dtype: str | None = None,
    name: str = "mlp",
) -> keras.Model:
    """Builds a multilayer perceptron, a model with the outputs `[logits, features]`.

    Each of `depth` blocks is (normalisation) - dense layer - ReLU. Everything else is as in
    `ConvNet`: the first block has no normalisation, the features are the last activations, the
    logits a dense layer on them, weights start from `lecun_normal` and biases from zero.

    Args:
        input_shape: `(features,)`.
        num_classes: Number of classes, the size of the logits.
        width: Units of each block.
        depth: Number of blocks.
        normalization: `"identity"` or `"batch"`.
        dtype: Policy of the layers, as `keras.layers.Layer` takes it; by default the global one.
        name: Name of the model.

    Returns:
        A functional `keras.Model`: features `(B, F)` to logits `(B, num_classes)` and features
        `(B, width)`.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    >>> from keras_isa.models import MLP
    >>> logits, features = MLP((30,), 2, width=64).outputs
    >>> features.shape
    (None, 64)
    """
    input_shape = image_shape_of("input_shape", input_shape)
    if len(input_shape) != 1:
        raise ValueError(
            "`input_shape` must be one positive integer, (features,). "
            f"Received: input_shape={input_shape}"
        )
    check_arguments(num_classes, width, normalization)
    if normalization == "instance":
        raise ValueError(
            "`normalization` must be 'identity' or 'batch' for flat features: instance "
            "normalisation takes means over pixels or steps, of which they have none. "
            "Received: normalization='instance'"
        )
    whole_number("depth", depth)
    inputs = x = keras.Input(input_shape)
    for block in range(depth):
        if normalization == "batch" and block > 0:
            x = BatchNormalization(momentum=0.1, epsilon=1e-5, dtype=dtype)(x)
        x = keras.layers.Dense(width, kernel_initializer="lecun_normal", dtype=dtype)(x)
        x = keras.layers.ReLU(dtype=dtype, name="features" if block == depth - 1 else None)(x)
    logits = keras.layers.Dense(
        num_classes, kernel_initializer="lecun_normal", dtype=dtype, name="logits"
    )(x)
    return keras.Model(inputs, [logits, x], name=name)


def forward_flops(input_shape: Sequence[int], num_classes: int, width: int, depth: int = 2) -> int:
    """Counts the floating-point operations of a forward pass of one example.

    Multiply-adds count two; biases and activations are not included.

    Args:
        input_shape: `(features,)`.
        num_classes: Number of classes.
        width: Units of each block.
        depth: Number of blocks.

    Returns:
        The count.

    Example:

    >>> from keras_isa.models.mlp import forward_flops
    >>> forward_flops((30,), 2, 64)
    12288
    """
    (features,) = input_shape
    return 2 * width * (features + (depth - 1) * width + num_classes)
