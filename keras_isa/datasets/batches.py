"""A dataset from all batches of an input pipeline."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import keras
import numpy as np

from keras_isa.datasets.dataset import Dataset
from keras_isa.inputs.batch_consistency import BatchConsistency
from keras_isa.inputs.class_labels import to_class_numbers
from keras_isa.inputs.class_names import check_class_names
from keras_isa.inputs.pairs import check_batched, unpack_batch, warn_of_unused
from keras_isa.inputs.values import to_array
from keras_isa.memory import check_memory

# How many bytes are collected before the first check of the free memory.
_FIRST_CHECK = 2**28


def from_batches(
    batches: Iterable[tuple[Any, Any]],
    *,
    channels_first: bool = False,
    axes: str | None = None,
    class_names: Sequence[str] | None = None,
    split: str = "train",
    name: str = "batches",
    pixel_range: tuple[float, float] | None = None,
) -> Dataset:
    """Returns all images and labels of one pass over an input pipeline as one dataset.

    Args:
        batches: A `tf.data.Dataset`, torch `DataLoader`, `keras.utils.PyDataset`, generator or
            other iterable of pairs (images, labels): tensors or arrays of shapes `(n, H, W, C)`,
            `(n, H, W)`, `(n, C, H, W)`, `(n, T, F)` or `(n, F)`, and `(n,)`; or of dictionaries
            such as `{"image": ..., "label": ...}`. The pass must end.
        channels_first: Whether the images are `(n, C, H, W)`, as in torch; the same as
            `axes="NCHW"`.
        axes: What each axis of the images means, as in `Dataset.from_arrays`.
        class_names: One name per class; by default `batches.class_names` if it exists, otherwise
            as in `Dataset.from_arrays`.
        split: "train", "validation" or "test".
        name: Where the images come from.
        pixel_range: `(low, high)`; by default as in `Dataset.from_arrays`. If the pipeline
            standardises pixels, their range is that of the standardised values.

    Raises:
        TypeError: If `batches` cannot be iterated over, or `Dataset` refuses the type of its images
            or labels.
        ValueError: If there is no batch, the pass has no end, a batch is no pair, the images differ
            in shape, columns or pixel unit, the memory does not suffice, or `Dataset` refuses the
            values.

    Example:

    >>> import numpy as np
    >>> import keras_isa
    >>> images = np.arange(2 * 3 * 8 * 8, dtype="uint8").reshape(2, 3, 8, 8)
    >>> batches = [(images, [0, 1]), (images[:1], [1])]
    >>> keras_isa.datasets.from_batches(batches, axes="NCHW")
    Dataset('batches', 'train': 3 uint8 images (8, 8, 3), 2 classes, pixels 0 to 255)
    """
    if not isinstance(batches, Iterable):
        hint = ""
        if callable(batches):
            hint = "; call the function that makes them"
        elif hasattr(batches, "__getitem__") and hasattr(batches, "__len__"):
            hint = "; wrap a dataset of single samples in a DataLoader"
        raise TypeError(
            f"`batches` must be an iterable of pairs (images, labels){hint}. Received: "
            f"{type(batches).__name__}"
        )
    images, labels = [], []
    same = BatchConsistency("batches")
    collected, next_check = 0, _FIRST_CHECK
    for batch in _one_pass(batches):
        pair = unpack_batch(batch, "batches")
        x, y = map(to_array, pair, ("images", "labels"))
        check_batched(x, y, "batches")
        if not images:
            warn_of_unused(batch, "batches")
        same.check(pair[0], x, y, len(images))
        images.append(x)
        labels.append(y)
        collected += x.nbytes
        if collected > next_check:  # joining the batches to one array takes this memory again
            check_memory(
                collected,
                f"`batches` has given {collected / 1e9:.1f} GB and has not ended; joining it",
                "let the pipeline end after one pass, or store the images in a folder of .npy "
                "arrays and load that folder",
            )
            next_check *= 2
    if not images:
        raise ValueError("`batches` must give at least one batch. Received: none")
    x, y = _joined(images, "images"), _joined(labels, "labels")
    if channels_first:
        if x.ndim != 4 or axes not in (None, "NCHW"):
            raise ValueError(
                "`channels_first` must be False unless images have shape (n, C, H, W). Received: "
                f"shape={x.shape}, axes={axes!r}"
            )
        axes = "NCHW"
    # keras.utils.image_dataset_from_directory returns a dataset with this attribute.
    own = getattr(batches, "class_names", None)
    if own is not None and class_names in (None, own):
        class_names = check_class_names(own)
        # The numbers are certainly class numbers, so they become names here and cause no warning.
        numbers = to_class_numbers(y, len(x), f"y_{split}", class_names, warn=False)
        y = np.array(class_names)[numbers]
    return Dataset.from_arrays(
        x, y, class_names=class_names, name=name, split=split, pixel_range=pixel_range, axes=axes
    )


def _one_pass(batches: Iterable) -> Iterable:
    """Returns the batches of one pass, or raises a ValueError if it is known to have no end."""
    number, endless = None, isinstance(batches, itertools.cycle)
    if isinstance(batches, keras.utils.PyDataset):
        with contextlib.suppress(NotImplementedError):
            number = batches.num_batches
        endless = number is None
        # Some of them begin again at the end if they are iterated over.
        batches = map(batches.__getitem__, range(number or 0))
    elif isinstance(batches, Iterator) and hasattr(batches, "__len__"):
        number = len(batches)  # some of these begin again too
    elif callable(getattr(batches, "cardinality", None)):  # of tf.data, where -1 means no end
        endless = int(batches.cardinality()) == -1
    if endless:
        raise ValueError(
            "`batches` must end after one pass; leave out `.repeat()`, or take the batches of one "
            "pass, for instance with `itertools.islice(batches, 100)`. Received: batches without "
            "an end"
        )
    return itertools.islice(batches, number)


def _joined(arrays: list[np.ndarray], what: str) -> np.ndarray:
    shapes = {array.shape[1:] if array.ndim else None for array in arrays}
    if len(shapes) > 1 or None in shapes:
        raise ValueError(
            f"`batches` must give {what} of one shape after the first axis. Received: "
            f"{', '.join(sorted(map(str, {array.shape for array in arrays}))[:4])}"
        )
    return np.concatenate(arrays)
