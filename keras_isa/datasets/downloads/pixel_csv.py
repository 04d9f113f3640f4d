"""Images in a table of numbers with a column `label` and one column per pixel.

Kaggle distributes MNIST, Fashion-MNIST, Sign Language MNIST and others in this form.
"""

from __future__ import annotations

import math
import re
import warnings
from pathlib import Path

import numpy as np

from keras_isa.datasets.downloads.common import drop_unused_classes, part_from_arrays, warn_not_used
from keras_isa.datasets.downloads.download import Download, reading
from keras_isa.datasets.parts import Part, Parts
from keras_isa.memory import check_memory

_MAX_FIRST_LINE = 1 << 20
# Height of the smallest images. A table with fewer columns is hardly one of images.
_MIN_SIDE = 4
_MAX_CLASSES = 1 << 16
# The name of a pixel has its number or its row and column: 7, pixel7 or 3x12.
_PIXEL = re.compile(r"(?:pixel)?([0-9]{1,6})(?:x([0-9]{1,6}))?")


def read(path: Path) -> Parts:
    """Returns the images as grey squares; the class names are the numbers that occur.

    The columns of pixels may have any order, because their names give the position of each pixel.

    Args:
        path: A file, which has no test part, or a folder with one file, or with two files that have
            "train" and "test" in their names.

    Raises:
        ValueError: If it is not clear which file is the training part, or a file cannot be read.
    """
    files = _labelled(path)
    train = [file for file in files if "train" in file.stem.lower()] if len(files) > 1 else files
    test = [file for file in files if file not in train]
    if len(train) != 1 or len(test) > 1 or (test and "test" not in test[0].stem.lower()):
        raise ValueError(
            "`source` must have one table for training and one for testing, with train and test "
            f"in their names. Received: {path} with {', '.join(file.name for file in files)}"
        )
    others = sorted(file.name for file in path.glob("*.csv") if file not in files)
    warn_not_used(path.name, others, "they have no column label beside the pixels")
    parts, sides = zip(*(_read(file) for file in train + test), strict=True)
    if len(set(sides)) > 1:
        raise ValueError(
            f"`source` must have images of one size. Received: {path} with images of "
            f"{sides[0]}x{sides[0]} and {sides[1]}x{sides[1]} pixels"
        )
    most = max(int(part.labels.max()) for part in parts)
    names = tuple(str(number) for number in range(most + 1))
    return drop_unused_classes(Parts(str(path), names, (sides[0], sides[0], 1), *parts))


def _labelled(path: Path) -> list[Path]:
    """Returns the files with labels and pixels."""
    files = sorted(path.glob("*.csv")) if path.is_dir() else [path]
    return [file for file in files if file.suffix.lower() == ".csv" and _pixels(file)]


def _pixels(path: Path) -> list[str]:
    """Returns the names of the columns of pixels, or an empty list for another table."""
    if not path.is_file():
        return []
    with open(path, "rb") as file:
        head = file.readline(_MAX_FIRST_LINE).decode("utf-8-sig", "replace").strip().split(",")
    label, *pixels = [name.strip().strip('"') for name in head]
    side = math.isqrt(len(pixels))
    fits = label.lower() == "label" and side >= _MIN_SIDE and side * side == len(pixels)
    return pixels if fits and all(map(_PIXEL.fullmatch, pixels)) else []


def _order(pixels: list[str]) -> list[int]:
    """Returns the order of the columns in which the pixels come row by row.

    The names of the columns count from 0 or from 1.
    """
    side = math.isqrt(len(pixels))
    places = [_PIXEL.fullmatch(name).groups() for name in pixels]
    places = [tuple(int(number) for number in place if number is not None) for place in places]
    for first in (0, 1):
        counted = [(first + number,) for number in range(side * side)]
        grid = [(first + row, first + column) for row in range(side) for column in range(side)]
        if sorted(places) in (counted, grid):
            return sorted(range(len(places)), key=places.__getitem__)
    raise ValueError(
        "the names of its pixels must count each of them once, without a gap, from 0 or from 1; "
        "name them pixel0, pixel1, ... row by row"
    )


def _read(path: Path) -> tuple[Part, int]:
    pixels = _pixels(path)
    side = math.isqrt(len(pixels))
    # In the file a number takes at least two bytes: a digit and a comma. In memory it takes four
    # bytes as float32, and then one more as uint8.
    check_memory(3 * path.stat().st_size, f"`source` {path}", "free memory, or use fewer rows")
    with reading(path):
        order = _order(pixels)
        with warnings.catch_warnings():
            # The error below says that there are no rows.
            warnings.filterwarnings("ignore", "loadtxt: input contained no data")
            try:
                rows = np.loadtxt(
                    path, np.float32, delimiter=",", skiprows=1, comments=None, ndmin=2
                )
            except ValueError as error:
                if "convert" not in str(error):
                    raise
                advice = "; number classes that have names from 0 on" * ("column 1." in str(error))
                raise ValueError(
                    f"labels and pixels must be whole numbers{advice}: {error}"
                ) from error
        if rows.shape[1:] != (1 + len(pixels),) or not len(rows):
            raise ValueError("it has no rows of a label and its pixels")
        labels = _check_whole(rows[:, 0], _MAX_CLASSES - 1, "label")
        images = _check_whole(rows[:, 1:], 255, "pixel").astype(np.uint8)[:, order]
    return part_from_arrays(images.reshape(-1, side, side, 1), labels), side


def _check_whole(numbers: np.ndarray, most: int, what: str) -> np.ndarray:
    """Returns `numbers`, or raises a ValueError if one is not whole or not from 0 to `most`."""
    with np.errstate(invalid="ignore"):
        wrong = (numbers != np.floor(numbers)) | ~((numbers >= 0) & (numbers <= most))
    if wrong.any():
        place = np.argwhere(wrong)[0]
        advice = "; multiply pixels from 0 to 1 by 255 and round them" if what == "pixel" else ""
        raise ValueError(
            f"a {what} must be a whole number from 0 to {most}, but row {place[0] + 1} has "
            f"{numbers[tuple(place)]:g}{advice}"
        )
    return numbers


DOWNLOADS = (Download("pixel_csv", "a .csv file of labels and pixels", read, finds=_labelled),)
