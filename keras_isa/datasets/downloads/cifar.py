"""CIFAR-10 and CIFAR-100 as their authors distribute them."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import numpy as np

from keras_isa.datasets.downloads import packed
from keras_isa.datasets.downloads.download import (
    Download,
    find_folders,
    find_only_folder,
    reading,
    refuse_key,
)
from keras_isa.datasets.downloads.names import decoded_names, name_lines
from keras_isa.datasets.downloads.pickles import begins_as_pickle, read_pickle
from keras_isa.datasets.downloads.rows import (
    Batch,
    all_labels,
    check_rows,
    label_array,
    part_from_batches,
)
from keras_isa.datasets.parts import Parts

SHAPE = (32, 32, 3)
_PIXELS = 3072


@dataclasses.dataclass(frozen=True)
class Cifar:
    """One of the two sets, as pickled batches ("python") or as binary records ("binary").

    The python files hold a dictionary with `data`, rows of red, green and blue planes, and lists of
    labels; they are read without executing anything. The binary files hold records of one byte for
    each label and 3,072 for the planes. Both are described at www.cs.toronto.edu/~kriz/cifar.html.

    Args:
        train: Names of the training files, without the suffix .bin of binary ones.
        test: Name of the test file.
        meta: Name of the python file with the class names.
        labels: By `key`: key of the labels and of the class names in the python files, and name of
            the binary file with the class names, in the order of the bytes of a record.
    """

    train: tuple[str, ...]
    test: str
    meta: str
    labels: dict[str, tuple[str, str, str]]

    def recognise(self, path: Path) -> bool:
        """Returns whether at least two files of one of the two forms exist."""
        return bool(find_folders(path, self._is_set_folder))

    def open(self, path: Path, key: str | None = None) -> Parts:
        """Returns the images in `path`, or in a folder directly in it.

        Args:
            path: The folder.
            key: For CIFAR-100 "fine" (the default) or "coarse".

        Raises:
            ValueError: If a file is missing or damaged, or `key` has another value.
        """
        keys = list(self.labels)
        if len(keys) == 1:
            refuse_key(key, "cifar10")
        if key not in (None, *keys):
            raise ValueError(f"`key` must be {' or '.join(keys)}. Received: key={key!r}")
        chosen = key or keys[-1]
        top = find_only_folder(path, self._is_set_folder)
        if top is None:
            raise ValueError(
                f"`source` must hold the files {', '.join((*self.train, self.test, self.meta))}, "
                f"or the binary ones. Received: {path}"
            )
        is_binary = not self._is_python(top)
        with reading(top / (self.labels[chosen][2] if is_binary else self.meta)) as file:
            names = tuple(name_lines(file)) if is_binary else self._names(file, chosen)
        read = self._read_binary if is_binary else self._read_python
        train, test = (
            [read(top, name, chosen) for name in part] for part in (self.train, [self.test])
        )
        parts = []
        for batches in (train, test):
            labels = all_labels(batches)
            parts.append(part_from_batches(batches, labels.astype(np.int32), SHAPE))
            if len(labels) and not 0 <= labels.min() <= labels.max() < len(names):
                raise ValueError(
                    f"`source` must have labels from 0 to {len(names) - 1}. Received: {top} with "
                    f"{labels.min()} to {labels.max()}"
                )
        return Parts(str(top.resolve()), names, SHAPE, np.dtype(np.uint8), *parts)

    def _is_set_folder(self, top: Path) -> bool:
        return self._is_python(top) or self._is_binary(top)

    def _is_python(self, top: Path) -> bool:
        files = [top / name for name in (*self.train, self.test, self.meta)]
        return sum(map(begins_as_pickle, files)) >= 2

    def _is_binary(self, top: Path) -> bool:
        texts = [text for *_, text in self.labels.values()]
        files = [*(f"{name}.bin" for name in (*self.train, self.test)), *texts]
        there = {name for name in files if (top / name).is_file()}
        # train.bin and test.bin alone could be any set.
        return len(there) >= 2 and not there <= {"train.bin", "test.bin"}

    def _read_python(self, top: Path, name: str, chosen: str) -> Batch:
        with reading(top / name) as file:
            content = read_pickle(file)
            labels = label_array(content.get(self.labels[chosen][0]))
            rows = check_rows(content.get("data"), len(labels), _PIXELS)
            return Batch(labels, lambda: rows)

    def _read_binary(self, top: Path, name: str, chosen: str) -> Batch:
        with reading(top / f"{name}.bin") as file:
            first = len(self.labels)
            size, rest = divmod(os.path.getsize(file), first + _PIXELS)
            if rest or not size:
                raise ValueError(f"its size is not a multiple of {first + _PIXELS} bytes")
            records = np.memmap(file, np.uint8, "r", shape=(size, first + _PIXELS))
            labels = records[:, list(self.labels).index(chosen)].astype(np.int64)
            return Batch(labels, lambda: records[:, first:])

    def _names(self, file: Path, chosen: str) -> tuple[str, ...]:
        return decoded_names(read_pickle(file).get(self.labels[chosen][1]))


CIFAR10 = Cifar(
    train=tuple(f"data_batch_{number}" for number in range(1, 6)),
    test="test_batch",
    meta="batches.meta",
    labels={"labels": ("labels", "label_names", "batches.meta.txt")},
)
CIFAR100 = Cifar(
    train=("train",),
    test="test",
    meta="meta",
    labels={
        "coarse": ("coarse_labels", "coarse_label_names", "coarse_label_names.txt"),
        "fine": ("fine_labels", "fine_label_names", "fine_label_names.txt"),
    },
)


def _recognise_cifar10(path: Path) -> bool:
    return packed.is_packed(path) or CIFAR10.recognise(path)


def _open_cifar10(path: Path, key: str | None = None) -> Parts:
    return (packed.open_packed if packed.is_packed(path) else CIFAR10.open)(path, key)


DOWNLOADS = (
    Download(
        "cifar10",
        f"cifar-10-python.tar.gz, cifar-10-binary.tar.gz, or {' and '.join(packed.FILES)}",
        _recognise_cifar10,
        _open_cifar10,
    ),
    Download(
        "cifar100",
        "cifar-100-python.tar.gz or cifar-100-binary.tar.gz",
        CIFAR100.recognise,
        CIFAR100.open,
    ),
)
