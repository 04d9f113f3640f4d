"""Image sets of the Hugging Face Hub: Parquet files, or Arrow files that `save_to_disk` writes."""

from __future__ import annotations

import dataclasses
import io
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from keras_isa.datasets.downloads import tables
from keras_isa.datasets.downloads.common import drop_unused_classes, warn_not_used
from keras_isa.datasets.downloads.download import Download
from keras_isa.datasets.downloads.table_files import files_by_split, table_files
from keras_isa.datasets.images import file_shape, read_image
from keras_isa.datasets.parts import Part, Parts
from keras_isa.inputs.class_names import check_class_names, sort_names

_NO_LABEL = -1
# Usual names of the column of labels. They are needed if no column has class names.
_LABELS = ("label", "labels", "class", "target", "category")
# What to do with other kinds of labels.
_NO_LABELS = {
    "floats": "convert whole numbers to integers",
    "lists": "lists mean several classes per image; keep one class of each",
}


def recognise(path: Path) -> bool:
    """Returns whether a file, or the files up to two folders deep, have a column of images.

    A table that cannot be read counts too, so that the error about it is raised.
    """
    files = table_files(path)
    try:
        return bool(files) and any(one.kind == "image" for one in tables.columns(files[0]))
    except ValueError:
        return True


def read(path: Path, key: str | None = None) -> Parts:
    """Returns the images of the splits train and test, which are read a few at a time.

    Without a split test that has labels, validation becomes the test part. The class names are
    those in the metadata of the files. Without them they are the labels themselves if these are
    texts, and otherwise the numbers that occur. If the files have different class names, or in
    another order, labels are matched by name.

    Args:
        path: One file, or a folder with files such as data/train-00000-of-00001.parquet,
            default/train/0000.parquet or train/data-00000-of-00001.arrow.
        key: The column of labels. It must be given if there are several.

    Raises:
        ValueError: If a file is missing or cannot be read, there are several sets, or it is not
            clear which columns hold the images and their labels.
    """
    splits = files_by_split(path)
    # The training part comes first, because it defines the columns and the classes.
    splits = {split: splits[split] for split in sorted(splits, key=lambda one: one != "train")}
    files = list(itertools.chain.from_iterable(splits.values()))
    image, label = _choose_columns(tables.columns(files[0]), key, files[0])
    labels = _read_labels(files, image, label)
    labelled = [
        split
        for split, own in splits.items()
        if any((labels[file].values != _NO_LABEL).any() for file in own)
    ]
    warn_not_used(
        path.name, [one for one in splits if one not in labelled], "no image in it has a label"
    )
    chosen = _train_and_test(labelled, path)
    rest = [split for split in labelled if split not in chosen]
    warn_not_used(path.name, rest, "a training and a test part are all that is read")
    names, numbers = _class_numbers(
        {split: [labels[file] for file in splits[split]] for split in chosen}, path
    )
    stored = []
    for split in chosen:
        counts = [len(labels[file].values) for file in splits[split]]
        stored.append(_Images(splits[split], counts, image, numbers[split]))
        missing = len(numbers[split]) - len(stored[-1].rows)
        warn_not_used(
            path.name, [f"{missing} images of {split}"] if missing else [], "they have no label"
        )
    shape = file_shape(itertools.chain.from_iterable(one.files(one.rows) for one in stored))
    parts = (one.part(shape[2]) for one in stored)
    return drop_unused_classes(Parts(str(path), names, shape, *parts))


def _choose_columns(
    columns: Sequence[tables.Column], key: str | None, path: Path
) -> tuple[str, str]:
    """Returns the names of the column of images and of the column of labels."""
    images = [one.name for one in columns if one.kind == "image"]
    if len(images) != 1:
        raise ValueError(
            f"`source` must have one column of images. Received: {path} with "
            f"{', '.join(images) or 'none'}"
        )
    labels = {one.name: one.class_names for one in columns if one.kind == "label"}
    if key is not None:
        chosen = [name for name in labels if name == key]
    else:
        chosen = [name for name in labels if labels[name]]
        chosen = chosen or [name for name in labels if name.lower() in _LABELS]
    wanted = _LABELS if key is None else [key.lower()]
    for one in columns if not chosen else ():
        if one.kind in _NO_LABELS and one.name.lower() in wanted:
            raise ValueError(
                "`source` must have an integer or a text as the label of each image; "
                f"{_NO_LABELS[one.kind]}. Received: {path} with {one.kind} in the column {one.name}"
            )
    if len(chosen) != 1:
        raise ValueError(
            "`key` (--key) must name the column of labels, integers or texts, one of "
            f"{', '.join(labels) or 'none'}. Received: key={key!r} for {path}"
        )
    return images[0], chosen[0]


@dataclasses.dataclass(frozen=True)
class _Labels:
    """The labels of one file.

    Args:
        file: The file.
        column: The column of labels.
        values: Integers `(N,)` int64, -1 for images without a label, or texts `(N,)`.
    """

    file: Path
    column: tables.Column
    values: np.ndarray

    @property
    def kind(self) -> str:
        if self.column.class_names is not None:
            return "numbers of named classes"
        return "texts" if self.values.dtype == object else "numbers without class names"


