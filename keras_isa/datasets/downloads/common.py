"""What readers of downloads share: arrays and listed files as parts, tables, warnings."""

from __future__ import annotations

import csv
import dataclasses
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from keras_isa.datasets.downloads.download import reading
from keras_isa.datasets.folder import parts_of_files
from keras_isa.datasets.image_header import UnreadableImage, read_header
from keras_isa.datasets.parts import Part, Parts
from keras_isa.inputs.class_names import first_ten


def existing(path: Path) -> Path:
    """Returns the path of a file or folder that a set cannot do without.

    Raises:
        ValueError: If it is not there.
    """
    if not path.exists():
        raise ValueError(f"`source` must be complete. Received: no {path.name} in {path.parent}")
    return path


def not_used(source: str, names: Iterable[str], reason: str) -> None:
    """Warns of files or parts of a set that are there and not read.

    Args:
        source: The set, by a name that says more than the place of an unpacked archive.
        names: Of what is not read; without any, nothing is said.
        reason: Why.
    """
    names = list(names)
    if names:
        warnings.warn(f"{source}: {first_ten(names)} not used; {reason}", stacklevel=3)


def array_part(images: np.ndarray, labels: np.ndarray) -> Part:
    """Returns images `(N, H, W, C)`, in memory or mapped, and class numbers `(N,)` as a part."""

    def read(positions: np.ndarray) -> Iterator[np.ndarray]:
        return (np.ascontiguousarray(images[position]) for position in positions)

    return Part(labels.astype(np.int32), read)


def file_shape(files: Iterable[Path | BinaryIO]) -> tuple[int | None, int | None, int]:
    """Returns the shape `(H, W, C)` of image files, from their heads.

    Returns:
        H and W are `None` where the files differ; C is 1 if all are grey, else 3.

    Raises:
        ValueError: If one cannot be read, or has more than eight bits per channel.
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


def used_classes(parts: Parts, source: str | None = None) -> Parts:
    """Returns the classes that the training part has, numbered without gaps, and says so.

    Args:
        parts: With or without a test part.
        source: What the warning calls the set; by default the last part of its path.
    """
    present = np.unique(parts.train.labels)
    if len(present) in (0, len(parts.class_names)):
        return parts
    absent = np.setdiff1d(np.arange(len(parts.class_names)), present)
    missed = 0 if parts.test is None else int(np.isin(parts.test.labels, absent).sum())
    also = f" and {missed} test images of them are passed over" if missed else ""
    not_used(
        source or Path(parts.name).name,
        [f"class {parts.class_names[number]}" for number in absent],
        f"the training part has no image of them{also}; the others are numbered without gaps",
    )
    return parts.select_classes(present.tolist())


def listed_parts(
    name: str,
    class_names: Iterable[str],
    train: Sequence[tuple[Path, int]],
    test: Sequence[tuple[Path, int]] | None = None,
) -> Parts:
    """Returns listed image files and their class numbers as data, in their own sizes.

    Args:
        name: As in `Parts`.
        class_names: As in `Parts`.
        train: Files and their class numbers.
        test: Likewise; `None` for a set without a test part.
    """
    shape = file_shape([path for path, _ in (*train, *(test or ()))])
    parts = parts_of_files(name, class_names, train, test or (), shape)
    return parts if test is not None else dataclasses.replace(parts, test=None)


def table(path: Path, columns: Sequence[str], delimiter: str = ",") -> list[list[str]]:
    """Returns some columns of a table with a head, row by row.

    Args:
        path: The file.
        columns: Their names in the head.
        delimiter: Between two entries.

    Raises:
        ValueError: If one is missing or a row ends before it.
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


def inside(top: Path, name: str) -> Path:
    """Returns the path of a file that a list in a set names, found to lie in its folder.

    Raises:
        ValueError: If the name leads out of the folder.
    """
    path = top / name
    if not path.resolve().is_relative_to(top.resolve()):
        raise ValueError(f"`source` must name files inside of itself. Received: {name!r} in {top}")
    return path
