"""The networks of images, sequences and flat features: FRePo's, and those of DC and others."""

import functools
import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_isa.layers.convolution import AveragePooling2x2, PatchConv1D, PatchConv2D
from keras_isa.layers.normalization import BatchNormalization, GroupNormalization
from keras_isa.ops.arguments import image_shape_of, is_count, one_of, true_or_false, whole_number
from keras_isa.ops.infinite_width import BIAS_VARIANCE, WEIGHT_VARIANCE
from keras_isa.types import Tensor

NORMALIZATIONS = ("identity", "batch", "instance")
# How weights start: as FRePo's, or as those of the kernels of infinitely wide networks.
INITIALIZATIONS = ("lecun", "nngp")
# Images of this shape alone are padded, to 32x32, as in FRePo.
_PADDED = (28, 28, 1)
# What the shape of an input must be, by its number of axes.
_SHAPES = {
    3: "three positive integers (height, width, channels), with sides of at least 2 pixels; pass "
    "single rows or columns as flat features, (features,)",
    2: "two positive integers (steps, features), at least 2 steps; pass single steps as flat "
    "features, (features,)",
    1: "one positive integer, (features,)",
}
# Sides of the kernels of images and of sequences.
IMAGE_KERNEL, SEQUENCE_KERNEL = 3, 5


