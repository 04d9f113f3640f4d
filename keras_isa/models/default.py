"""The network for a shape when the user names no network."""

import math
from collections.abc import Sequence

import keras

from keras_isa.models import convnet
from keras_isa.ops.arguments import image_shape_of, whole_number


def default_network(
    image_shape: Sequence[int],
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
) -> keras.Model:
    """Builds a `ConvNet` for images, a `ConvNet1D` for sequences and an `MLP` for flat features.

    Args:
        image_shape: `(height, width, channels)`, `(steps, features)` or `(features,)`.
        num_classes: Number of classes.
        width: Channels of the first block, or units of each.
        depth: Number of blocks; by default 2 for flat features, otherwise the size decides.
        normalization: `"identity"`, `"batch"`, or `"instance"` for images and sequences.
        constant_width: Whether all blocks have the same width, which those of an `MLP` always have.
        activation: `"relu"` or `"softplus"`, see `keras_isa.models.ConvNet`.
        initialization: `"lecun"` or `"nngp"`, see there.
        implementation: How convolutions are computed, see `keras_isa.layers.PatchConv2D` and
            `PatchConv1D`.
        dtype: Policy of the layers, as `keras.layers.Layer` takes it; by default the global one.

    Returns:
        A functional `keras.Model` with the outputs logits `(B, num_classes)` and features `(B, F)`.

    Raises:
        ValueError: If the shape is not one of these, or an argument is out of range.

    Example:

    >>> from keras_isa.models import default_network
    >>> [default_network(shape, 2, width=4).name for shape in ((8, 8, 1), (48, 3), (30,))]
    ['convnet', 'convnet1d', 'mlp']
    """
    image_shape = image_shape_of("image_shape", image_shape)
    options = {
        "width": width,
        "depth": convnet.default_depth(image_shape) if depth is None else depth,
        "normalization": normalization,
        "activation": activation,
        "initialization": initialization,
        "dtype": dtype,
    }
    if len(image_shape) == 1:
        return convnet.MLP(image_shape, num_classes, **options)
    options |= {"constant_width": constant_width, "implementation": implementation}
    build = convnet.ConvNet if len(image_shape) == 3 else convnet.ConvNet1D
    return build(image_shape, num_classes, **options)


def default_flops(
    image_shape: Sequence[int],
    num_classes: int,
    width: int,
    depth: int | None = None,
    constant_width: bool = False,
) -> int:
    """Counts the floating-point operations of a forward pass through `default_network`.

    Multiply-adds count two, zero padding is included; biases, normalisation, activations and
    pooling are not.

    Args:
        image_shape: `(height, width, channels)`, `(steps, features)` or `(features,)`.
        num_classes: Number of classes.
        width: Channels of the first block, or units of each.
        depth: Number of blocks, as in `default_network`.
        constant_width: As in `default_network`.

    Returns:
        The count for one example.

    Raises:
        ValueError: If the shape is not one of these, or a number is out of range.

    Example:

    >>> from keras_isa.models import default_flops
    >>> default_flops((28, 28, 1), 10, 128), default_flops((30,), 2, 64)
    (304513024, 12288)
    """
    for argument, value in (("num_classes", num_classes), ("width", width)):
        whole_number(argument, value)
    image_shape = image_shape_of("image_shape", image_shape)
    depth = convnet.default_depth(image_shape) if depth is None else whole_number("depth", depth)
    sides, channels = convnet.sides_of(image_shape), image_shape[-1]
    kernel = (1, convnet.SEQUENCE_KERNEL, convnet.IMAGE_KERNEL**2)[len(sides)]
    total = 0
    for filters in convnet.block_widths(width, depth, constant_width or not sides):
        total += 2 * math.prod(sides) * kernel * channels * filters
        sides, channels = tuple(side // 2 for side in sides), filters
    # The features of sequences are means over all steps.
    places = math.prod(sides) if len(sides) == 2 else 1
    return total + 2 * places * channels * num_classes
