"""What `fit` trains with and validates on, checked before anything is computed."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_isa.asset.distilled_data import DistilledData
from keras_isa.inputs.arrays import select
from keras_isa.ops.splits import validation_mask
from keras_isa.training.inputs import (
    checked_arrays,
    checked_validation,
    is_array,
    take_class_names,
    unpack,
)
from keras_isa.training.reading import BatchReader, opened


@dataclasses.dataclass(frozen=True)
class TrainingInput:
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
    ) -> TrainingInput:
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
