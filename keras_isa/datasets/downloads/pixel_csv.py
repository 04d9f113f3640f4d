"""Images in a table of numbers: the column `label` and one column for each pixel.

MNIST, Fashion-MNIST, Sign Language MNIST and others are distributed so on Kaggle.
"""

from __future__ import annotations

import math
import re
import warnings
from pathlib import Path

import numpy as np

from keras_isa.datasets.downloads.common import array_part, not_used, used_classes
from keras_isa.datasets.downloads.download import Download, no_key, reading
from keras_isa.datasets.parts import Part, Parts
from keras_isa.memory import check_memory

_LONGEST_HEAD = 1 << 20
_SMALLEST = 4  # pixels on a side, so that no small table of numbers is taken for images
_MOST_CLASSES = 1 << 16
# Of a pixel, its place or its row and column: 7, pixel7 or 3x12.
_PIXEL = re.compile(r"(?:pixel)?([0-9]{1,6})(?:x([0-9]{1,6}))?")


def recognise(path: Path) -> bool:
    """Whether a file, or one in a folder, has a column `label` and a square number of pixels."""
    return bool(_labelled(path))


def open_parts(path: Path, key: str | None = None) -> Parts:
    """Returns the images as grey squares, class names the numbers that occur.

    Columns of pixels may stand in any order: their names say where each pixel lies.

    Args:
        path: A file, which has no test part, or a folder with one or with two of them, whose names
            hold "train" and "test".
        key: None.

    Raises:
        ValueError: If it is not clear which file is which, one cannot be read, or there is a key.
    """
    no_key(key, "a table of pixels")
    files = _labelled(path)
    train = [file for file in files if "train" in file.stem.lower()] if len(files) > 1 else files
    test = [file for file in files if file not in train]
    if len(train) != 1 or len(test) > 1 or (test and "test" not in test[0].stem.lower()):
        raise ValueError(
            "`source` must have one table for training and one for testing, with train and test "
            f"in their names. Received: {path} with {', '.join(file.name for file in files)}"
        )
    others = sorted(file.name for file in path.glob("*.csv") if file not in files)
    not_used(path.name, others, "they have no column label beside the pixels")
    parts, sides = zip(*(_read(file) for file in train + test), strict=True)
    if len(set(sides)) > 1:
        raise ValueError(
            f"`source` must have images of one size. Received: {path} with {sides[0]} and "
            f"{sides[1]} pixels a side"
        )
    most = max(int(part.labels.max()) for part in parts)
    names = tuple(str(number) for number in range(most + 1))
    shape = (sides[0], sides[0], 1)
    train, test = [*parts, None][:2]
    return used_classes(Parts(str(path), names, shape, np.dtype(np.uint8), train, test))


def _labelled(path: Path) -> list[Path]:
    """The files with labels and pixels."""
    files = sorted(path.glob("*.csv")) if path.is_dir() else [path]
    return [file for file in files if file.suffix.lower() == ".csv" and _pixels(file)]


def _pixels(path: Path) -> list[str]:
    """The names of the columns of pixels, by the head of a table; none if it is none of images."""
    if not path.is_file():
        return []
    with open(path, "rb") as file:
        head = file.readline(_LONGEST_HEAD).decode("utf-8-sig", "replace").strip().split(",")
    label, *pixels = [name.strip().strip('"') for name in head]
    side = math.isqrt(len(pixels))
    fits = label.lower() == "label" and side >= _SMALLEST and side * side == len(pixels)
    return pixels if fits and all(map(_PIXEL.fullmatch, pixels)) else []


def _order(pixels: list[str]) -> list[int]:
    """The columns of the pixels, row by row of the image, whose names count from 0 or from 1."""
    side = math.isqrt(len(pixels))
    places = [_PIXEL.fullmatch(name).groups() for name in pixels]
    places = [tuple(int(number) for number in place if number is not None) for place in places]
    order = sorted(range(len(places)), key=places.__getitem__)
    places = [places[column] for column in order]
    for first in (0, 1):
        counted = [(first + number,) for number in range(side * side)]
        grid = [(first + row, first + column) for row in range(side) for column in range(side)]
        if places in (counted, grid):
            return order
    raise ValueError(
        "the names of its pixels must count them without a gap, each of them once, from 0 or from "
        "1; name them pixel0, pixel1, ... row by row"
    )


def _read(path: Path) -> tuple[Part, int]:
    pixels = _pixels(path)
    side = math.isqrt(len(pixels))
    # Each number takes a character or more, and a comma, and becomes four bytes and then one.
    check_memory(3 * path.stat().st_size, f"`source` {path}", "free some, or take fewer rows")
    with reading(path):
        order = _order(pixels)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "loadtxt: input contained no data")  # said below
            rows = np.loadtxt(path, np.float32, delimiter=",", skiprows=1, comments=None, ndmin=2)
        if rows.shape[1:] != (1 + len(pixels),) or not len(rows):
            raise ValueError("it has no rows of a label and its pixels")
        labels = _whole(rows[:, 0], _MOST_CLASSES - 1, "label")
        images = _whole(rows[:, 1:], 255, "pixel").astype(np.uint8)[:, order]
    return array_part(images.reshape(-1, side, side, 1), labels), side


def _whole(numbers: np.ndarray, most: int, what: str) -> np.ndarray:
    """Numbers that are found to be whole and from 0 to `most`."""
    with np.errstate(invalid="ignore"):
        wrong = (numbers != np.floor(numbers)) | ~((numbers >= 0) & (numbers <= most))
    if wrong.any():
        place = np.argwhere(wrong)[0]
        advice = "; multiply shares of 1 by 255 and round them" if what == "pixel" else ""
        raise ValueError(
            f"a {what} must be a whole number from 0 to {most}, and row {place[0] + 1} has "
            f"{numbers[tuple(place)]:g}{advice}"
        )
    return numbers


DOWNLOADS = (Download("pixel_csv", "a .csv file of labels and pixels", recognise, open_parts),)
