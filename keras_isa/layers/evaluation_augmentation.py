"""The augmentation with which networks are trained on a distilled set."""

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_isa.ops.random import KeySequence

OPERATIONS = ("flip", "color", "crop", "rotate", "translate", "cutout")
GEOMETRIC = ("flip", "crop", "rotate", "translate")

BRIGHTNESS = 0.25  # added to the image: U(-0.25, 0.25)
LOG_COLOR = 0.25  # log of the contrast and saturation factors: U(-0.25, 0.25)
LOG_ZOOM = math.log(1.25)  # log of the zoom: U(log 0.8, log 1.25)
MAX_ANGLE = math.radians(15.0)
MAX_SHIFT = 0.125  # of the height and of the width
CUTOUT = 4  # the square's side is the shorter image side over this


def affine_parameters(
    angle: Any = 0.0,
    zoom: Any = 1.0,
    offset_y: Any = 0.0,
    offset_x: Any = 0.0,
    flip: Any = False,
) -> Any:
    """Inverse affine maps from output pixels to source pixels.

    Coordinates are in pixels, measured from the centre of the image, rows first. An output pixel p
    takes its value from the source at `R(angle) p' / zoom + offset`, p' being p with its x negated
    where `flip`.

    Args:
        angle: radians, shape (B,) or scalar; a positive angle turns the picture clockwise as
            displayed (rows downward).
        zoom: magnification, shape (B,) or scalar; above 1 enlarges the picture.
        offset_y: rows by which the source window moves down, shape (B,) or scalar. The picture
            moves up.
        offset_x: columns by which the source window moves right, shape (B,) or scalar.
        flip: booleans, shape (B,) or scalar: mirror left to right.

    Returns:
        Tensor (B, 2, 3), float32 ((1, 2, 3) when all arguments are scalars).

    Example:
        >>> import keras_isa
        >>> from keras_isa.layers.evaluation_augmentation import affine_parameters
        >>> affine_parameters(zoom=2.0, offset_y=3.0)[0].tolist()
        [[0.5, 0.0, 3.0], [0.0, 0.5, 0.0]]
    """
    angle, zoom, offset_y, offset_x = (
        ops.reshape(ops.cast(value, "float32"), (-1,))
        for value in (angle, zoom, offset_y, offset_x)
    )
    mirror = ops.where(ops.reshape(ops.cast(flip, "bool"), (-1,)), -1.0, 1.0)
    cosine, sine = ops.cos(angle) / zoom, ops.sin(angle) / zoom
    # Adding a zero of every argument brings all six entries to the common length.
    zero = 0.0 * (cosine + offset_y + offset_x + mirror)
    row_y = ops.stack([cosine + zero, zero - sine * mirror, offset_y + zero], axis=-1)
    row_x = ops.stack([sine + zero, cosine * mirror + zero, offset_x + zero], axis=-1)
    return ops.stack([row_y, row_x], axis=-2)


