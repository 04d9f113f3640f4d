"""The convolutional networks of FRePo and of DC and its successors."""

from __future__ import annotations

import math
from typing import Any

import keras

from keras_isa.layers.convolution import PatchConv2D
from keras_isa.layers.normalization import BatchNormalization, GroupNormalization
from keras_isa.layers.pooling import AveragePooling2x2
from keras_isa.ops.arguments import image_shape_of, is_count, one_of, true_or_false, whole_number

NORMALIZATIONS = ("identity", "batch", "instance")
# Images of this shape alone are padded, to 32x32, as in FRePo.
_PADDED = (28, 28, 1)


def ConvNet(  # noqa: N802 - a model factory is named like the model it makes
    input_shape: tuple[int, int, int],
    num_classes: int,
    *,
    width: int = 128,
    depth: int | None = None,
    normalization: str = "identity",
    constant_width: bool = False,
    implementation: str = "auto",
    dtype: str | None = None,
    name: str = "convnet",
) -> keras.Model:
    """Builds FRePo's ConvNet, a model with the outputs `[logits, features]`.

    Each of `depth` blocks is (batch normalisation) - 3x3 convolution - ReLU - 2x2 average pooling.
    Batch normalisation is left out of the first block, so the features are not normalised. Block
    `i` has `width * 2**i` channels. The features are the flattened output of the last pooling; the
    logits are a dense layer on them. Weights start from `lecun_normal`, biases from zero; batch
    normalisation keeps 10 % of the old statistics at each step. Source: FRePo (Zhou et al. 2022)
    and the code released with it. A greyscale image of 28x28 is padded to 32x32.

    With `normalization="instance"` and `constant_width=True` it is the ConvNet of DC (Zhao et al.
    2021), DSA, DM and MTT: 3x3 convolution - instance normalisation with scale and offset - ReLU -
    2x2 average pooling, `width` channels in every block. Instance normalisation removes the scale
    and the bias of the convolution before it, so what a fresh network computes does not depend on
    them. But a step of SGD turns a larger kernel less. DC's rates were found with PyTorch, so
    kernels start as PyTorch's do by default: uniform, with 1 / 3 of the variance of `lecun_normal`.
    Biases start from zero.

    Args:
        input_shape: `(height, width, channels)`, both sides at least 2 pixels.
        num_classes: Number of classes, the size of the logits.
        width: Channels of the first block, or of all.
        depth: Number of blocks; by default 3 up to 63 pixels on the shorter side (fewer below 8
            pixels), 4 from 64, 5 from 128.
        normalization: `"identity"`, `"batch"` or `"instance"`.
        constant_width: Whether all blocks have `width` channels, instead of twice as many as the
            block before.
        implementation: How convolutions are computed, see `keras_isa.layers.PatchConv2D`.
        dtype: Policy of the layers, as `keras.layers.Layer` takes it; by default the global one.
        name: Name of the model.

    Returns:
        A functional `keras.Model`: images `(B, H, W, C)` to logits `(B, num_classes)` and features
        `(B, F)`.

    Raises:
        ValueError: If an argument is out of range or the image is too small for `depth`.

    Example:

    >>> from keras_isa.models import ConvNet
    >>> logits, features = ConvNet((8, 8, 1), 10, width=32).outputs
    >>> features.shape
    (None, 128)
    """
    input_shape = image_shape_of("input_shape", input_shape)
    if len(input_shape) != 3:
        raise ValueError(
            "`input_shape` must be three positive integers (height, width, channels). "
            f"Received: input_shape={input_shape}"
        )
    if min(input_shape[:2]) < 2:
        raise ValueError(
            "`input_shape` must have sides of at least 2 pixels; pass single rows or columns "
            f"as flat features, (features,). Received: input_shape={input_shape}"
        )
    check_arguments(num_classes, width, normalization)
    true_or_false("constant_width", constant_width)
    depth = default_depth(input_shape) if depth is None else depth
    padded = input_shape == _PADDED
    side = 32 if padded else min(input_shape[:2])
    if not is_count(depth) or side < 2**depth:
        raise ValueError(
            f"`depth` must be an integer from 1 to {int(math.log2(side))} for images of "
            f"{input_shape[0]}x{input_shape[1]}. Received: depth={depth!r}"
        )

    inputs = keras.Input(input_shape)
    x = inputs
    if padded:
        x = keras.layers.ZeroPadding2D(2, data_format="channels_last", dtype=dtype)(x)
    for block in range(depth):
        if normalization == "batch" and block > 0:
            x = BatchNormalization(momentum=0.1, epsilon=1e-5, dtype=dtype)(x)
        x = PatchConv2D(
            block_width(width, block, constant_width),
            3,
            implementation=implementation,
            kernel_initializer=kernel_initializer(normalization),
            dtype=dtype,
        )(x)
        if normalization == "instance":
            x = instance_normalization(dtype)(x)
        x = keras.layers.ReLU(dtype=dtype)(x)
        x = AveragePooling2x2(dtype=dtype)(x)
    features = keras.layers.Flatten("channels_last", name="features", dtype=dtype)(x)
    logits = keras.layers.Dense(
        num_classes,
        kernel_initializer=kernel_initializer(normalization),
        dtype=dtype,
        name="logits",
    )(features)
    return keras.Model(inputs, [logits, features], name=name)


