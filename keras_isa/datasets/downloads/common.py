"""Functions that several readers of downloads use: parts of arrays and files, tables, warnings."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from keras_isa.datasets.downloads.download import reading
from keras_isa.datasets.folder import image_files
from keras_isa.datasets.parts import Part, Parts
from keras_isa.datasets.remarks import shown_path
from keras_isa.inputs.class_names import first_ten


def check_exists(path: Path, is_there: Callable[[Path], bool] = Path.exists) -> Path:
    """Returns the path of a file or folder that a set must have.

    Args:
        path: The path.
        is_there: A stricter condition, such as `Path.is_dir`.

    Raises:
        ValueError: If it does not exist.
    """
    if not is_there(path):
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


def drop_unused_classes(parts: Parts) -> Parts:
    """Returns parts without the classes that have no training image; a warning names these.

    The other classes are renumbered without gaps.

    Args:
        parts: Parts with or without a test part. Their name is in the warning.
    """
    present = np.unique(parts.train.labels)
    if len(present) in (0, len(parts.class_names)):
        return parts
    absent = np.setdiff1d(np.arange(len(parts.class_names)), present)
    missed = 0 if parts.test is None else int(np.isin(parts.test.labels, absent).sum())
    also = f", so {missed} test images of them are not used either" if missed else ""
    warn_not_used(
        shown_path(Path(parts.name)),
        [f"class {parts.class_names[number]}" for number in absent],
        f"the training part has no image of them{also}; the others are renumbered without gaps",
    )
    return parts.select_classes(present.tolist())


def files_by_class(folders: Iterable[Path]) -> list[tuple[Path, int]]:
    """Returns the image files in a folder for each class, and their class numbers.

    Args:
        folders: One folder for each class, in the order of the class numbers.

    Raises:
        ValueError: If a folder does not exist.
    """
    return [
        (file, number)
        for number, folder in enumerate(folders)
        for file in image_files(check_exists(folder, Path.is_dir))
    ]


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
        head = next(rows, [])
        missing = [column for column in columns if column not in head]
        if missing:
            raise ValueError(f"it has no column {missing[0]}")
        places = [head.index(column) for column in columns]
        return [[row[place] for place in places] for row in rows if row]


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
