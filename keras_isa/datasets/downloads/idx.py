"""MNIST and other sets in its file format, IDX."""

from __future__ import annotations

import functools
import gzip
import itertools
import math
import os
import re
import warnings
from pathlib import Path
from typing import BinaryIO

import numpy as np

from keras_isa.datasets.downloads.common import part_from_arrays
from keras_isa.datasets.downloads.download import (
    Download,
    find_folders,
    find_only_folder,
    reading,
)
from keras_isa.datasets.downloads.names import name_lines
from keras_isa.datasets.downloads.rows import renumber_labels
from keras_isa.datasets.expansion import DEFLATE
from keras_isa.datasets.parts import STORE_AS_NPY, Parts
from keras_isa.memory import check_memory

_NAME = re.compile(
    r"(?P<set>(?:[\w-]+-)?)(?P<part>train|t10k|test)-(?P<what>images|labels)[-.]"
    r"(?:idx3-ubyte|idx1-ubyte|idx2-int)(?P<gz>\.gz)?"
)
_Files = dict[tuple[str, str], Path]
_DTYPES = {0x08: np.dtype("u1"), 0x0C: np.dtype(">i4")}

FASHION_MNIST = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
    "Ankle boot",
)  # fmt: skip
# The number of training labels, and the first ten labels.
_FASHION_MNIST_LABELS = (60_000, bytes([9, 0, 0, 3, 0, 2, 7, 2, 5, 5]))


def read(path: Path, key: str | None, name: str) -> Parts:
    """Returns the images of files such as `train-images-idx3-ubyte`, packed with gzip or not.

    A set consists of four files: `SETtrain-images-idx3-ubyte`, `SETtrain-labels-idx1-ubyte` and the
    same with `t10k` or `test`. SET is empty or a prefix such as `emnist-letters-`. Each file begins
    with two zero bytes, a data type and the number of axes, and then the length of each axis in
    four bytes, as yann.lecun.com/exdb/mnist describes. EMNIST's images are stored transposed and
    are transposed back. QMNIST has eight numbers per image, of which only the class is used. Class
    names are the class numbers, except for EMNIST, which has a mapping file and the letters A to Z,
    and Fashion-MNIST, which has words.

    Args:
        path: The folder, its parent, or one of the four files.
        key: SET or its last word, if there are several sets.
        name: Name of the download.

    Raises:
        ValueError: If a file is missing or damaged, or it is not clear which set is meant.
    """
    top, prefix, files = _choose(path, key, name)
    for part, what in itertools.product(("train", "test"), ("images", "labels")):
        if (part, what) not in files:
            raise ValueError(
                f"`source` must hold images and labels of both parts. Received: {top} without "
                f"{prefix}{part}-{what}"
            )
    parts, shapes, numbers = [], [], None
    for part in ("train", "test"):
        images, labels = _images(files[part, "images"]), _labels(files[part, "labels"])
        if len(images) != len(labels):
            raise ValueError(
                f"`source` must have a label for each image. Received: {len(images)} images and "
                f"{len(labels)} labels in {files[part, 'labels']}"
            )
        if prefix.startswith("emnist-"):
            images = images.swapaxes(1, 2)
        numbers = np.unique(labels) if numbers is None else numbers
        labels = renumber_labels(labels, numbers, files[part, "labels"])
        parts.append(part_from_arrays(images[..., np.newaxis], labels))
        shapes.append((*images.shape[1:], 1))
    if shapes[0] != shapes[1]:
        raise ValueError(
            f"`source` must hold images of one shape. Received: {shapes[0]} and {shapes[1]} in "
            f"{top}"
        )
    is_fashion = name == "fashion_mnist" and not prefix and len(numbers) == len(FASHION_MNIST)
    names = FASHION_MNIST if is_fashion else _class_names(top, prefix, numbers)
    return Parts(str(top.resolve()), names, shapes[0], *parts)


# ---------------------------------------------------------------- which files


def _sets(folder: Path) -> dict[str, _Files]:
    """Returns the files of each set in a folder; unpacked files are preferred to packed ones."""
    found: dict[str, _Files] = {}
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries if entry.is_file())
    for match in filter(None, map(_NAME.fullmatch, names)):
        part = match["part"].replace("t10k", "test")
        files = found.setdefault(match["set"], {})
        if (part, match["what"]) not in files or not match["gz"]:
            files[part, match["what"]] = folder / match[0]
    return {name: files for name, files in found.items() if len(files) > 1}


def _find_sets(path: Path, name: str) -> tuple[Path, dict[str, _Files]]:
    """Returns the folder with the files, and the sets in it, or only the set of a given file."""
    if path.is_file() and (match := _NAME.fullmatch(path.name)):
        sets = _sets(path.parent)
        return path.parent, {prefix: sets[prefix] for prefix in sets if prefix == match["set"]}
    top = find_only_folder(path, functools.partial(_has_set, name=name))
    return (path, {}) if top is None else (top, _sets(top))


def _has_set(top: Path, name: str) -> bool:
    return name in _kinds(_sets(top))