def _read_labels(files: Sequence[Path], image: str, label: str) -> dict[Path, _Labels]:
    """Returns the labels of all files, which must have these two columns and one kind of labels."""
    read: dict[Path, _Labels] = {}
    for file in files:
        columns = {one.name: one for one in tables.columns(file)}
        for name, kind in ((image, "image"), (label, "label")):
            if name not in columns or columns[name].kind != kind:
                raise ValueError(
                    f"`source` must have a column {name} of {kind}s in every file; remove other "
                    f"files, or pass a single file. Received: {file} with {', '.join(columns)}"
                )
        found = read[file] = _Labels(file, columns[label], tables.labels(file, label))
        if found.kind != read[files[0]].kind:
            raise ValueError(
                f"`source` must have labels of one kind in its column {label}. Received: "
                f"{read[files[0]].kind} in {files[0]}, and {found.kind} in {file}"
            )
    return read


def _train_and_test(labelled: Sequence[str], path: Path) -> list[str]:
    """Returns the name of the training split, and that of the test split if there is one."""
    if len(labelled) == 1:
        return list(labelled)
    if "train" not in labelled:
        raise ValueError(
            "`source` must have a split train with labels, or a single split with labels. "
            f"Received: {path} with {', '.join(labelled) or 'none'}"
        )
    return ["train", *(one for one in ("test", "validation") if one in labelled)][:2]


def _class_numbers(
    labels: dict[str, list[_Labels]], path: Path
) -> tuple[tuple[str, ...], dict[str, np.ndarray]]:
    """Returns class names, and class numbers `(N,)` by split, -1 for images without a label."""
    files = list(itertools.chain.from_iterable(labels.values()))
    values = {
        split: np.concatenate([_classes(one) for one in found]) for split, found in labels.items()
    }
    known = set(next(iter(values.values())).tolist()) - {_NO_LABEL}
    if files[0].column.class_names is not None:
        own = (check_class_names(one.column.class_names) for one in files)
        classes = list(dict.fromkeys(itertools.chain.from_iterable(own)))
    else:
        classes = sort_names(known) if files[0].values.dtype == object else sorted(known)
    numbers = {_NO_LABEL: _NO_LABEL} | {value: number for number, value in enumerate(classes)}
    for split, found in values.items():
        unknown = next((value for value in found.tolist() if value not in numbers), None)
        if unknown is not None:
            raise ValueError(
                "`source` must have no label that its training part lacks. Received: "
                f"{unknown!r} in the split {split} of {path}"
            )
        values[split] = np.array([numbers[value] for value in found.tolist()], np.int64)
    return tuple(map(str, classes)), values


def _classes(labels: _Labels) -> np.ndarray:
    """Returns the name of each class if there are names, otherwise the labels, -1 for no label."""
    values, own = labels.values, labels.column.class_names
    if own is None:
        return values
    if len(values) and not _NO_LABEL <= values.min() <= values.max() < len(own):
        raise ValueError(
            f"`source` must have labels from 0 to {len(own) - 1} in its column "
            f"{labels.column.name}. Received: {labels.file} with {values.min()} to {values.max()}"
        )
    return np.array([*own, _NO_LABEL], object)[values]


class _Images:
    """The image files of one split.

    Args:
        paths: The tables in their order.
        counts: The number of rows of each table.
        column: Name of the column of images.
        numbers: Class numbers `(N,)`, -1 for images without a label.
    """

    def __init__(
        self, paths: Sequence[Path], counts: Sequence[int], column: str, numbers: np.ndarray
    ) -> None:
        self._paths, self._column, self._numbers = paths, column, numbers
        self._ends = np.cumsum(counts).tolist()
        self.rows = np.flatnonzero(numbers != _NO_LABEL)

    def files(self, rows: np.ndarray) -> Iterator[BinaryIO]:
        """Yields the image files in some rows, which must ascend."""
        start = 0
        for path, end in zip(self._paths, self._ends, strict=True):
            first, last = np.searchsorted(rows, (start, end))
            own = rows[first:last] - start
            contents = tables.images(path, self._column, own) if len(own) else ()
            for row, content in zip(own.tolist(), contents, strict=True):
                file = io.BytesIO(content)
                file.name = f"{path}, row {row}"  # for messages
                yield file
            start = end

    def part(self, channels: int) -> Part:
        """Returns the images that have a label as a part."""

        def read(rows: np.ndarray) -> Iterator[np.ndarray]:
            return (read_image(file, channels) for file in self.files(rows))

        return Part(self._numbers[self.rows].astype(np.int32), read, self.rows)


DOWNLOADS = (
    Download(
        "hugging_face",
        "a folder of Parquet files from the Hugging Face Hub",
        read,
        finds=recognise,
        has_keys=True,
    ),
)
