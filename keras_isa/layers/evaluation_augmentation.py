"""The augmentation with which networks are trained on a distilled set."""

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_isa.ops.affine import (
    adjust_color,
    affine_parameters,
    apply_affine,
    as_images,
    cut_out,
)
from keras_isa.ops.arguments import seed_number, words_of
from keras_isa.ops.random import KeySequence
from keras_isa.types import Tensor

OPERATIONS = ("flip", "color", "crop", "rotate", "translate", "cutout")
GEOMETRIC = ("flip", "crop", "rotate", "translate")

BRIGHTNESS = 0.25  # added to the image: U(-0.25, 0.25)
LOG_COLOR = 0.25  # log of the contrast and saturation factors: U(-0.25, 0.25)
LOG_ZOOM = math.log(1.25)  # log of the zoom: U(log 0.8, log 1.25)
MAX_ANGLE = math.radians(15.0)
MAX_SHIFT = 0.125  # of the height and of the width
CUTOUT = 4  # the square's side is the shorter image side over this


def check_operations(operations: str | Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """Return the names as a tuple, or raise a ValueError when one is not known or comes twice."""
    several = [operations] if isinstance(operations, str) else operations
    chosen = words_of("operations", several, known)
    if not chosen:
        raise ValueError(
            f"`operations` must name one or more of {', '.join(known)}. Received: none"
        )
    return chosen


def draw_operation(operations: Sequence[str], seeds: KeySequence) -> dict[str, Tensor]:
    """Draw one of the names uniformly: 1.0 for the drawn, 0.0 for the others (float32 scalars)."""
    pick = keras.random.uniform((), seed=seeds, dtype="float32") * len(operations)
    pick = ops.minimum(ops.cast(pick, "int32"), len(operations) - 1)
    return {
        name: ops.cast(ops.equal(pick, place), "float32") for place, name in enumerate(operations)
    }


@keras.saving.register_keras_serializable(package="keras_isa")
class EvaluationAugmentation(keras.layers.Layer):
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

    def __init__(
        self,
        operations: Sequence[str] = ("crop", "rotate", "translate", "cutout"),
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.operations = check_operations(operations, OPERATIONS)
        self.seed = None if seed is None else seed_number(seed)
        self.seed_generator = keras.random.SeedGenerator(self.seed)

    def call(self, images: Tensor, training: bool = False) -> Tensor:
        """Return the images augmented when `training` is true, else unchanged."""
        if not training:
            return images
        return self.augment(images, self.seed_generator.next())

    def augment(self, images: Tensor, key: Tensor) -> Tensor:
        """Augment with random numbers from a key: pure, for compiled loops and vectorised maps.

        Args:
            images: float tensor (B, H, W, C), any height and width.
            key: tensor of shape (2,), as `keras.random.SeedGenerator.next()` returns.

        Returns:
            Tensor of the shape and dtype of `images` (integers become the layer's compute dtype).
        """
        images = as_images(images, self.compute_dtype)
        return self.transform(images, self.draw(ops.shape(images)[0], key))

    def draw(self, count: int, key: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """Draw the random numbers of one call, for `transform`.

        Args:
            count: number of images B.
            key: as in `augment`.

        Returns:
            1.0 for the operation that was drawn and 0.0 for the others, by name, and uniform
            numbers of shape (3, B), all float32.
        """
        seeds = KeySequence(key)
        active = draw_operation(self.operations, seeds)
        # Only one operation acts in a call, so that all can use the same three numbers.
        return active, keras.random.uniform((3, count), seed=seeds, dtype="float32")

    def transform(self, images: Tensor, drawn: tuple[dict[str, Tensor], Tensor]) -> Tensor:
        """Augment with numbers that `draw` has drawn; nothing in it is random.

        PyTorch's vectorised maps need this, because no numbers can be drawn from a key inside them.

        Args:
            images: as in `augment`.
            drawn: what `draw` returned.

        Returns:
            As `augment`.
        """
        images = as_images(images, self.compute_dtype)
        active, unit = drawn
        if "color" in active:
            images = _color(images, unit, active["color"])
        if any(name in active for name in GEOMETRIC):
            images = apply_affine(images, self._geometry(images, unit, active))
        if "cutout" in active:
            images = _cutout(images, unit, active["cutout"])
        return images

    def _geometry(self, images: Tensor, unit: Tensor, active: dict[str, Tensor]) -> Tensor:
        """Returns one affine map per image; operations that were not drawn do not change it."""
        height, width = images.shape[1:3]
        u, v, w = 2.0 * unit[0] - 1.0, 2.0 * unit[1] - 1.0, 2.0 * unit[2] - 1.0
        off = ops.zeros_like(u)
        crop, translate = active.get("crop", off), active.get("translate", off)
        zoom = ops.exp(crop * LOG_ZOOM * u)
        # An enlargement shows a window of H / zoom pixels, which can move both ways by half of the
        # rest. It is not 1 - 1 / zoom, because TensorFlow's reciprocal of 1 may differ from 1.
        room = 0.5 * ops.maximum((zoom - 1.0) / zoom, 0.0)
        reach = room + translate * MAX_SHIFT
        return affine_parameters(
            angle=active.get("rotate", off) * MAX_ANGLE * u,
            zoom_y=zoom,
            zoom_x=zoom,
            offset_y=reach * height * v,
            offset_x=reach * width * w,
            flip=active.get("flip", off) * unit[0] > 0.5,
        )

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """The shape does not change."""
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild the layer."""
        return {**super().get_config(), "operations": list(self.operations), "seed": self.seed}


def _color(images: Tensor, unit: Tensor, active: Tensor) -> Tensor:
    brightness, saturation, contrast = (active * (2.0 * unit[place] - 1.0) for place in range(3))
    return adjust_color(
        images,
        brightness=BRIGHTNESS * brightness,
        saturation=ops.exp(LOG_COLOR * saturation),
        contrast=ops.exp(LOG_COLOR * contrast),
    )


def _cutout(images: Tensor, unit: Tensor, active: Tensor) -> Tensor:
    side = max(1, min(images.shape[1:3]) // CUTOUT)

    def first(size: int, draw: Tensor) -> Tensor:
        places = size - side + 1
        return ops.minimum(ops.floor(draw * places), places - 1.0)

    top, left = first(images.shape[1], unit[0]), first(images.shape[2], unit[1])
    return cut_out(images, top, left, active * side, active * side)
