"""What an empty set starts from."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_isa.asset.distilled_data import DEFAULT_PIXEL_RANGE, DistilledData
from keras_isa.inputs.pixel_range import check_pixel_range, pixel_range_of
from keras_isa.training.streams import first_images


def fill(
    distilled: DistilledData,
    x: Any,
    y: np.ndarray | None,
    pixel_range: Sequence[float] | None = None,
    *,
    adapt: bool,
    seed: int,
) -> None:
    """Fills an empty set with random real images of the training data.

    Args:
        distilled: The set; images and labels of one that holds something stay as they are.
        x: Training images `(N, ...)`, or a stream of batches as `reading.opened` returns.
        y: Classes `(N,)` int32; `None` for a stream.
        pixel_range: Lowest and highest pixel value of the data, for a set that has the default one;
            `None` to tell it from the images.
        adapt: Whether the preprocessing is to be adapted to the data, if nobody has done so.
        seed: Seed of the draw.

    Raises:
        TypeError: If a stream holds images or classes of the wrong dtype.
        ValueError: If a class has fewer images than the set, or data are not usable.
    """
    preprocessing, empty = distilled.preprocessing, distilled.empty
    adapts = adapt and preprocessing is not None and not preprocessing.adapted
    if not (empty or adapts):
        return
    if y is None:
        x, y = first_images(x, distilled.class_counts)
    if adapts:
        preprocessing.adapt(x)
    if empty:
        distilled.draw_real_images(x, y, seed)
    if empty and distilled.pixel_range == DEFAULT_PIXEL_RANGE:
        with contextlib.suppress(ValueError):  # images without differences have no range
            told = pixel_range_of(x, "x") if pixel_range is None else pixel_range
            distilled.pixel_range = check_pixel_range(told)
