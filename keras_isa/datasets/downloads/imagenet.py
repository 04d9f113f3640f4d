"""ImageNet with 64x64 or fewer pixels, in the batches of Chrabaszcz, Loshchilov and Hutter."""

from __future__ import annotations

import functools
import math
from pathlib import Path

import numpy as np

from keras_isa.asset.archive import open_archive
from keras_isa.datasets.downloads.download import (
    Download,
    find_folders,
    find_only_folder,
    reading,
    refuse_key,
)
from keras_isa.datasets.downloads.names import make_unique, name_lines
from keras_isa.datasets.downloads.pickles import begins_as_pickle, read_pickle
from keras_isa.datasets.downloads.rows import (
    Batch,
    all_labels,
    check_rows,
    label_array,
    part_from_batches,
    renumber_labels,
)
from keras_isa.datasets.npz import checked_array
from keras_isa.datasets.parts import Parts

TRAIN = tuple(f"train_data_batch_{number}" for number in range(1, 11))
TEST = "val_data"
NAMES = "map_clsloc.txt"
SIDES = (8, 16, 32, 64)


def open_batches(path: Path, key: str | None = None, side: int | None = None) -> Parts:
    """Returns the images of a folder with `train_data_batch_1` to `_10` and `val_data`.

    Each file is a pickle or an .npz file, with `data` `(N, 3 * side * side)` uint8, plane by plane,
    and `labels` from 1. www.image-net.org distributes both, for each size. Pickles are mapped into
    memory and never executed. Only one .npz file is in memory at a time. Class names are the class
    numbers, or those in the authors' map_clsloc.txt if it is in the folder.

    Args:
        path: The folder or its parent.
        key: Must be `None`.
        side: Height and width of the images, if several folders have different sizes.

    Raises:
        ValueError: If a file is missing or damaged.
    """
    refuse_key(key, "the batches of ImageNet")
    top = find_only_folder(path, functools.partial(_is_set_folder, side=side))
    if top is None:
        raise ValueError(
            f"`source` must be a folder with the files {TRAIN[0]} to {TRAIN[-1]} and {TEST}, or "
            f"with the same files as .npz. Received: {path}"
        )
    train = [_batch(top, name) for name in TRAIN]
    test = [_batch(top, TEST)]
    sides = {side for side, _ in (*train, *test)}
    if len(sides) > 1:
        raise ValueError(
            f"`source` must hold images of one size. Received: {top} with sides {sorted(sides)}"
        )
    shape = (side := sides.pop(), side, 3)
    numbers = np.unique(all_labels([batch for _, batch in train]))
    parts = []
    for batches in (train, test):
        batches = [batch for _, batch in batches]
        labels = renumber_labels(all_labels(batches), numbers, top / TEST)
        parts.append(part_from_batches(batches, labels, shape))
    names = _class_names(top, numbers)
    return Parts(str(top.resolve()), names, shape, np.dtype(np.uint8), *parts)


def _is_set_folder(top: Path, side: int | None) -> bool:
    """Returns whether the first batch in a folder has this size; damaged ones count as 64."""
    file = next(filter(None, (_file(top, name) for name in (TEST, *TRAIN))), None)
    if file is None or side is None:
        return file is not None
    stat = file.stat()
    return _cached_side(file, stat.st_mtime_ns, stat.st_size) == side


def _file(top: Path, name: str) -> Path | None:
    """Returns the file of a batch in either form, or `None`."""
    if begins_as_pickle(top / name):
        return top / name
    return next((file for file in [top / f"{name}.npz"] if file.is_file()), None)


def _batch(top: Path, name: str) -> tuple[int, Batch]:
    """Returns the height of the images of a batch, and the batch."""
    with reading(_file(top, name) or top / name) as file:
        return (_npz_batch if file.suffix == ".npz" else _pickled_batch)(file)


def _pickled_batch(file: Path) -> tuple[int, Batch]:
    content = read_pickle(file)
    labels, rows = label_array(content.get("labels")), content.get("data")
    side = _side(getattr(rows, "shape", ()))
    rows = check_rows(rows, len(labels), 3 * side * side)
    return side, Batch(labels, lambda: rows)


def _npz_batch(file: Path) -> tuple[int, Batch]:
    with open(file, "rb") as stream, np.load(stream, allow_pickle=False) as archive:
        labels = label_array(checked_array(archive, "labels"))
    with open_archive(file) as archive, archive.open("data.npy") as member:
        np.lib.format.read_magic(member)
        shape, _, _ = np.lib.format.read_array_header_1_0(member)
    side = _side(shape)

    def rows() -> np.ndarray:
        with (
            reading(file),
            open(file, "rb") as stream,
            np.load(stream, allow_pickle=False) as archive,
        ):
            return check_rows(checked_array(archive, "data"), len(labels), 3 * side * side)

    return side, Batch(labels, rows)


def _side(shape: tuple[int, ...]) -> int:
    side = math.isqrt(shape[1] // 3) if len(shape) == 2 else 0
    if side not in SIDES or shape[1] != 3 * side * side:
        raise ValueError(f"its images must be rows of 3 * side * side pixels, but are {shape}")
    return side


def _class_names(top: Path, numbers: np.ndarray) -> tuple[str, ...]:
    """Returns the names in the authors' list of `WNID NUMBER NAME`, or the class numbers."""
    plain = tuple(str(number) for number in numbers)
    if not (top / NAMES).is_file():
        return plain
    with reading(top / NAMES) as file:
        lines = [line.split() for line in name_lines(file)]
        names = {line[1]: line[2] for line in lines if len(line) == 3}
    # Two classes are called crane, and two maillot.
    return make_unique([names.get(number, number) for number in plain], plain)


def _recognise(path: Path, side: int) -> bool:
    return bool(find_folders(path, functools.partial(_is_set_folder, side=side)))


@functools.lru_cache(maxsize=8)
def _cached_side(file: Path, *_: int) -> int:
    """Returns the height of the images in a file, which is read only once for all four sizes."""
    try:
        return _batch(file.parent, file.name.removesuffix(".npz"))[0]
    except ValueError:
        return 64


DOWNLOADS = tuple(
    Download(
        f"imagenet{side}",
        f"Imagenet{side}_train.zip and Imagenet{side}_val.zip, in one folder, unpacked",
        functools.partial(_recognise, side=side),
        functools.partial(open_batches, side=side),
    )
    for side in SIDES
)
