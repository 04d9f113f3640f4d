"""The augmentation through which real and synthetic images are compared while distilling."""

import math
from collections.abc import Sequence
from typing import Any

import keras

from keras_isa.layers.augmentation import Augmentation, to_integer
from keras_isa.ops.affine import adjust_color, affine_parameters, apply_affine, cut_out
from keras_isa.ops.arguments import true_or_false, words_of
from keras_isa.types import Tensor

OPERATIONS = ("color", "crop", "cutout", "flip", "scale", "rotate")
GEOMETRIC = ("crop", "flip", "scale", "rotate")

BRIGHTNESS = 0.5  # added to the image: U(-0.5, 0.5)
SATURATION = 1.0  # the factor: 1 + U(-1, 1)
CONTRAST = 0.5  # the factor: 1 + U(-0.5, 0.5)
MAX_SHIFT = 0.125  # of the height and of the width, to the nearest whole pixel
CUTOUT = 0.5  # of the height and of the width, to the nearest whole pixel
MAX_WINDOW = 1.2  # the seen window over the image, each way: U(1 / 1.2, 1.2)
MAX_ANGLE = math.radians(15.0)


def checked_operations(name: str, value: Any) -> tuple[str, ...]:
    """Returns operations of the Siamese augmentation, or none.

    Args:
        name: The caller's name for them, for errors.
        value: Names out of `OPERATIONS`.

    Raises:
        ValueError: If a name is unknown or comes twice.
    """
    return () if value in ((), []) else words_of(name, value, OPERATIONS)


def suited_operations(image_shape: Sequence[int]) -> tuple[str, ...]:
    """Returns all operations for colour images, all but flip for others, none for other inputs.

    Args:
        image_shape: `(height, width, channels)`, `(steps, features)` or `(features,)`.
    """
    if len(image_shape) != 3:
        return ()
    return tuple(name for name in OPERATIONS if name != "flip" or image_shape[2] == 3)


@keras.saving.register_keras_serializable(package="keras_isa")
class SiameseAugmentation(Augmentation):
    """Differentiable Siamese augmentation (DSA): one transformation for real and synthetic images.

    Every call draws one operation, uniformly, and one set of random parameters for all images of
    all batches handed in, so that a distance between real and synthetic batches compares images
    that were transformed alike. Gradients flow through every operation:

    * `color`: brightness plus U(-0.5, 0.5), then saturation (distance from the mean over channels)
      times U(0, 2), then contrast (distance from the mean over the image) times U(0.5, 1.5).
    * `crop`: moved by whole pixels, uniformly up to 12.5 % of the height and of the width.
    * `cutout`: a rectangle of zeros, half as high and half as wide as the image, its centre
      anywhere in the image, so that parts of it may fall outside.
    * `flip`: mirrored left to right with probability one half. Leave it out for digits.
    * `scale`: the window that is seen, about the centre, is U(1/1.2, 1.2) times as high and,
      drawn independently, as wide as the image.
    * `rotate`: by U(-15, 15) degrees about the centre.

    Sampling is bilinear, and pixels from outside of the image are zero, so that images should be
    standardised, with mean zero. The layer does nothing unless `training` is true.

    Keras's own random image layers are not suitable. They clip to a range of values, which
    standardised images do not have. Their saturation needs three channels. On TensorFlow their
    saturation has no gradient, and the gradients of rotations and zooms are not exact.

    Source: Zhao and Bilen, "Dataset Condensation with Differentiable Siamese Augmentation", with
    its published parameters; one operation per call is its mode "S".

    Args:
        operations: names out of color, crop, cutout, flip, scale, rotate, each once.
        seed: integer, for the layer's own `keras.random.SeedGenerator`; None for a random one.
        per_image: whether each image has its own parameters, as for networks that are trained on a
            distilled set. The operation is one per call in any case.
        **kwargs: other arguments of `keras.layers.Layer`.

    Call arguments:
        batches: a float tensor (B, H, W, C), or a tuple, list or dict of such tensors, of one
            height and width; B may differ.
        training: whether to augment.

    Returns:
        The structure, shapes and dtypes of `batches` (integers become the layer's compute dtype).

    Raises:
        ValueError: when `operations` is empty, repeats itself, or has an unknown name, when
            images are not of shape (B, H, W, C), or when heights or widths differ.

    Example:
        >>> import numpy as np
        >>> from keras_isa.layers.siamese_augmentation import SiameseAugmentation
        >>> layer = SiameseAugmentation(("crop", "scale", "rotate"), seed=0)
        >>> real = np.random.default_rng(0).normal(size=(5, 8, 8, 1)).astype("float32")
        >>> synthetic = real[:2]
        >>> new_real, new_synthetic = layer((real, synthetic), training=True)
        >>> bool(keras.ops.all(new_real[:2] == new_synthetic))
        True
        >>> bool(keras.ops.all(new_real == real))
        False
    """

    known = OPERATIONS

    def __init__(
        self,
        operations: Sequence[str] = OPERATIONS,
        seed: int | None = None,
        per_image: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(operations, seed, **kwargs)
        self.per_image = true_or_false("per_image", per_image)

    def _transform(self, images: Tensor, unit: Tensor, active: dict[str, Tensor]) -> Tensor:
        height, width = images.shape[1:3]
        if "color" in active:
            signed = active["color"] * (2.0 * unit - 1.0)
            images = adjust_color(
                images,
                brightness=BRIGHTNESS * signed[0],
                saturation=1.0 + SATURATION * signed[1],
                contrast=1.0 + CONTRAST * signed[2],
            )
        if any(name in active for name in GEOMETRIC):
            crop, flip, scale, rotate = (active.get(name, 0.0) for name in GEOMETRIC)
            matrices = affine_parameters(
                angle=rotate * MAX_ANGLE * (2.0 * unit[0] - 1.0),
                zoom_y=1.0 / (1.0 + scale * (_window_size(unit[0]) - 1.0)),
                zoom_x=1.0 / (1.0 + scale * (_window_size(unit[1]) - 1.0)),
                offset_y=crop * _shift(height, unit[0]),
                offset_x=crop * _shift(width, unit[1]),
                flip=flip * unit[0] > 0.5,
            )
            images = apply_affine(images, matrices)
        if "cutout" in active:
            top, rows = _cutout_span(height, unit[0])
            left, columns = _cutout_span(width, unit[1])
            cutout = active["cutout"]
            images = cut_out(images, top, left, cutout * rows, cutout * columns)
        return images

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild the layer."""
        return {**super().get_config(), "per_image": self.per_image}


def _window_size(unit: Tensor) -> Tensor:
    """Side of the window that is seen, as a multiple of the image's side."""
    return 1.0 / MAX_WINDOW + (MAX_WINDOW - 1.0 / MAX_WINDOW) * unit


def _shift(size: int, unit: Tensor) -> Tensor:
    """Whole pixels by which a crop moves the image."""
    most = int(MAX_SHIFT * size + 0.5)
    return to_integer(unit, 2 * most + 1) - most


def _cutout_span(size: int, unit: Tensor) -> tuple[Tensor, int]:
    """First row and number of rows of a cut-out."""
    side = int(CUTOUT * size + 0.5)
    # The centre of an even side is between two rows, and has one possible place more.
    return to_integer(unit, size + 1 - side % 2) - side // 2, side
