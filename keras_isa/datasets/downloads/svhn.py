"""SVHN, house numbers from the street, in its second form: one digit an image."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from keras_isa.datasets.downloads.common import array_part, not_used
from keras_isa.datasets.downloads.download import Download, all_places, only_place, reading
from keras_isa.datasets.downloads.mat5 import read_arrays
from keras_isa.datasets.parts import Parts

_FILE = "{}_32x32.mat"
_EXTRA = "extra"
_WHOLE_NUMBERS = "digitStruct.mat"


def recognise(path: Path) -> bool:
    """Whether a folder, or one in it, has the training part of SVHN in either form."""
    return bool(all_places(path, _is_there) or all_places(path, _has_whole_numbers))


def open_parts(path: Path, key: str | None = None) -> Parts:
    """Returns the digits, images `(32, 32, 3)` uint8, class names "0" to "9".

    Args:
        path: A folder with train_32x32.mat and test_32x32.mat, or one with that folder in it. The
            label 10 of the files is the digit 0.
        key: "extra" to add the images of extra_32x32.mat to the training part; they are left out
            otherwise, and that is said.

    Raises:
        ValueError: If a file is missing or damaged, `key` is another one, or the folder has SVHN's
            first form, whole numbers in images of any size.
    """
    if key not in (None, _EXTRA):
        raise ValueError(f'`key` must be None or "{_EXTRA}" for SVHN. Received: key={key!r}')
    top = only_place(path, _is_there)
    if top is None:
        raise ValueError(
            "`source` must be SVHN's second form, train_32x32.mat and test_32x32.mat, whose images "
            f"show one digit each; the first form ({_WHOLE_NUMBERS}) has whole numbers and no "
            f"class per image. Received: {path}"
        )
    x_train, y_train = _read(top / _FILE.format("train"))
    test = array_part(*_read(top / _FILE.format("test")))
    extra = top / _FILE.format(_EXTRA)
    if key == _EXTRA:
        x_extra, y_extra = _read(extra)
        x_train, y_train = np.concatenate([x_train, x_extra]), np.concatenate([y_train, y_extra])
    elif extra.is_file():
        not_used(
            "SVHN", [extra.name], f'key="{_EXTRA}" (--key {_EXTRA}) adds it to the training part'
        )
    train = array_part(x_train, y_train)
    names = tuple("0123456789")
    return Parts(str(top), names, (32, 32, 3), np.dtype(np.uint8), train, test)


def _is_there(top: Path) -> bool:
    return (top / _FILE.format("train")).is_file()


def _has_whole_numbers(top: Path) -> bool:
    return (top / _WHOLE_NUMBERS).is_file()


def _read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images `(N, 32, 32, 3)`, a view, and digits `(N,)`."""
    with reading(path):
        arrays = read_arrays(path, ("X", "y"))
        if len(arrays) < 2:
            raise ValueError("it has no images X or no labels y")
        images, labels = arrays["X"], arrays["y"].reshape(-1)
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[:3] != (32, 32, 3):
            raise ValueError(f"X is {images.dtype} of shape {images.shape}")
        if len(labels) != images.shape[3]:
            raise ValueError(f"there are {images.shape[3]} images and {len(labels)} labels")
        digits = labels.astype(np.int32)
        if not len(labels) or (digits != labels).any() or digits.min() < 1 or digits.max() > 10:
            raise ValueError("y must hold labels from 1 to 10")
    return np.moveaxis(images, 3, 0), digits % 10


DOWNLOADS = (
    Download("svhn", "train_32x32.mat and test_32x32.mat in one folder", recognise, open_parts),
)