def ConvNet(  # noqa: N802 - a model factory is named like the model it makes
    input_shape: tuple[int, int, int],
    num_classes: int,
    *,
    width: int = 128,
    depth: int | None = None,
    normalization: str = "identity",
    constant_width: bool = False,
    activation: str = "relu",
    initialization: str = "lecun",
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
        activation: `"relu"`, or `"softplus"` for `sharp_softplus`, which is smooth.
        initialization: `"lecun"`, or `"nngp"` for weights of variance 2 / fan-in and biases of
            standard deviation 0.1, both Gaussian, as RFAD's kernels have them.
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
    shape = 3, input_shape, num_classes, width, depth, constant_width
    return _network(*shape, normalization, activation, initialization, implementation, dtype, name)


def ConvNet1D(  # noqa: N802 - a model factory is named like the model it makes
    input_shape: Sequence[int],
    num_classes: int,
    *,
    width: int = 128,
    depth: int | None = None,
    normalization: str = "identity",
    constant_width: bool = False,
    activation: str = "relu",
    initialization: str = "lecun",
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
        activation: `"relu"`, or `"softplus"` for `sharp_softplus`, which is smooth.
        initialization: `"lecun"`, or `"nngp"` for weights of variance 2 / fan-in and biases of
            standard deviation 0.1, both Gaussian, as RFAD's kernels have them.
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
    shape = 2, input_shape, num_classes, width, depth, constant_width
    return _network(*shape, normalization, activation, initialization, implementation, dtype, name)


def MLP(  # noqa: N802 - a model factory is named like the model it makes
    input_shape: Sequence[int],
    num_classes: int,
    *,
    width: int = 128,
    depth: int = 2,
    normalization: str = "identity",
    activation: str = "relu",
    initialization: str = "lecun",
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
        activation: As in `ConvNet`.
        initialization: As in `ConvNet`.
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
    if normalization == "instance":
        raise ValueError(
            "`normalization` must be 'identity' or 'batch' for flat features: instance "
            "normalisation takes means over pixels or steps, of which they have none. "
            "Received: normalization='instance'"
        )
    whole_number("depth", depth)
    shape = 1, input_shape, num_classes, width, depth, True
    return _network(*shape, normalization, activation, initialization, "auto", dtype, name)


def _network(
    axes: int,
    input_shape: Sequence[int],
    num_classes: int,
    width: int,
    depth: int | None,
    constant_width: bool,
    normalization: str,
    activation: str,
    initialization: str,
    implementation: str,
    dtype: str | None,
    name: str,
) -> keras.Model:
    """Builds `ConvNet` for images, `ConvNet1D` for sequences and `MLP` for flat features."""
    input_shape = image_shape_of("input_shape", input_shape)
    if len(input_shape) != axes or min(input_shape[:-1], default=2) < 2:
        raise ValueError(
            f"`input_shape` must be {_SHAPES[axes]}. Received: input_shape={input_shape}"
        )
    whole_number("num_classes", num_classes)
    whole_number("width", width)
    one_of("normalization", normalization, NORMALIZATIONS)
    one_of("activation", activation, tuple(_ACTIVATIONS))
    one_of("initialization", initialization, INITIALIZATIONS)
    true_or_false("constant_width", constant_width)
    depth = default_depth(input_shape) if depth is None else depth
    sides = sides_of(input_shape)
    if axes > 1 and (not is_count(depth) or min(sides) < 2**depth):
        size = f"images of {input_shape[0]}x{input_shape[1]}"
        raise ValueError(
            f"`depth` must be an integer from 1 to {int(math.log2(min(sides)))} for "
            f"{size if axes == 3 else f'sequences of {sides[0]} steps'}. "
            f"Received: depth={depth!r}"
        )

    def options() -> dict[str, Any]:
        return {**_initializers(normalization, initialization), "dtype": dtype}

    last_axis = {"data_format": "channels_last", "dtype": dtype}
    inputs = x = keras.Input(input_shape)
    if input_shape == _PADDED:
        x = keras.layers.ZeroPadding2D(2, **last_axis)(x)
    for block, filters in enumerate(block_widths(width, depth, constant_width)):
        if normalization == "batch" and block > 0:
            x = BatchNormalization(momentum=0.1, epsilon=1e-5, dtype=dtype)(x)
        if axes == 3:
            x = PatchConv2D(filters, IMAGE_KERNEL, implementation, **options())(x)
        elif axes == 2:
            x = PatchConv1D(filters, SEQUENCE_KERNEL, implementation, **options())(x)
        else:
            x = keras.layers.Dense(filters, **options())(x)
        if normalization == "instance":
            x = GroupNormalization(groups=-1, epsilon=1e-5, dtype=dtype)(x)
        is_end = axes == 1 and block == depth - 1
        x = _ACTIVATIONS[activation](dtype=dtype, name="features" if is_end else None)(x)
        if axes == 3:
            x = AveragePooling2x2(dtype=dtype)(x)
        elif axes == 2:
            x = keras.layers.AveragePooling1D(2, **last_axis)(x)
    if axes > 1:
        end = keras.layers.Flatten if axes == 3 else keras.layers.GlobalAveragePooling1D
        x = end(name="features", **last_axis)(x)
    logits = keras.layers.Dense(num_classes, name="logits", **options())(x)
    return keras.Model(inputs, [logits, x], name=name)


@keras.saving.register_keras_serializable(package="keras_isa")
def sharp_softplus(x: Tensor) -> Tensor:
    """Softplus of 60 times the input, divided by 60: nearly ReLU, with second derivatives.

    Source: the code released with RCIG (Loo et al. 2023), which distils with it.

    Args:
        x: A tensor of any shape.

    Example:

    >>> from keras import ops
    >>> from keras_isa.models.convnet import sharp_softplus
    >>> [round(float(sharp_softplus(ops.array(x))), 4) for x in (-0.5, 0.0, 0.5)]
    [0.0, 0.0116, 0.5]
    """
    return ops.softplus(_SHARPNESS * x) / _SHARPNESS


_SHARPNESS = 60
_ACTIVATIONS = {
    "relu": keras.layers.ReLU,
    "softplus": functools.partial(keras.layers.Activation, sharp_softplus),
}


def _initializers(normalization: str, initialization: str) -> dict[str, Any]:
    """Returns new initializers of a layer's kernel and bias, see `ConvNet`."""
    of = keras.initializers
    if initialization == "nngp":
        kernel = of.VarianceScaling(WEIGHT_VARIANCE, "fan_in", "untruncated_normal")
        bias = of.RandomNormal(stddev=math.sqrt(BIAS_VARIANCE))
        return {"kernel_initializer": kernel, "bias_initializer": bias}
    if normalization == "instance":
        kernel = of.VarianceScaling(1 / 3, mode="fan_in", distribution="uniform")
        return {"kernel_initializer": kernel}
    return {"kernel_initializer": "lecun_normal"}


def block_widths(width: int, depth: int, constant_width: bool) -> list[int]:
    """Returns the channels of each block of a network whose first block has `width`."""
    return [width if constant_width else width * 2**block for block in range(depth)]


def sides_of(input_shape: Sequence[int]) -> tuple[int, ...]:
    """Returns height and width, or the number of steps, that the first convolution gets.

    Args:
        input_shape: `(height, width, channels)`, `(steps, features)` or `(features,)`.

    Returns:
        The sides after padding; none for flat features.
    """
    return (32, 32) if tuple(input_shape) == _PADDED else tuple(input_shape[:-1])


def default_depth(input_shape: Sequence[int]) -> int:
    """Returns the default number of blocks for inputs of a shape.

    Args:
        input_shape: `(height, width, channels)`, `(steps, features)` or `(features,)`.

    Returns:
        1 to 3 below 64 pixels on the shorter side or 64 steps, 4 below 128, otherwise 5; 2 for flat
        features.
    """
    if len(input_shape) == 1:
        return 2
    side = min(sides_of(input_shape))
    if side >= 64:
        return 5 if side >= 128 else 4
    return max(1, min(3, int(math.log2(side))))
