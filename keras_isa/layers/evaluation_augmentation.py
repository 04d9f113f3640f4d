"""The augmentation with which networks are trained on a distilled set."""

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_isa.layers.augmentation import Augmentation, to_integer
from keras_isa.ops.affine import adjust_color, affine_parameters, apply_affine, cut_out
from keras_isa.types import Tensor

OPERATIONS = ("flip", "color", "crop", "rotate", "translate", "cutout")
GEOMETRIC = ("flip", "crop", "rotate", "translate")

BRIGHTNESS = 0.25  # added to the image: U(-0.25, 0.25)
LOG_COLOR = 0.25  # log of the contrast and saturation factors: U(-0.25, 0.25)
LOG_ZOOM = math.log(1.25)  # log of the zoom: U(log 0.8, log 1.25)
MAX_ANGLE = math.radians(15.0)
MAX_SHIFT = 0.125  # of the height and of the width
CUTOUT = 4  # the square's side is the shorter image side over this


@keras.saving.register_keras_serializable(package="keras_isa")
class EvaluationAugmentation(Augmentation):
    """FRePo's augmentation for training networks on a distilled set.

    Every call draws one operation, uniformly, for the whole batch; each image has its own random
    parameters:

    * `flip`: mirrored left to right with probability one half.
    * `color`: brightness plus U(-0.25, 0.25), then saturation (distance from the mean over
      channels), then contrast (distance from the mean over the image), their factors log-uniform
      in [e^-0.25, e^0.25]. The saturation of a one-channel image does not change.
    * `crop`: a zoom, log-uniform in [0.8, 1.25], at the same size. Where it enlarges, the window
      lies uniformly anywhere inside the image; where it shrinks, the image stays in the middle of
      a border of zeros.
    * `rotate`: by U(-15, 15) degrees about the centre.
    * `translate`: by U(-12.5 %, 12.5 %) of the height and of the width.
    * `cutout`: one square of zeros, its side a quarter of the shorter image side (at least one
      pixel), lying uniformly anywhere inside the image.

    Sampling is bilinear, and pixels from outside of the image are zero, so that images should be
    standardised, with mean zero. The layer does nothing unless `training` is true. Do
    not augment while distilling: the protocol uses it only to train networks on the result.

    The usual set for digits leaves out `flip`; colour pictures take all six.

    Source: Zhou et al., "Dataset Distillation using Neural Feature Regression" (FRePo), the
    evaluation protocol.

    Args:
        operations: names out of flip, color, crop, rotate, translate, cutout, each once.
        seed: integer, for the layer's own `keras.random.SeedGenerator`; None for a random one.
        **kwargs: other arguments of `keras.layers.Layer`.

    Raises:
        ValueError: when `operations` is empty, repeats itself, or has an unknown name, or when
            images are not of shape (B, H, W, C).

    Example:
        >>> import numpy as np
        >>> import keras_isa
        >>> from keras_isa.layers.evaluation_augmentation import EvaluationAugmentation
        >>> layer = EvaluationAugmentation(operations=("cutout",), seed=0)
        >>> images = np.ones((2, 8, 8, 1), "float32")
        >>> float(keras.ops.sum(layer(images, training=True)))  # two squares of 2 by 2 are gone
        120.0
        >>> float(keras.ops.sum(layer(images, training=False)))
        128.0
    """

    known = OPERATIONS

    def __init__(
        self,
        operations: Sequence[str] = ("crop", "rotate", "translate", "cutout"),
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(operations, seed, **kwargs)

    def _transform(self, images: Tensor, unit: Tensor, active: dict[str, Tensor]) -> Tensor:
        height, width = images.shape[1:3]
        signed = 2.0 * unit - 1.0
        if "color" in active:
            color = active["color"] * signed
            images = adjust_color(
                images,
                brightness=BRIGHTNESS * color[0],
                saturation=ops.exp(LOG_COLOR * color[1]),
                contrast=ops.exp(LOG_COLOR * color[2]),
            )
        if any(name in active for name in GEOMETRIC):
            flip, crop, rotate, translate = (active.get(name, 0.0) for name in GEOMETRIC)
            zoom = ops.exp(crop * LOG_ZOOM * signed[0])
            # An enlargement shows a window of H / zoom pixels, which can move both ways by half of
            # the rest. It is not 1 - 1 / zoom, because TensorFlow's reciprocal of 1 may differ
            # from 1.
            room = 0.5 * ops.maximum((zoom - 1.0) / zoom, 0.0)
            reach = room + translate * MAX_SHIFT
            matrices = affine_parameters(
                angle=rotate * MAX_ANGLE * signed[0],
                zoom_y=zoom,
                zoom_x=zoom,
                offset_y=reach * height * signed[1],
                offset_x=reach * width * signed[2],
                flip=flip * unit[0] > 0.5,
            )
            images = apply_affine(images, matrices)
        if "cutout" in active:
            side = max(1, min(height, width) // CUTOUT)
            top = to_integer(unit[0], height - side + 1)
            left = to_integer(unit[1], width - side + 1)
            extent = active["cutout"] * side
            images = cut_out(images, top, left, extent, extent)
        return images
