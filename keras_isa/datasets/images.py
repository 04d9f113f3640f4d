"""Reading and resizing of images."""

from __future__ import annotations

import functools
import numbers
import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import numpy as np

from keras_isa.datasets.image_colours import shown_pixels
from keras_isa.datasets.image_header import (
    Header,
    UnreadableImage,
    open_image,
    read_header,
    stored_bits,
)


def read_image(source: str | os.PathLike[str] | BinaryIO, channels: int) -> np.ndarray:
    """Returns the pixels of an image as a viewer shows them, `(H, W, channels)` uint8.

    Args:
        source: A file of any format that Pillow reads, as a path or an open file.
        channels: 1 for grey, 3 for red, green and blue. Transparent pixels show white.

    Raises:
        ValueError: If the file is damaged, or is no image of eight bits per channel.
    """
    with _undamaged(source), open_image(source) as image:
        _check_bits(stored_bits(image))
        return shown_pixels(image, channels)


def file_shape(
    sources: Iterable[str | os.PathLike[str] | BinaryIO],
) -> tuple[int | None, int | None, int]:
    """Returns the shape `(H, W, C)` of image files, from their headers.

    Args:
        sources: As for `read_image`.

    Returns:
        H and W are `None` if the sizes differ; C is 1 if all images are grey, otherwise 3.

    Raises:
        ValueError: As `read_image`.
    """
    headers = []
    for source in sources:
        with _undamaged(source):
            headers.append(read_header(source))
            _check_bits(headers[-1].bits)
    return common_shape(headers)


def common_shape(headers: Collection[Header]) -> tuple[int | None, int | None, int]:
    """Returns the shape of images, from their headers, as `file_shape` does."""
    sizes = {(header.height, header.width) for header in headers}
    height, width = sizes.pop() if len(sizes) == 1 else (None, None)
    return height, width, max((header.channels for header in headers), default=1)


def _check_bits(bits: int) -> None:
    if bits > 8:
        raise UnreadableImage(f"{bits} bits per channel")


@contextmanager
def _undamaged(source: str | os.PathLike[str] | BinaryIO) -> Iterator[None]:
    """Turns the error about a file that cannot be read into one that names the file."""
    try:
        yield
    except UnreadableImage as error:
        name = source if isinstance(source, str | os.PathLike) else getattr(source, "name", source)
        raise ValueError(
            "`source` must hold undamaged images of eight bits per channel. Received: "
            f"{name} ({error})"
        ) from error


def check_image_size(image_size: Any) -> tuple[int, int] | None:
    """Returns `image_size` as `(height, width)`, or raises an error.

    Args:
        image_size: A positive integer for a square, two of them, or `None`.

    Raises:
        ValueError: If `image_size` is anything else.

    Example:

    >>> from keras_isa.datasets.images import check_image_size
    >>> check_image_size(32), check_image_size((24, 32))
    ((32, 32), (24, 32))
    """
    if image_size is None:
        return None
    size = (image_size, image_size) if isinstance(image_size, numbers.Integral) else image_size
    if (
        not isinstance(size, tuple | list)
        or len(size) != 2
        or not all(isinstance(n, numbers.Integral) and not isinstance(n, bool) for n in size)
        or min(size) < 1
    ):
        raise ValueError(
            "`image_size` must be a positive integer, or two (height, width). Received: "
            f"image_size={image_size!r}"
        )
    return int(size[0]), int(size[1])


def fit_image(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Returns the central part of an image in the aspect ratio of `size`, resized by area.

    The central part is as large as possible. Each new pixel is the mean of the area that it covers.
    Old pixels that are partly in this area count by the part inside.

    Args:
        image: Image `(H, W, C)` of any number type.
        size: Height and width of the result.

    Returns:
        Image `(height, width, C)`: rounded uint8 if `image` is uint8, otherwise float32.

    Example:

    >>> import numpy as np
    >>> from keras_isa.datasets.images import fit_image
    >>> image = np.arange(8.0).reshape(2, 4, 1)
    >>> fit_image(image, (1, 1))[..., 0]  # the mean of 1, 2, 5 and 6
    array([[3.5]], dtype=float32)
    """
    height, width = image.shape[:2]
    wanted_height, wanted_width = size
    if height * wanted_width > width * wanted_height:
        cut_height, cut_width = max(1, round(width * wanted_height / wanted_width)), width
    else:
        cut_height, cut_width = height, max(1, round(height * wanted_width / wanted_height))
    top, left = (height - cut_height) // 2, (width - cut_width) // 2
    cut = image[top : top + cut_height, left : left + cut_width]
    if cut.shape[:2] == size:
        return np.ascontiguousarray(cut, np.uint8 if image.dtype == np.uint8 else np.float32)
    rows = _area_means(cut.astype(np.float32), wanted_height)
    means = _area_means(rows.swapaxes(0, 1), wanted_width).swapaxes(0, 1)
    if image.dtype == np.uint8:
        return np.floor(means + 0.5).astype(np.uint8)
    return np.ascontiguousarray(means)


def _area_means(image: np.ndarray, length: int) -> np.ndarray:
    """Returns an image whose first axis is resized to `length`, float32."""
    places, weights = _coverage(len(image), length)
    return sum(
        weight[:, np.newaxis, np.newaxis] * image[place]
        for place, weight in zip(places, weights, strict=True)
    )


@functools.lru_cache(maxsize=64)
def _coverage(old: int, new: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns which old pixels each new pixel covers, and their shares of it.

    Returns:
        Indices `(k, new)` of old pixels, and weights `(k, new)` float32, whose columns sum to 1.
    """
    edges = np.arange(new + 1) * old / new
    low, high = edges[:-1], edges[1:]
    first = np.floor(low).astype(int)
    count = int((np.ceil(high) - first).max())
    places = first + np.arange(count)[:, np.newaxis]
    overlap = np.minimum(high, places + 1) - np.maximum(low, places)
    weights = np.maximum(overlap, 0.0) * new / old
    return np.minimum(places, old - 1), weights.astype(np.float32)