def check_arguments(num_classes: int, width: int, normalization: str) -> None:
    """Raises a ValueError for an argument that no network of this package can have.

    Args:
        num_classes: Number of classes, a positive integer.
        width: Channels or units, a positive integer.
        normalization: One of `NORMALIZATIONS`.
    """
    whole_number("num_classes", num_classes)
    whole_number("width", width)
    one_of("normalization", normalization, NORMALIZATIONS)


def kernel_initializer(normalization: str) -> Any:
    """Returns a new initializer of kernels, see `ConvNet`.

    Args:
        normalization: One of `NORMALIZATIONS`.
    """
    if normalization == "instance":
        return keras.initializers.VarianceScaling(1 / 3, mode="fan_in", distribution="uniform")
    return "lecun_normal"


def instance_normalization(dtype: str | None) -> keras.layers.Layer:
    """Returns a layer that normalises each channel of each image or sequence, then scales it.

    Args:
        dtype: Policy of the layer; by default the global one.
    """
    return GroupNormalization(groups=-1, epsilon=1e-5, dtype=dtype)


def block_width(width: int, block: int, constant_width: bool) -> int:
    """Returns the channels of block 0, 1, ... of a network whose first block has `width`."""
    return width if constant_width else width * 2**block


def default_depth(input_shape: tuple[int, int, int]) -> int:
    """Returns the default number of blocks for images of a shape.

    Args:
        input_shape: `(height, width, channels)`.

    Returns:
        1 to 3 below 64 pixels on the shorter side, 4 below 128, otherwise 5.
    """
    return depth_for(min(input_shape[:2]))


def depth_for(side: int) -> int:
    """Returns the default number of blocks for a side, in pixels or steps."""
    if side >= 64:
        return 5 if side >= 128 else 4
    return max(1, min(3, int(math.log2(side))))


def forward_flops(
    input_shape: tuple[int, int, int],
    num_classes: int,
    width: int,
    depth: int | None = None,
    constant_width: bool = False,
) -> int:
    """Counts the floating-point operations of a forward pass of one image.

    Multiply-adds count two, zero padding is included; biases, normalisation, activations and
    pooling are not.

    Args:
        input_shape: `(height, width, channels)`.
        num_classes: Number of classes.
        width: Channels of the first block, or of all.
        depth: Number of blocks, as in `ConvNet`.
        constant_width: Whether all blocks have `width` channels.

    Returns:
        The count.

    Example:

    >>> from keras_isa.models.convnet import forward_flops
    >>> forward_flops((28, 28, 1), 10, 128)
    304513024
    """
    height, image_width, channels = input_shape
    if tuple(input_shape) == _PADDED:
        height = image_width = 32
    total = 0
    for block in range(default_depth(input_shape) if depth is None else depth):
        filters = block_width(width, block, constant_width)
        total += 2 * height * image_width * 9 * channels * filters
        height, image_width, channels = height // 2, image_width // 2, filters
    return total + 2 * height * image_width * channels * num_classes