def _choose(path: Path, key: str | None, name: str) -> tuple[Path, str, _Files]:
    """Returns the folder, the prefix and the files of the set that `key` and `name` mean."""
    top, sets = _find_sets(path, name)
    short = {name.rstrip("-").rpartition("-")[2] or name: name for name in sets}
    if key is None and len(sets) == 1:
        key = next(iter(short))
    name = short.get(key, f"{key}-" if key else "")
    if name in sets:
        return top, name, sets[name]
    if not sets:
        raise ValueError(
            "`source` must hold train-images-idx3-ubyte and the other files of the set, each with "
            f".gz or without. Received: {path}"
        )
    raise ValueError(
        f"`key` must be {' or '.join(map(repr, short))}, the sets in {top}. Received: key={key!r}"
    )


# ---------------------------------------------------------------- what is in them


def _images(file: Path) -> np.ndarray:
    with reading(file):
        array = _array(file)
        if array.ndim != 3 or array.dtype != np.uint8 or not array.size:
            raise ValueError(
                f"images must be bytes (N, H, W), but they are {array.dtype} {array.shape}"
            )
        return array


def _labels(file: Path) -> np.ndarray:
    with reading(file):
        array = _array(file)
        if array.ndim == 2 and array.shape[1] == 8:
            warnings.warn(
                f"{file} has eight numbers per image; only the first one, the class, is used",
                stacklevel=2,
            )
            array = array[:, 0]
        if array.ndim != 1:
            raise ValueError(f"labels must have shape (N,), but they have {array.shape}")
        return array.astype(np.int64)


def _array(file: Path) -> np.ndarray:
    """Returns the array in a file, mapped into memory if the file is not packed."""
    packed = file.suffix.lower() == ".gz"
    with (gzip.open if packed else open)(file, "rb") as stream:
        dtype, shape = _read_header(stream)
        start, size = stream.tell(), math.prod(shape) * dtype.itemsize
        there = os.path.getsize(file)
        limit = DEFLATE.max_bytes(there) if packed else there
        if start + size > limit:
            raise ValueError(f"its header asks for {size:,} bytes, more than it can have")
        if packed:
            check_memory(size, f"{file} in memory", STORE_AS_NPY)
            # A read beyond the last byte comes to the end of the file, where gzip checks it.
            content = stream.read(size + 1)
            if len(content) != size:
                raise ValueError(f"it does not have the {size:,} bytes that its header asks for")
            return np.frombuffer(content, dtype).reshape(shape)
    if there != start + size:
        raise ValueError(f"its header asks for {start + size:,} bytes, but there are {there:,}")
    if not size:  # an empty array cannot be mapped
        return np.zeros(shape, dtype)
    return np.memmap(file, dtype, "r", offset=start, shape=shape)


def _read_header(stream: BinaryIO) -> tuple[np.dtype, tuple[int, ...]]:
    """Returns the dtype and the shape of the array in an IDX file."""
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _DTYPES or magic[3] > 3:
        raise ValueError(f"it begins with {magic.hex(' ')}, which no IDX file does")
    lengths = stream.read(4 * magic[3])
    if len(lengths) < 4 * magic[3]:
        raise ValueError("it ends within its header")
    return _DTYPES[magic[2]], tuple(np.frombuffer(lengths, ">u4").tolist())


def _class_names(top: Path, prefix: str, numbers: np.ndarray) -> tuple[str, ...]:
    plain = [str(number) for number in numbers]
    mapping = top / f"{prefix}mapping.txt"
    if prefix and mapping.is_file():
        with reading(mapping):
            lines = [line.split() for line in name_lines(mapping)]
            names = {line[0]: chr(int(line[1])) for line in lines if len(line) > 1}
            return tuple(names.get(number, number) for number in plain)
    if prefix == "emnist-letters-" and 1 <= numbers[0] <= numbers[-1] <= 26:
        return tuple(chr(ord("A") + number - 1) for number in numbers)
    return tuple(plain)


def _is_fashion_mnist(files: _Files) -> bool:
    """Returns whether the training labels begin like those of Fashion-MNIST."""
    file = files.get(("train", "labels"))
    if file is None:
        return False
    count, first = _FASHION_MNIST_LABELS
    try:
        with (gzip.open if file.suffix.lower() == ".gz" else open)(file, "rb") as stream:
            return _read_header(stream)[1] == (count,) and stream.read(len(first)) == first
    except Exception:  # damaged files raise errors of many types
        return False


def _recognise(path: Path, name: str) -> bool:
    if path.is_file():
        return name in _kinds(_find_sets(path, name)[1])
    return bool(find_folders(path, functools.partial(_has_set, name=name)))


def _kinds(sets: dict[str, _Files]) -> set[str]:
    """Returns the names of the downloads that some sets are."""
    names = set()
    for prefix, files in sets.items():
        first = prefix.partition("-")[0]
        if first in ("emnist", "qmnist"):
            names.add(first)
        else:
            is_fashion = not prefix and _is_fashion_mnist(files)
            names.add("fashion_mnist" if is_fashion else "mnist")
    return names


DOWNLOADS = tuple(
    Download(
        name,
        archive,
        functools.partial(read, name=name),
        finds=functools.partial(_recognise, name=name),
        has_keys=True,
    )
    for name, archive in {
        "mnist": "train-images-idx3-ubyte.gz and so on (MNIST, KMNIST and others)",
        "fashion_mnist": "train-images-idx3-ubyte.gz and so on",
        "emnist": "gzip.zip with emnist-letters-train-images-idx3-ubyte.gz and so on",
        "qmnist": "qmnist-train-images-idx3-ubyte.gz and so on",
    }.items()
)
