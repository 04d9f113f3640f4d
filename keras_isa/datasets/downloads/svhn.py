"""SVHN, house numbers in street views, in its second form with one digit per image."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from keras_isa.datasets.downloads.common import part_from_arrays, warn_not_used
from keras_isa.datasets.downloads.download import Download, find_folders, reading
from keras_isa.datasets.downloads.mat5 import read_arrays
from keras_isa.datasets.parts import Parts

_FILE = "{}_32x32.mat"
_EXTRA = "extra"
_HOUSE_NUMBERS = "digitStruct.mat"


def has_set(top: Path) -> bool:
    """Returns whether a folder has the training images of single digits."""
    return (top / _FILE.format("train")).is_file()


def _find(path: Path) -> list[Path]:
    """Returns the folders of either form; `Download.open` refuses those of the first one."""
    return find_folders(path, lambda top: has_set(top) or (top / _HOUSE_NUMBERS).is_file())


def read(top: Path, key: str | None) -> Parts:
    """Returns the images of digits `(32, 32, 3)` uint8, with the class names "0" to "9".

    Args:
        top: A folder with train_32x32.mat and test_32x32.mat. The label 10 of the files means the
            digit 0.
        key: "extra" adds the images of extra_32x32.mat to the training part. Otherwise they are not
            used, and a warning says so.

    Raises:
        ValueError: If a file is missing or damaged, or `key` has another value.
    """
    if key not in (None, _EXTRA):
        raise ValueError(f'`key` must be None or "{_EXTRA}" for SVHN. Received: key={key!r}')
    x_train, y_train = _read(top / _FILE.format("train"))
    test = part_from_arrays(*_read(top / _FILE.format("test")))
    extra = top / _FILE.format(_EXTRA)
    if key == _EXTRA:
        x_extra, y_extra = _read(extra)
        x_train, y_train = np.concatenate([x_train, x_extra]), np.concatenate([y_train, y_extra])
    elif extra.is_file():
        warn_not_used(
            "SVHN", [extra.name], f'key="{_EXTRA}" (--key {_EXTRA}) adds it to the training part'
        )
    train = part_from_arrays(x_train, y_train)
    return Parts(str(top), tuple("0123456789"), (32, 32, 3), train, test)


def _read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Returns images `(N, 32, 32, 3)`, as a view, and digits `(N,)`."""
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
    Download(
        "svhn",
        "train_32x32.mat and test_32x32.mat in one folder",
        read,
        has_set,
        "SVHN's second form, train_32x32.mat and test_32x32.mat, whose images show one digit each; "
        f"images of the first form ({_HOUSE_NUMBERS}) show several digits and have no class",
        _find,
        has_keys=True,
    ),
)
