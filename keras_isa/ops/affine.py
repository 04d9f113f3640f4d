"""Augmentations of images with given parameters: affine maps, changes of colour, and a cut-out.

All of them are affine in the pixels. They have the same values and the exact gradient on every
backend, and take parameters for each image or for the whole batch.
"""

import keras
from keras import ops

from keras_isa.ops.arguments import float_tensor, real_numbers
from keras_isa.types import Tensor


def as_images(images: Tensor, dtype: str = "float32") -> Tensor:
    """Return a batch of images as a float tensor, or raise when it is not one.

    Args:
        images: array (B, H, W, C).
        dtype: the dtype to which integers are cast; floats keep theirs.

    Returns:
        Tensor (B, H, W, C).

    Raises:
        TypeError: when `images` are not real numbers.
        ValueError: when `images` has another rank or an unknown height or width.

    Example:
        >>> import numpy as np
        >>> from keras_isa.ops.affine import as_images
        >>> as_images(np.zeros((2, 4, 4, 1), "uint8"), "float32").dtype.name
        'float32'
    """
    images = ops.convert_to_tensor(real_numbers("images", images))
    if len(images.shape) != 4 or images.shape[1] is None or images.shape[2] is None:
        raise ValueError(
            "`images` must have the shape (B, H, W, C), with a known height and width; sequences "
            f"and flat features cannot be augmented. Received: shape={tuple(images.shape)}"
        )
    if not keras.backend.is_float_dtype(images.dtype):
        images = ops.cast(images, dtype)
    return images


def affine_parameters(
    angle: float | Tensor = 0.0,
    zoom_y: float | Tensor = 1.0,
    zoom_x: float | Tensor = 1.0,
    offset_y: float | Tensor = 0.0,
    offset_x: float | Tensor = 0.0,
    flip: bool | Tensor = False,
) -> Tensor:
    """Inverse affine maps from output pixels to source pixels.

    Coordinates are in pixels, measured from the centre of the image, rows first. An output pixel p
    takes its value from the source at `R(angle) p' + offset`, p' being p with its y divided by
    `zoom_y` and its x by `zoom_x`, the x negated where `flip`.

    Args:
        angle: radians, shape (B,) or scalar; a positive angle turns the picture clockwise as
            displayed (rows downward).
        zoom_y: vertical magnification, shape (B,) or scalar; above 1 makes the picture taller.
        zoom_x: horizontal magnification, shape (B,) or scalar; above 1 makes the picture wider.
        offset_y: rows by which the source window moves down, shape (B,) or scalar. The picture
            moves up.
        offset_x: columns by which the source window moves right, shape (B,) or scalar.
        flip: booleans, shape (B,) or scalar: mirror left to right.

    Returns:
        Tensor (B, 2, 3), float32 ((1, 2, 3) when all arguments are scalars).

    Raises:
        TypeError: when an argument is not a real number.
        ValueError: when vectors differ in length.

    Example:
        >>> from keras_isa.ops.affine import affine_parameters
        >>> affine_parameters(zoom_y=2.0, zoom_x=4.0, offset_y=3.0)[0].tolist()
        [[0.5, 0.0, 3.0], [0.0, 0.25, 0.0]]
    """
    angle, zoom_y, zoom_x, offset_y, offset_x, flip = _per_image(
        (-1,),
        None,
        angle=angle,
        zoom_y=zoom_y,
        zoom_x=zoom_x,
        offset_y=offset_y,
        offset_x=offset_x,
        flip=flip,
    )
    mirror = ops.where(ops.cast(flip, "bool"), -1.0, 1.0)
    cosine, sine = ops.cos(angle), ops.sin(angle)
    entries = (
        *(cosine / zoom_y, -sine / zoom_x * mirror, offset_y),
        *(sine / zoom_y, cosine / zoom_x * mirror, offset_x),
    )
    # A zero made of every argument gives all six entries the common length.
    zero = 0.0 * sum(entries)
    return ops.reshape(ops.stack([entry + zero for entry in entries], axis=-1), (-1, 2, 3))


def apply_affine(images: Tensor, matrices: Tensor) -> Tensor:
    """Sample images at affinely mapped positions, bilinearly, zero outside the image.

    The identity map returns the images bit for bit (finite values).

    Args:
        images: float tensor (B, H, W, C).
        matrices: (B, 2, 3) or (1, 2, 3), as `affine_parameters` returns.

    Returns:
        Tensor (B, H, W, C), the dtype of `images`.

    Raises:
        TypeError: when the values are not real numbers.
        ValueError: when a shape is not the one above.

    Example:
        >>> import numpy as np
        >>> from keras_isa.ops.affine import affine_parameters, apply_affine
        >>> image = np.arange(4, dtype="float32").reshape(1, 1, 4, 1)
        >>> apply_affine(image, affine_parameters(offset_x=1.0)).flatten().tolist()
        [1.0, 2.0, 3.0, 0.0]
    """
    images = as_images(images)
    matrices = float_tensor("matrices", matrices)
    if tuple(matrices.shape[1:]) != (2, 3) or not _fits_batch(matrices.shape[0], images.shape[0]):
        raise ValueError(
            "`matrices` must have the shape (B, 2, 3) or (1, 2, 3). "
            f"Received: shape={tuple(matrices.shape)} for {images.shape[0]} images"
        )
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


