"""Functions that several readers of downloads use: parts of arrays and files, tables, warnings."""

from __future__ import annotations

import csv
import dataclasses
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from keras_isa.datasets.downloads.download import reading
from keras_isa.datasets.folder import parts_from_files
from keras_isa.datasets.image_header import UnreadableImage, read_header
from keras_isa.datasets.parts import Part, Parts
from keras_isa.inputs.class_names import first_ten


def check_exists(path: Path) -> Path:
    """Returns the path of a file or folder that a set must have.

    Raises:
        ValueError: If it does not exist.
    """
    if not path.exists():
        raise ValueError(f"`source` must be complete. Received: no {path.name} in {path.parent}")
    return path


def warn_not_used(source: str, names: Iterable[str], reason: str) -> None:
    """Warns of files or parts of a set that are not read.

    Args:
        source: A name for the set.
        names: Names of what is not read. Without names there is no warning.
        reason: Why it is not read.
    """
    names = list(names)
    if names:
        warnings.warn(f"{source}: {first_ten(names)} not used; {reason}", stacklevel=3)


def part_from_arrays(images: np.ndarray, labels: np.ndarray) -> Part:
    """Returns images `(N, H, W, C)`, in memory or mapped, and class numbers `(N,)` as a part."""

    def read(positions: np.ndarray) -> Iterator[np.ndarray]:
        return (np.ascontiguousarray(images[position]) for position in positions)

    return Part(labels.astype(np.int32), read)


def file_shape(files: Iterable[Path | BinaryIO]) -> tuple[int | None, int | None, int]:
    """Returns the shape `(H, W, C)` of image files, from their headers.

    Returns:
        H and W are `None` if the sizes differ; C is 1 if all images are grey, otherwise 3.

    Raises:
        ValueError: If a file cannot be read, or has more than eight bits per channel.
    """
    sizes, channels = set(), 1
    for file in files:
        try:
            header = read_header(file)
            if header.bits > 8:
                raise UnreadableImage(f"{header.bits} bits per channel")
        except UnreadableImage as error:
            raise ValueError(
                "`source` must hold undamaged images of eight bits per channel. Received: "
                f"{file} ({error})"
            ) from error
        sizes.add((header.height, header.width))
        channels = max(channels, header.channels)
    height, width = sizes.pop() if len(sizes) == 1 else (None, None)
    return height, width, channels


def drop_unused_classes(parts: Parts, source: str | None = None) -> Parts:
    """Returns parts without the classes that have no training image; a warning names these.

    The other classes are renumbered without gaps.

    Args:
        parts: Parts with or without a test part.
        source: The name of the set in the warning; by default the last part of its path.
    """
    present = np.unique(parts.train.labels)
    if len(present) in (0, len(parts.class_names)):
        return parts
    absent = np.setdiff1d(np.arange(len(parts.class_names)), present)
    missed = 0 if parts.test is None else int(np.isin(parts.test.labels, absent).sum())
    also = f", so {missed} test images of them are not used either" if missed else ""
    warn_not_used(
        source or Path(parts.name).name,
        [f"class {parts.class_names[number]}" for number in absent],
        f"the training part has no image of them{also}; the others are renumbered without gaps",
    )
    return parts.select_classes(present.tolist())


def parts_from_listed_files(
    name: str,
    class_names: Iterable[str],
    train: Sequence[tuple[Path, int]],
    test: Sequence[tuple[Path, int]] | None = None,
) -> Parts:
    """Returns lists of image files as parts; the images keep their own sizes.

    Args:
        name: As in `Parts`.
        class_names: As in `Parts`.
        train: Files of the training part and their class numbers.
        test: Files of the test part and their class numbers; `None` for a set without a test part.
    """
    shape = file_shape([path for path, _ in (*train, *(test or ()))])
    parts = parts_from_files(name, class_names, train, test or (), shape)
    return parts if test is not None else dataclasses.replace(parts, test=None)


def read_table(path: Path, columns: Sequence[str], delimiter: str = ",") -> list[list[str]]:
    """Returns some columns of a text table, row by row. Its first line has the column names.

    Args:
        path: The file.
        columns: Names of the columns to return.
        delimiter: The character between two entries.

    Raises:
        ValueError: If a column is missing, or a row is too short.
    """
    with reading(path), open(path, encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file, delimiter=delimiter)
        try:
            head = next(rows, [])
            missing = [column for column in columns if column not in head]
            if missing:
                raise ValueError(f"it has no column {missing[0]}")
            places = [head.index(column) for column in columns]
            return [[row[place] for place in places] for row in rows if row]
        except csv.Error as error:
            raise ValueError(str(error)) from error


def path_inside(top: Path, name: str) -> Path:
    """Returns the path of a file in `top` that a list in the set names.

    Raises:
        ValueError: If the file is outside of the folder, or its name has a zero byte.
    """
    path = top / name
    if "\0" in name or not path.resolve().is_relative_to(top.resolve()):
        raise ValueError(
            f"`source` must list only files inside of its folder. Received: {name!r} in {top}"
        )
    return path
