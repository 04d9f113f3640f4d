"""CIFAR-10 and CIFAR-100 as their authors distribute them."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import numpy as np

from keras_isa.datasets.downloads import packed, rows
from keras_isa.datasets.downloads.download import Download, reading
from keras_isa.datasets.downloads.names import decoded_names, name_lines
from keras_isa.datasets.downloads.pickles import begins_as_pickle, read_pickle
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

    @property
    def needs(self) -> str:
        """What a folder must have, for the error."""
        return f"a folder with {', '.join((*self.train, self.test, self.meta))}, or the binary ones"

    def has_set(self, top: Path) -> bool:
        """Returns whether a folder has at least two files of one of the two forms."""
        return self._is_python(top) or self._is_binary(top)

    def read(self, top: Path, key: str | None = None) -> Parts:
        """Returns the images in a folder.

        Args:
            top: The folder.
            key: For CIFAR-100 "fine" (the default) or "coarse".

        Raises:
            ValueError: If a file is missing or damaged, or `key` has another value.
        """
        keys = list(self.labels)
        if key not in (None, *keys):
            raise ValueError(f"`key` must be {' or '.join(keys)}. Received: key={key!r}")
        chosen = key or keys[-1]
        label_key, names_key, names_file = self.labels[chosen]
        is_python = self._is_python(top)
        with reading(top / (self.meta if is_python else names_file)) as file:
            if is_python:
                names = decoded_names(read_pickle(file).get(names_key))
            else:
                names = tuple(name_lines(file))

        def batch(name: str) -> rows.Batch:
            if is_python:
                return _read_python(top / name, label_key)
            return _read_binary(top / f"{name}.bin", len(keys), keys.index(chosen))

        parts = []
        for part in (self.train, [self.test]):
            batches = [batch(name) for name in part]
            labels = rows.all_labels(batches)
            parts.append(rows.part_from_batches(batches, labels, SHAPE))
            if len(labels) and not 0 <= labels.min() <= labels.max() < len(names):
                raise ValueError(
                    f"`source` must have labels from 0 to {len(names) - 1}. Received: {top} with "
                    f"{labels.min()} to {labels.max()}"
                )
        return Parts(str(top.resolve()), names, SHAPE, *parts)

    def _is_python(self, top: Path) -> bool:
        files = [top / name for name in (*self.train, self.test, self.meta)]
        return sum(map(begins_as_pickle, files)) >= 2

    def _is_binary(self, top: Path) -> bool:
        texts = [text for *_, text in self.labels.values()]
        files = [*(f"{name}.bin" for name in (*self.train, self.test)), *texts]
        there = {name for name in files if (top / name).is_file()}
        # train.bin and test.bin alone could be any set.
        return len(there) >= 2 and not there <= {"train.bin", "test.bin"}


def _read_python(file: Path, label_key: str) -> rows.Batch:
    with reading(file):
        content = read_pickle(file)
        labels = rows.label_array(content.get(label_key))
        pixels = rows.check_rows(content.get("data"), len(labels), _PIXELS)
    return labels, lambda: pixels


def _read_binary(file: Path, num_labels: int, chosen: int) -> rows.Batch:
    """Returns the records of a file, whose `num_labels` first bytes are labels."""
    with reading(file):
        size, rest = divmod(os.path.getsize(file), num_labels + _PIXELS)
        if rest or not size:
            raise ValueError(f"its size is not a multiple of {num_labels + _PIXELS} bytes")
        records = np.memmap(file, np.uint8, "r", shape=(size, num_labels + _PIXELS))
    return records[:, chosen].astype(np.int64), lambda: records[:, num_labels:]


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
DOWNLOADS = (
    Download(
        "cifar10",
        f"cifar-10-python.tar.gz, cifar-10-binary.tar.gz, or {' and '.join(packed.FILES)}",
        lambda top: (packed.read if packed.has_set(top) else CIFAR10.read)(top),
        lambda top: packed.has_set(top) or CIFAR10.has_set(top),
        CIFAR10.needs,
    ),
    Download(
        "cifar100",
        "cifar-100-python.tar.gz or cifar-100-binary.tar.gz",
        CIFAR100.read,
        CIFAR100.has_set,
        CIFAR100.needs,
        has_keys=True,
    ),
)
