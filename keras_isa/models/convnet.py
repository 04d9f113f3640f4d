"""The convolutional network of FRePo."""

from __future__ import annotations

import math

import keras

from keras_isa.layers.convolution import PatchConv2D
from keras_isa.layers.pooling import AveragePooling2x2
from keras_isa.ops.arguments import image_shape_of, is_count, one_of, whole_number

NORMALIZATIONS = ("identity", "batch")
# The one shape that is padded, to 32x32, as in FRePo.
_PADDED = (28, 28, 1)


def ConvNet(  # noqa: N802 - a model factory is named like the model it makes
    input_shape: tuple[int, int, int],
    num_classes: int,
    *,
    width: int = 128,
    depth: int | None = None,
    normalization: str = "identity",
    implementation: str = "auto",
    dtype: str | None = None,
    name: str = "convnet",
) -> keras.Model:
    """Builds FRePo's ConvNet, a model with the outputs `[logits, features]`.

    Each of `depth` blocks is (normalisation) - 3x3 convolution - ReLU - 2x2 average pooling.
    Normalisation comes before the convolution and is left out of the first block, so the features
    are not normalised. Block `i` has `width * 2**i` channels. The features are the flattened output
    of the last pooling; the logits are a dense layer on them. Weights start from `lecun_normal`,
    biases from zero; batch normalisation keeps 10 % of the old statistics at each step. Source:
    FRePo (Zhou et al. 2022) and the code released with it. A greyscale image of 28x28 is padded to
    32x32.

    Args:
        input_shape: `(height, width, channels)`, both sides at least 2 pixels.
        num_classes: Number of classes, the size of the logits.
        width: Channels of the first block.
        depth: Number of blocks; by default 3 up to 63 pixels on the shorter side (fewer below 8
            pixels), 4 from 64, 5 from 128.
        normalization: `"identity"` or `"batch"`.
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
    depth = default_depth(input_shape) if depth is None else depth
    padded = input_shape == _PADDED
    side = 32 if padded else min(input_shape[:2])
    if not is_count(depth) or side < 2**depth:
        raise ValueError(
            f"`depth` must be an integer from 1 to {int(math.log2(side))} for images of "
            f"{input_shape[0]}x{input_shape[1]}. Received: depth={depth!r}"
        )

    inputs = keras.Input(input_shape)
    x = keras.layers.ZeroPadding2D(2, dtype=dtype)(inputs) if padded else inputs
    for block in range(depth):
        if normalization == "batch" and block > 0:
            x = keras.layers.BatchNormalization(momentum=0.1, epsilon=1e-5, dtype=dtype)(x)
        x = PatchConv2D(
            width * 2**block,
            3,
            implementation=implementation,
            kernel_initializer="lecun_normal",
            dtype=dtype,
        )(x)
        x = keras.layers.ReLU(dtype=dtype)(x)
        x = AveragePooling2x2(dtype=dtype)(x)
    features = keras.layers.Flatten(name="features", dtype=dtype)(x)
    logits = keras.layers.Dense(
        num_classes, kernel_initializer="lecun_normal", dtype=dtype, name="logits"
    )(features)
    return keras.Model(inputs, [logits, features], name=name)


def check_arguments(num_classes: int, width: int, normalization: str) -> None:
    """Raises a ValueError for an argument that no network of this room can have.

    Args:
        num_classes: Number of classes, a positive integer.
        width: Channels or units, a positive integer.
        normalization: One of `NORMALIZATIONS`.
    """
    whole_number("num_classes", num_classes)
    whole_number("width", width)
    one_of("normalization", normalization, NORMALIZATIONS)


def default_depth(input_shape: tuple[int, int, int]) -> int:
    """Number of blocks for an image shape `(height, width, channels)`.

    Args:
        input_shape: `(height, width, channels)`.

    Returns:
        1 to 3 below 64 pixels on the shorter side, 4 below 128, otherwise 5.
    """
    side = min(input_shape[:2])
    if side >= 64:
        return 5 if side >= 128 else 4
    return max(1, min(3, int(math.log2(side))))


def forward_flops(
    input_shape: tuple[int, int, int], num_classes: int, width: int, depth: int | None = None
) -> int:
    """Counts the floating-point operations of a forward pass of one image.

    Multiply-adds count two, zero padding is included, biases, activations and pooling are not.

    Args:
        input_shape: `(height, width, channels)`.
        num_classes: Number of classes.
        width: Channels of the first block.
        depth: Number of blocks, as in `ConvNet`.

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
        filters = width * 2**block
        total += 2 * height * image_width * 9 * channels * filters
        height, image_width, channels = height // 2, image_width // 2, filters
    return total + 2 * height * image_width * channels * num_classes
