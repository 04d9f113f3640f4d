"""What `fit` was given, as what it trains with, validates on and starts from."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_isa.asset.distilled_data import DEFAULT_PIXEL_RANGE, DistilledData
from keras_isa.inputs.arrays import select
from keras_isa.inputs.pixel_range import check_pixel_range, pixel_range_of
from keras_isa.ops.splits import validation_mask
from keras_isa.training.inputs import (
    checked_arrays,
    checked_validation,
    is_array,
    take_class_names,
    unpack,
)
from keras_isa.training.reading import BatchReader, opened
from keras_isa.training.streams import first_images


@dataclasses.dataclass(frozen=True)
class AdaptedData:
    """Training data and held-out images of one call of `fit`.

    Args:
        x: Images `(N, ...)`, an array or `StoredImages`, or a stream as `reading.opened` returns.
        y: Classes `(N,)` int32; `None` for a stream.
        held_out: Images and classes to validate on; `None` without.
        reader: What reads the batches of a stream; `None` for arrays.
        name: Of a dataset.
        pixel_range: Of a dataset.
    """

    x: Any
    y: np.ndarray | None
    held_out: tuple[Any, np.ndarray] | None
    reader: BatchReader | None
    name: str | None
    pixel_range: Sequence[float] | None

    @classmethod
    def checked(
        cls,
        distilled: DistilledData,
        x: Any,
        y: Any,
        validation_data: Any,
        validation_split: float,
        seed: int,
        resumes: bool,
    ) -> AdaptedData:
        """Checks what `fit` was given, and looks at the first batch of a stream.

        Args:
            distilled: The set, which takes the class names of a dataset.
            x: As in `fit`.
            y: As in `fit`.
            validation_data: As in `fit`.
            validation_split: As in `fit`.
            seed: Seed of the draw of held-out images.
            resumes: Whether the run is kept in a folder.

        Raises:
            TypeError, ValueError: If something is not usable.
        """
        given, held_out, reader = unpack(x, y), None, None
        about = given.name, getattr(x, "pixel_range", None)
        x, y = given.x, given.y
        if is_array(x) or y is not None:
            x, y = checked_arrays(distilled, given)
            take_class_names(distilled, given.class_names)
        else:
            reader = BatchReader(distilled, getattr(x, "class_names", None))
        if validation_data is not None:
            held_out = checked_validation(distilled, validation_data)
        if reader is not None:
            _refuse_for_batches(x, validation_split, resumes)
            x = opened(x, reader)
            take_class_names(distilled, reader.class_names)
        elif validation_split and held_out is None:
            mask = validation_mask(y, distilled.num_classes, validation_split, seed)
            held_out = select(x, mask), y[mask]
            x, y = select(x, ~mask), y[~mask]
        return cls(x, y, held_out, reader, *about)

    def fill(self, distilled: DistilledData, *, adapt: bool, seed: int) -> None:
        """Fills an empty set with random real images of the training data.

        A set that has the default pixel range takes that of the dataset, or of the images.

        Args:
            distilled: The set; images and labels of one that holds something stay as they are.
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
        x, y = self.x, self.y
        if y is None:
            x, y = first_images(x, distilled.class_counts)
        if adapts:
            preprocessing.adapt(x)
        if empty:
            distilled.draw_real_images(x, y, seed)
        if empty and distilled.pixel_range == DEFAULT_PIXEL_RANGE:
            with contextlib.suppress(ValueError):  # images without differences have no range
                told = pixel_range_of(x, "x") if self.pixel_range is None else self.pixel_range
                distilled.pixel_range = check_pixel_range(told)

    def own_errors(self) -> contextlib.AbstractContextManager:
        """A context of training, in which an error of the reader comes as it was raised."""
        return contextlib.nullcontext() if self.reader is None else self.reader.own_errors()


def _refuse_for_batches(x: Any, validation_split: float, resumes: bool) -> None:
    if resumes:
        raise ValueError(
            "`resume` needs arrays or a dataset with .x and .y: batches of an iterable cannot "
            f"be found again. Received: x={type(x).__name__}"
        )
    if validation_split:
        raise ValueError(
            "`validation_split` needs arrays; pass `validation_data` along with batches. "
            f"Received: x={type(x).__name__}"
        )