def apply_affine(images: Any, matrices: Any) -> Any:
    """Sample images at affinely mapped positions, bilinearly, zero outside the image.

    The identity map returns the images bit for bit (finite values).

    Args:
        images: float tensor (B, H, W, C).
        matrices: (B, 2, 3) or (1, 2, 3), as `affine_parameters` returns.

    Returns:
        Tensor (B, H, W, C), the dtype of `images`.

    Example:
        >>> import numpy as np
        >>> import keras_isa
        >>> from keras_isa.layers.evaluation_augmentation import affine_parameters, apply_affine
        >>> image = np.arange(4, dtype="float32").reshape(1, 1, 4, 1)
        >>> apply_affine(image, affine_parameters(offset_x=1.0)).flatten().tolist()
        [1.0, 2.0, 3.0, 0.0]
    """
    images = ops.convert_to_tensor(images)
    batch, height, width, channels = ops.shape(images)
    center_y, center_x = (height - 1) / 2, (width - 1) / 2
    y = ops.reshape(ops.arange(height, dtype="float32") - center_y, (1, height, 1))
    x = ops.reshape(ops.arange(width, dtype="float32") - center_x, (1, 1, width))
    entry = ops.reshape(matrices, (-1, 6, 1, 1))
    source_y = entry[:, 0] * y + entry[:, 1] * x + entry[:, 2] + center_y
    source_x = entry[:, 3] * y + entry[:, 4] * x + entry[:, 5] + center_x
    # A border of zeros one pixel wide makes the fill exact without masks.
    source_y = ops.clip(source_y, -1.0, float(height))
    source_x = ops.clip(source_x, -1.0, float(width))
    top = ops.clip(ops.floor(source_y), -1.0, height - 1.0)
    left = ops.clip(ops.floor(source_x), -1.0, width - 1.0)
    down = ops.expand_dims(ops.cast(source_y - top, images.dtype), -1)
    right = ops.expand_dims(ops.cast(source_x - left, images.dtype), -1)

    padded = ops.pad(images, [[0, 0], [1, 1], [1, 1], [0, 0]])
    # The four corners side by side: one gather of contiguous rows instead of four.
    corners = ops.concatenate(
        [padded[:, :-1, :-1], padded[:, :-1, 1:], padded[:, 1:, :-1], padded[:, 1:, 1:]], axis=-1
    )
    rows = ops.reshape(corners, (-1, 4 * channels))
    position = ops.cast((top + 1.0) * (width + 1) + left + 1.0, "int32")
    first = ops.arange(batch, dtype="int32") * ((height + 1) * (width + 1))
    position = position + ops.reshape(first, (-1, 1, 1))
    a, b, c, d = ops.split(ops.take(rows, position, axis=0), 4, axis=-1)
    upper = a * (1 - right) + b * right
    lower = c * (1 - right) + d * right
    return upper * (1 - down) + lower * down


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

    Sampling is bilinear, and what comes from outside the image is zero, so that images should come
    standardised, with zero for their mean. The layer does nothing unless `training` is true. Do
    not augment while distilling: the protocol uses it only to train networks on the result.

    The usual set for digits leaves out `flip`; colour pictures take all six.

    Source: Zhou et al., "Dataset Distillation using Neural Feature Regression" (FRePo), the
    evaluation protocol.

    Args:
        operations: names out of flip, color, crop, rotate, translate, cutout, each once.
        seed: integer, for the layer's own `keras.random.SeedGenerator`; None for a random one.
        **kwargs: of `keras.layers.Layer`.

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
        chosen = (operations,) if isinstance(operations, str) else tuple(operations)
        if not chosen or len(set(chosen)) != len(chosen) or not set(chosen) <= set(OPERATIONS):
            raise ValueError(
                f"`operations` must name one or more of {', '.join(OPERATIONS)}, each once. "
                f"Received: operations={operations!r}"
            )
        self.operations = chosen
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, images: Any, training: bool = False) -> Any:
        """Return the images augmented when `training` is true, else unchanged."""
        if not training:
            return images
        return self.augment(images, self.seed_generator.next())

    def augment(self, images: Any, key: Any) -> Any:
        """Augment with the randomness of a key: pure, for compiled loops and vectorised maps.

        Args:
            images: float tensor (B, H, W, C), any height and width.
            key: tensor of shape (2,), as `keras.random.SeedGenerator.next()` returns.

        Returns:
            Tensor of the shape and dtype of `images` (integers become the layer's compute dtype).
        """
        images = ops.convert_to_tensor(images)
        if len(images.shape) != 4 or images.shape[1] is None or images.shape[2] is None:
            raise ValueError(
                "`images` must have the shape (B, H, W, C), with a known height and width. "
                f"Received: shape={tuple(images.shape)}"
            )
        if not keras.backend.is_float_dtype(images.dtype):
            images = ops.cast(images, self.compute_dtype)
        seeds = KeySequence(key)
        pick = keras.random.uniform((), seed=seeds, dtype="float32") * len(self.operations)
        pick = ops.minimum(ops.cast(pick, "int32"), len(self.operations) - 1)
        # One operation acts per call, so that all of them can share the same three numbers.
        unit = keras.random.uniform((3, ops.shape(images)[0]), seed=seeds, dtype="float32")
        active = {
            name: ops.cast(ops.equal(pick, place), "float32")
            for place, name in enumerate(self.operations)
        }
        if "color" in active:
            images = _color(images, unit, active["color"])
        if any(name in active for name in GEOMETRIC):
            images = apply_affine(images, self._geometry(images, unit, active))
        if "cutout" in active:
            images = _cutout(images, unit, active["cutout"])
        return images

    def _geometry(self, images: Any, unit: Any, active: dict[str, Any]) -> Any:
        """One map per image; operations that were not drawn leave the identity."""
        height, width = images.shape[1:3]
        u, v, w = 2.0 * unit[0] - 1.0, 2.0 * unit[1] - 1.0, 2.0 * unit[2] - 1.0
        off = ops.zeros_like(u)
        crop, translate = active.get("crop", off), active.get("translate", off)
        zoom = ops.exp(crop * LOG_ZOOM * u)
        # The window of an enlargement is H / zoom pixels high: half of the rest on each side.
        room = 0.5 * ops.maximum(1.0 - 1.0 / zoom, 0.0)
        reach = room + translate * MAX_SHIFT
        return affine_parameters(
            angle=active.get("rotate", off) * MAX_ANGLE * u,
            zoom=zoom,
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


def _per_image(values: Any, images: Any) -> Any:
    return ops.reshape(ops.cast(values, images.dtype), (-1, 1, 1, 1))


def _color(images: Any, unit: Any, active: Any) -> Any:
    # Written as image + (factor - 1) * distance, so that a factor of 1 changes no bit.
    brightness, saturation, contrast = (active * (2.0 * unit[place] - 1.0) for place in range(3))
    images = images + _per_image(BRIGHTNESS * brightness, images)
    grey = ops.mean(images, axis=-1, keepdims=True)
    if images.shape[-1] != 1:
        images = images + _per_image(ops.expm1(LOG_COLOR * saturation), images) * (images - grey)
    mean = ops.mean(images, axis=(1, 2, 3), keepdims=True)
    return images + _per_image(ops.expm1(LOG_COLOR * contrast), images) * (images - mean)


def _cutout(images: Any, unit: Any, active: Any) -> Any:
    height, width = images.shape[1:3]
    side = max(1, min(height, width) // CUTOUT)

    def inside(size: int, draw: Any) -> Any:
        places = size - side + 1
        first = ops.minimum(ops.floor(draw * places), places - 1.0)
        distance = ops.arange(size, dtype="float32")[None, :] - first[:, None]
        return ops.logical_and(distance >= 0, distance < side)

    rows, columns = inside(height, unit[0]), inside(width, unit[1])
    square = ops.logical_and(rows[:, :, None, None], columns[:, None, :, None])
    square = ops.logical_and(square, active > 0)
    return ops.where(square, ops.zeros_like(images), images)
