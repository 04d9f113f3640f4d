"""The convolutional network of sequences."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from keras_isa.layers.convolution import PatchConv1D
from keras_isa.layers.normalization import BatchNormalization
from keras_isa.models.convnet import (
    block_width,
    check_arguments,
    depth_for,
    instance_normalization,
    kernel_initializer,
)
from keras_isa.ops.arguments import image_shape_of, is_count, true_or_false

_KERNEL = 5


def ConvNet1D(  # noqa: N802 - a model factory is named like the model it makes
    input_shape: Sequence[int],
    num_classes: int,
    *,
    width: int = 128,
    depth: int | None = None,
    normalization: str = "identity",
    constant_width: bool = False,
    implementation: str = "auto",
    dtype: str | None = None,
    name: str = "convnet1d",
) -> keras.Model:
    """Builds the `ConvNet` of sequences, a model with the outputs `[logits, features]`.

    Each of `depth` blocks is (batch normalisation) - convolution over 5 steps - (instance
    normalisation) - ReLU - average pooling over 2 steps. The features are the means of the last
    block over all steps, so that it matters little when in a sequence something happens; this is
    the usual end of networks for time series (Wang et al., "Time Series Classification from Scratch
    with Deep Neural Networks", 2017).
    Everything else is as in `ConvNet`: block `i` has `width * 2**i` channels or all have `width`,
    the first block has no batch normalisation, the logits are a dense layer on the features,
    weights start as there and biases from zero.

    Args:
        input_shape: `(steps, features)`, at least 2 steps.
        num_classes: Number of classes, the size of the logits.
        width: Channels of the first block, or of all.
        depth: Number of blocks; by default 3 up to 63 steps (fewer below 8), 4 from 64, 5 from
            128.
        normalization: `"identity"`, `"batch"` or `"instance"`.
        constant_width: Whether all blocks have `width` channels, instead of twice as many as the
            block before.
        implementation: How convolutions are computed, see `keras_isa.layers.PatchConv1D`.
        dtype: Policy of the layers, as `keras.layers.Layer` takes it; by default the global one.
        name: Name of the model.

    Returns:
        A functional `keras.Model`: sequences `(B, T, F)` to logits `(B, num_classes)` and features
        `(B, width * 2**(depth - 1))`, or `(B, width)` with `constant_width`.

    Raises:
        ValueError: If an argument is out of range or the sequences are too short for `depth`.

    Example:

    >>> from keras_isa.models import ConvNet1D
    >>> logits, features = ConvNet1D((48, 3), 4, width=8).outputs
    >>> features.shape
    (None, 32)
    """
    input_shape = image_shape_of("input_shape", input_shape)
    if len(input_shape) != 2 or input_shape[0] < 2:
        raise ValueError(
            "`input_shape` must be two positive integers (steps, features), at least 2 steps; pass "
            f"single steps as flat features, (features,). Received: input_shape={input_shape}"
        )
    check_arguments(num_classes, width, normalization)
    true_or_false("constant_width", constant_width)
    steps = input_shape[0]
    depth = depth_for(steps) if depth is None else depth
    if not is_count(depth) or steps < 2**depth:
        raise ValueError(
            f"`depth` must be an integer from 1 to {steps.bit_length() - 1} for sequences of "
            f"{steps} steps. Received: depth={depth!r}"
        )
    inputs = x = keras.Input(input_shape)
    for block in range(depth):
        if normalization == "batch" and block > 0:
            x = BatchNormalization(momentum=0.1, epsilon=1e-5, dtype=dtype)(x)
        x = PatchConv1D(
            block_width(width, block, constant_width),
            _KERNEL,
            implementation=implementation,
            kernel_initializer=kernel_initializer(normalization),
            dtype=dtype,
        )(x)
        if normalization == "instance":
            x = instance_normalization(dtype)(x)
        x = keras.layers.ReLU(dtype=dtype)(x)
        x = keras.layers.AveragePooling1D(2, data_format="channels_last", dtype=dtype)(x)
    features = keras.layers.GlobalAveragePooling1D(
        data_format="channels_last", name="features", dtype=dtype
    )(x)
    logits = keras.layers.Dense(
        num_classes,
        kernel_initializer=kernel_initializer(normalization),
        dtype=dtype,
        name="logits",
    )(features)
    return keras.Model(inputs, [logits, features], name=name)


def forward_flops(
    input_shape: Sequence[int],
    num_classes: int,
    width: int,
    depth: int | None = None,
    constant_width: bool = False,
) -> int:
    """Counts the floating-point operations of a forward pass of one sequence.

    Multiply-adds count two; biases, normalisation, activations and pooling are not included.

    Args:
        input_shape: `(steps, features)`.
        num_classes: Number of classes.
        width: Channels of the first block, or of all.
        depth: Number of blocks, as in `ConvNet1D`.
        constant_width: Whether all blocks have `width` channels.

    Returns:
        The count.

    Example:

    >>> from keras_isa.models.convnet1d import forward_flops
    >>> forward_flops((48, 3), 4, 8, depth=1)  # 2 * (48 * 5 * 3 * 8 + 8 * 4)
    11584
    """
    steps, channels = input_shape
    total = 0
    for block in range(depth_for(steps) if depth is None else depth):
        filters = block_width(width, block, constant_width)
        total += 2 * steps * _KERNEL * channels * filters
        steps, channels = steps // 2, filters
    return total + 2 * channels * num_classes