def adjust_color(
    images: Tensor,
    brightness: float | Tensor = 0.0,
    saturation: float | Tensor = 1.0,
    contrast: float | Tensor = 1.0,
) -> Tensor:
    """Change the brightness, then the saturation, then the contrast of images, without clipping.

    Saturation multiplies each pixel's distance from its mean over the channels (nothing happens to
    one channel), contrast each value's distance from the mean over its image. Brightness 0 and
    factors of 1 return the images bit for bit (finite values).

    Args:
        images: float tensor (B, H, W, C).
        brightness: what is added, shape (B,), (1,) or scalar.
        saturation: factor, shape (B,), (1,) or scalar.
        contrast: factor, shape (B,), (1,) or scalar.

    Returns:
        Tensor (B, H, W, C), the dtype of `images`.

    Raises:
        TypeError: when the values are not real numbers.
        ValueError: when a shape is not the one above.

    Example:
        >>> import numpy as np
        >>> from keras_isa.ops.affine import adjust_color
        >>> image = np.array([1.0, 3.0], "float32").reshape(1, 1, 2, 1)
        >>> adjust_color(image, brightness=1.0, contrast=2.0).flatten().tolist()
        [1.0, 5.0]
    """
    images = as_images(images)
    shape, count = (-1, 1, 1, 1), images.shape[0]
    given = _per_image(
        shape, count, brightness=brightness, saturation=saturation, contrast=contrast
    )
    # Written as image + (factor - 1) * distance, so that a factor of 1 changes no bit.
    brightness, saturation, contrast = (
        ops.cast(values - neutral, images.dtype)
        for values, neutral in zip(given, (0.0, 1.0, 1.0), strict=True)
    )
    images = images + brightness
    if images.shape[-1] != 1:
        grey = ops.mean(images, axis=-1, keepdims=True)
        images = images + saturation * (images - grey)
    mean = ops.mean(images, axis=(1, 2, 3), keepdims=True)
    return images + contrast * (images - mean)


def cut_out(
    images: Tensor,
    top: int | Tensor,
    left: int | Tensor,
    height: int | Tensor,
    width: int | Tensor,
) -> Tensor:
    """Set one rectangle of each image to zero; its part outside of the image is ignored.

    Args:
        images: float tensor (B, H, W, C).
        top: first row of the rectangle, a whole number, may be negative; shape (B,), (1,) or
            scalar.
        left: its first column, likewise.
        height: its rows, 0 for no rectangle; shape (B,), (1,) or scalar.
        width: its columns, likewise.

    Returns:
        Tensor (B, H, W, C), the dtype of `images`.

    Raises:
        TypeError: when the values are not real numbers.
        ValueError: when a shape is not the one above.

    Example:
        >>> import numpy as np
        >>> from keras_isa.ops.affine import cut_out
        >>> image = np.ones((1, 2, 3, 1), "float32")
        >>> cut_out(image, top=-1, left=1, height=2, width=2)[0, :, :, 0].tolist()
        [[1.0, 0.0, 0.0], [1.0, 1.0, 1.0]]
    """
    images = as_images(images)
    top, left, height, width = _per_image(
        (-1, 1), images.shape[0], top=top, left=left, height=height, width=width
    )

    def inside(size: int, first: Tensor, extent: Tensor) -> Tensor:
        distance = ops.arange(size, dtype="float32")[None, :] - first
        return ops.logical_and(distance >= 0, distance < extent)

    rows = inside(images.shape[1], top, height)
    columns = inside(images.shape[2], left, width)
    rectangle = ops.logical_and(rows[:, :, None, None], columns[:, None, :, None])
    return ops.where(rectangle, ops.zeros_like(images), images)


def _per_image(shape: tuple[int, ...], count: int | None, **given: float | Tensor) -> list[Tensor]:
    """The arguments, each one number for all images or one for each, as float32 of `shape`.

    Where the number of images is not known, it is that of the longest argument.
    """
    tensors = {name: float_tensor(name, values) for name, values in given.items()}
    if count is None:
        count = max(_count(values) or 1 for values in tensors.values())
    for name, values in tensors.items():
        if len(values.shape) > 1 or not _fits_batch(_count(values), count):
            raise ValueError(
                f"`{name}` must be one number, or one for each of {count} images. "
                f"Received: shape={tuple(values.shape)}"
            )
    return [ops.reshape(values, shape) for values in tensors.values()]


def _count(values: Tensor) -> int | None:
    return values.shape[0] if len(values.shape) else 1


def _fits_batch(number: int | None, count: int | None) -> bool:
    """Whether there is one value, or one for each of `count` images; `None` is not known yet."""
    return number is None or count is None or number in (1, count)
