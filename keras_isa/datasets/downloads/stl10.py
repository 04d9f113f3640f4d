"""STL-10: 96x96 colour images of ten classes, with 500 training images each."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from keras_isa.datasets.downloads.common import part_from_arrays, warn_not_used
from keras_isa.datasets.downloads.download import Download, reading
from keras_isa.datasets.parts import Part, Parts

CLASS_NAMES = (
    "airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck",
)  # fmt: skip
_SIZE = 96
_BYTES = 3 * _SIZE * _SIZE


def has_set(top: Path) -> bool:
    """Returns whether a folder has the training images of STL-10."""
    return (top / "train_X.bin").is_file() and (top / "train_y.bin").is_file()


def read(top: Path) -> Parts:
    """Returns the labelled images `(96, 96, 3)` uint8, which stay on disk until they are read.

    Args:
        top: A folder with train_X.bin, train_y.bin, test_X.bin and test_y.bin.

    Raises:
        ValueError: If a file is missing or damaged.
    """
    train, test = (_read(top, part) for part in ("train", "test"))
    unlabelled = [file.name for file in [top / "unlabeled_X.bin"] if file.is_file()]
    warn_not_used("STL-10", unlabelled, "its images have no labels")
    return Parts(str(top), CLASS_NAMES, (_SIZE, _SIZE, 3), train, test)


def _read(top: Path, part: str) -> Part:
    images, labels = top / f"{part}_X.bin", top / f"{part}_y.bin"
    with reading(labels):
        numbers = np.fromfile(labels, np.uint8)
        if not len(numbers) or numbers.min() < 1 or numbers.max() > len(CLASS_NAMES):
            raise ValueError("its labels are not from 1 to 10")
    with reading(images):
        size = images.stat().st_size
        if size != len(numbers) * _BYTES:
            raise ValueError(f"it has {size:,} bytes, not {_BYTES} for each of {len(numbers)}")
        # The file has the pixels channel by channel, and each channel column by column.
        stored = np.memmap(images, np.uint8, "r", shape=(len(numbers), 3, _SIZE, _SIZE))
    return part_from_arrays(stored.transpose(0, 3, 2, 1), numbers - 1)


DOWNLOADS = (Download("stl10", "stl10_binary.tar.gz", read, has_set, "a folder with train_X.bin"),)
