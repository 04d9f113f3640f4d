"""ImageNet with 64x64 or fewer pixels, in the batches of Chrabaszcz, Loshchilov and Hutter."""

from __future__ import annotations

import functools
import math
from pathlib import Path

import numpy as np

from keras_isa.archive import open_archive
from keras_isa.datasets.downloads import rows
from keras_isa.datasets.downloads.download import Download, reading
from keras_isa.datasets.downloads.names import make_unique, name_lines
from keras_isa.datasets.downloads.pickles import begins_as_pickle, read_pickle
from keras_isa.datasets.npz import checked_array, open_npz
from keras_isa.datasets.parts import Parts

TRAIN = tuple(f"train_data_batch_{number}" for number in range(1, 11))
TEST = "val_data"
NAMES = "map_clsloc.txt"
SIDES = (8, 16, 32, 64)


def read(top: Path) -> Parts:
    """Returns the images of a folder with `train_data_batch_1` to `_10` and `val_data`.

    Each file is a pickle or an .npz file, with `data` `(N, 3 * side * side)` uint8, plane by plane,
    and `labels` from 1. www.image-net.org distributes both, for each size. Pickles are mapped into
    memory and never executed. Only one .npz file is in memory at a time. Class names are the class
    numbers, or those in the authors' map_clsloc.txt if it is in the folder.

    Args:
        top: The folder.

    Raises:
        ValueError: If a file is missing or damaged.
    """
    sides, batches = zip(*(_batch(top, name) for name in (*TRAIN, TEST)), strict=True)
    if len(set(sides)) > 1:
        found = sorted(set(sides))
        raise ValueError(
            f"`source` must hold images of one size. Received: {top} with sides {found}"
        )
    shape = (sides[0], sides[0], 3)
    numbers = np.unique(rows.all_labels(batches[:-1]))
    parts = []
    for some in (batches[:-1], batches[-1:]):
        labels = rows.renumber_labels(rows.all_labels(some), numbers, top / TEST)
        parts.append(rows.part_from_batches(some, labels, shape))
    return Parts(str(top.resolve()), _class_names(top, numbers), shape, *parts)


def has_set(top: Path, side: int) -> bool:
    """Returns whether the first batch in a folder has this size; damaged ones count as 64."""
    file = next(filter(None, (_file(top, name) for name in (TEST, *TRAIN))), None)
    if file is None:
        return False
    stat = file.stat()
    return _cached_side(file, stat.st_mtime_ns, stat.st_size) == side


def _file(top: Path, name: str) -> Path | None:
    """Returns the file of a batch in either form, or `None`."""
    if begins_as_pickle(top / name):
        return top / name
    return next((file for file in [top / f"{name}.npz"] if file.is_file()), None)


def _batch(top: Path, name: str) -> tuple[int, rows.Batch]:
    """Returns the height of the images of a batch, and the batch."""
    with reading(_file(top, name) or top / name) as file:
        return (_npz_batch if file.suffix == ".npz" else _pickled_batch)(file)


def _pickled_batch(file: Path) -> tuple[int, rows.Batch]:
    content = read_pickle(file)
    labels, pixels = rows.label_array(content.get("labels")), content.get("data")
    side = _side(getattr(pixels, "shape", ()))
    pixels = rows.check_rows(pixels, len(labels), 3 * side * side)
    return side, (labels, lambda: pixels)


def _npz_batch(file: Path) -> tuple[int, rows.Batch]:
    with open_npz(file) as archive:
        labels = rows.label_array(checked_array(archive, "labels"))
    with open_archive(file) as archive, archive.open("data.npy") as member:
        np.lib.format.read_magic(member)
        shape, _, _ = np.lib.format.read_array_header_1_0(member)
    side = _side(shape)

    def pixels() -> np.ndarray:
        with reading(file), open_npz(file) as archive:
            return rows.check_rows(checked_array(archive, "data"), len(labels), 3 * side * side)

    return side, (labels, pixels)


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
        read,
        functools.partial(has_set, side=side),
        f"a folder with the files {TRAIN[0]} to {TRAIN[-1]} and {TEST}, or with the same files as "
        f".npz, of {side}x{side} pixels",
    )
    for side in SIDES
)
