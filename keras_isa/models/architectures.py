"""Networks of other architectures, on which a distilled set is tested too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from keras_isa.layers.convolution import PatchConv2D
from keras_isa.layers.normalization import BatchNormalization, GroupNormalization
from keras_isa.models.convnet import MLP, NORMALIZATIONS
from keras_isa.ops.arguments import image_shape_of, one_of, whole_number

# Kernels and channels of the convolutions, as multiples of half the width; `None` is a pooling.
_ALEXNET = ((5, 2), None, (5, 3), None, (3, 4), (3, 3), (3, 3), None)
_VGG11 = (
    *((3, 2), None, (3, 4), None, (3, 8), (3, 8), None),
    *((3, 16), (3, 16), None, (3, 16), (3, 16), None),
)
# Grey images of 28x28 are padded to 32x32, as for `ConvNet`.
_PADDED = (28, 28, 1)


def AlexNet(  # noqa: N802 - a model factory is named like the model it makes
    input_shape: Sequence[int],
    num_classes: int,
    *,
    width: int = 128,
    normalization: str = "identity",
    dtype: str | None = None,
    name: str = "alexnet",
) -> keras.Model:
    """Builds the AlexNet of DC and FRePo, a model with the outputs `[logits, features]`.

    Convolutions of 5x5, 5x5, 3x3, 3x3 and 3x3 with `width` times 1, 1.5, 2, 1.5 and 1.5 channels,
    each with normalisation and ReLU, and a 2x2 maximum after the first, the second and the last. A
    maximum over a side of one pixel is left out. The features are what is left, flattened. Source:
    the networks in the code of DC (Zhao et al. 2021).

    Args:
        input_shape: `(height, width, channels)`.
        num_classes: Number of classes, the size of the logits.
        width: Channels of the first convolution, even.
        normalization: `"identity"`, `"batch"` or `"instance"`.
        dtype: Policy of the layers, as `keras.layers.Layer` takes it; by default the global one.
        name: Name of the model.

    Returns:
        A functional `keras.Model`: images `(B, H, W, C)` to logits `(B, num_classes)` and features
        `(B, F)`.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    >>> from keras_isa.models import AlexNet
    >>> logits, features = AlexNet((32, 32, 3), 10, width=8).outputs
    >>> features.shape
    (None, 192)
    """
    return _chain(_ALEXNET, input_shape, num_classes, width, normalization, dtype, name)


def VGG11(  # noqa: N802 - a model factory is named like the model it makes
    input_shape: Sequence[int],
    num_classes: int,
    *,
    width: int = 64,
    normalization: str = "identity",
    dtype: str | None = None,
    name: str = "vgg11",
) -> keras.Model:
    """Builds VGG11 for small images, a model with the outputs `[logits, features]`.

    Eight convolutions of 3x3 with `width` times 1, 2, 4, 4, 8, 8, 8 and 8 channels, each with
    normalisation and ReLU, and a 2x2 maximum after the first, second, fourth, sixth and last; one
    over a side of one pixel is left out. Source: as for `AlexNet`. Arguments, result and errors are
    those of `AlexNet`.

    Example:

    >>> from keras_isa.models import VGG11
    >>> logits, features = VGG11((32, 32, 3), 10, width=4).outputs
    >>> features.shape
    (None, 32)
    """
    return _chain(_VGG11, input_shape, num_classes, width, normalization, dtype, name)


def ResNet18(  # noqa: N802 - a model factory is named like the model it makes
    input_shape: Sequence[int],
    num_classes: int,
    *,
    width: int = 64,
    normalization: str = "identity",
    dtype: str | None = None,
    name: str = "resnet18",
) -> keras.Model:
    """Builds ResNet18 for small images, a model with the outputs `[logits, features]`.

    A 3x3 convolution without pooling, then four stages of two residual blocks with `width` times 1,
    2, 4 and 8 channels, of which the last three begin with a stride of 2. The features are the
    means of the last stage over the image. Source: as for `AlexNet`. Arguments, result and errors
    are those of `AlexNet`.

    Example:

    >>> from keras_isa.models import ResNet18
    >>> logits, features = ResNet18((32, 32, 3), 10, width=4).outputs
    >>> features.shape
    (None, 32)
    """
    inputs, x = _checked_input(input_shape, num_classes, width, normalization)
    about = normalization, dtype
    x = _convolved(x, width, 3, *about)
    for stage, filters in enumerate(width * 2**k for k in range(4)):
        for block in range(2):
            strides = 2 if stage and not block else 1
            y = _convolved(x, filters, 3, *about, strides=strides)
            y = _convolved(y, filters, 3, *about, activate=False)
            if strides > 1 or x.shape[-1] != filters:
                x = _convolved(x, filters, 1, *about, strides=strides, activate=False)
            x = keras.layers.ReLU(dtype=dtype)(keras.layers.Add(dtype=dtype)([x, y]))
    last_axis = {"data_format": "channels_last", "dtype": dtype}
    features = keras.layers.GlobalAveragePooling2D(name="features", **last_axis)(x)
    return _model(inputs, features, num_classes, dtype, name)


def ImageMLP(  # noqa: N802 - a model factory is named like the model it makes
    input_shape: Sequence[int],
    num_classes: int,
    *,
    width: int = 128,
    normalization: str = "identity",
    dtype: str | None = None,
    name: str = "mlp",
) -> keras.Model:
    """Builds an `MLP` of the pixels of images, a model with the outputs `[logits, features]`.

    Arguments, result and errors are those of `AlexNet`; there is no instance normalisation.

    Example:

    >>> from keras_isa.models import ImageMLP
    >>> logits, features = ImageMLP((8, 8, 1), 10, width=16).outputs
    >>> features.shape
    (None, 16)
    """
    inputs = keras.Input(image_shape_of("input_shape", input_shape))
    pixels = keras.layers.Flatten(data_format="channels_last", dtype=dtype)(inputs)
    options = {"width": width, "normalization": normalization, "dtype": dtype}
    inner = MLP(pixels.shape[1:], num_classes, **options)
    return keras.Model(inputs, inner(pixels), name=name)


def _chain(
    plan: Sequence[tuple[int, int] | None],
    input_shape: Sequence[int],
    num_classes: int,
    width: int,
    normalization: str,
    dtype: str | None,
    name: str,
) -> keras.Model:
    inputs, x = _checked_input(input_shape, num_classes, width, normalization)
    last_axis = {"data_format": "channels_last", "dtype": dtype}
    for part in plan:
        if part is not None:
            kernel, halves = part
            x = _convolved(x, width * halves // 2, kernel, normalization, dtype)
        elif min(x.shape[1:3]) > 1:
            x = keras.layers.MaxPooling2D(2, **last_axis)(x)
    features = keras.layers.Flatten(name="features", **last_axis)(x)
    return _model(inputs, features, num_classes, dtype, name)


def _checked_input(
    input_shape: Sequence[int], num_classes: int, width: int, normalization: str
) -> tuple[Any, Any]:
    input_shape = image_shape_of("input_shape", input_shape)
    if len(input_shape) != 3:
        raise ValueError(
            "`input_shape` must be (height, width, channels) for this network. Received: "
            f"input_shape={input_shape}"
        )
    whole_number("num_classes", num_classes)
    whole_number("width", width)
    one_of("normalization", normalization, NORMALIZATIONS)
    inputs = x = keras.Input(input_shape)
    if input_shape == _PADDED:
        x = keras.layers.ZeroPadding2D(2, data_format="channels_last")(x)
    return inputs, x


def _convolved(
    x: Any,
    filters: int,
    kernel: int,
    normalization: str,
    dtype: str | None,
    *,
    strides: int = 1,
    activate: bool = True,
) -> Any:
    """Convolution, normalisation and ReLU."""
    options = {"kernel_initializer": "he_normal", "dtype": dtype}
    if strides == 1:
        x = PatchConv2D(filters, kernel, **options)(x)
    else:
        # Padded on both sides as in PyTorch; "same" would pad an even side on one only.
        last_axis = {"data_format": "channels_last"}
        if kernel > 1:
            x = keras.layers.ZeroPadding2D(kernel // 2, dtype=dtype, **last_axis)(x)
        x = keras.layers.Conv2D(filters, kernel, strides, **last_axis, **options)(x)
    if normalization == "batch":
        x = BatchNormalization(momentum=0.9, epsilon=1e-5, dtype=dtype)(x)
    elif normalization == "instance":
        x = GroupNormalization(groups=-1, epsilon=1e-5, dtype=dtype)(x)
    return keras.layers.ReLU(dtype=dtype)(x) if activate else x


def _model(
    inputs: Any, features: Any, num_classes: int, dtype: str | None, name: str
) -> keras.Model:
    logits = keras.layers.Dense(num_classes, dtype=dtype, name="logits")(features)
    return keras.Model(inputs, [logits, features], name=name)
