"""Matrices that resize images along one axis."""

import math

import numpy as np


def enlarging(small: int, large: int) -> np.ndarray:
    """Bilinear enlargement, pixel centres at half-integers, edges continued.

    Args:
        small: Pixels before.
        large: Pixels after.

    Returns:
        Matrix `(large, small)` float32, whose rows sum to 1.

    Example:

    >>> from keras_isa.parametrizations.resizing import enlarging
    >>> print(enlarging(2, 4) @ [0.0, 4.0])
    [0. 1. 3. 4.]
    """
    places = np.clip((np.arange(large) + 0.5) * small / large - 0.5, 0, small - 1)
    below = np.minimum(np.floor(places).astype(int), max(small - 2, 0))
    share = places - below
    matrix = np.zeros((large, small))
    rows = np.arange(large)
    matrix[rows, below] += 1 - share
    matrix[rows, np.minimum(below + 1, small - 1)] += share
    return matrix.astype("float32")


def shrinking(large: int, small: int) -> np.ndarray:
    """Averages over equal parts of the area.

    Args:
        large: Pixels before.
        small: Pixels after.

    Returns:
        Matrix `(small, large)` float32, whose rows sum to 1.

    Example:

    >>> from keras_isa.parametrizations.resizing import shrinking
    >>> print((shrinking(3, 2) @ [0.0, 3.0, 6.0]).round(4))
    [1. 5.]
    """
    edges = np.arange(small + 1) * large / small
    first, last = edges[:-1, None], edges[1:, None]
    pixel = np.arange(large)[None, :]
    overlap = np.clip(np.minimum(last, pixel + 1) - np.maximum(first, pixel), 0, None)
    return (overlap * small / large).astype("float32")


def tile_starts(size: int, factor: int) -> tuple[int, list[int]]:
    """Places of `factor` equal tiles that cover an axis; they overlap where it cannot be divided.

    Args:
        size: Pixels of the axis.
        factor: Number of tiles.

    Returns:
        Pixels of a tile, and where each begins.

    Example:

    >>> from keras_isa.parametrizations.resizing import tile_starts
    >>> tile_starts(28, 3)
    (10, [0, 9, 18])
    """
    tile = math.ceil(size / factor)
    room = size - tile
    return tile, [round(k * room / (factor - 1)) for k in range(factor)]
