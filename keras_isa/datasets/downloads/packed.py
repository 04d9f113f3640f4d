"""CIFAR-10 in two `.npz` files that hold its images as mosaics in lossless WebP."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np

from keras_isa.datasets.dataset import Dataset, train_test_from_arrays
from keras_isa.datasets.downloads.download import refuse_key
from keras_isa.datasets.npz import UNREADABLE, checked_array
from keras_isa.datasets.parts import Parts
from keras_isa.inputs.text import one_line

FILES = ("cifar10_part1_webp.npz", "cifar10_part2_webp.npz")
CLASS_NAMES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)


def is_packed(folder: str | os.PathLike[str]) -> bool:
    """Returns whether `folder` has both files."""
    return all((Path(folder) / name).is_file() for name in FILES)


def load_packed_cifar10(folder: str | os.PathLike[str]) -> tuple[Dataset, Dataset]:
    """Returns CIFAR-10 as `(train, test)`, from the two files in `folder`.

    Each file has, for both parts, `x_<part>_bytes` (uint8, the mosaics one after another),
    `x_<part>_offsets` (the first byte of each mosaic, and the end), `y_<part>` (class numbers) and
    `tile` (height, width and channels of one image). A mosaic is filled row by row. The last one
    may have unused tiles.

    Args:
        folder: The folder with the files.

    Raises:
        ValueError: If a file is missing or damaged.
    """
    folder = Path(folder).resolve()
    parts = [_read(folder / name) for name in FILES]
    arrays = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    return train_test_from_arrays(**arrays, class_names=CLASS_NAMES, name=str(folder))


def open_packed(folder: Path, key: str | None = None) -> Parts:
    """Returns CIFAR-10 from the two files in `folder` as `Parts`; `key` must be `None`."""
    refuse_key(key, "cifar10")
    return Parts.from_datasets(*load_packed_cifar10(folder))


def _read(path: Path) -> dict[str, np.ndarray]:
    try:
        # The file is opened here, because numpy does not close a damaged archive.
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            tile = tuple(int(length) for length in checked_array(archive, "tile"))
            arrays = {}
            for part in ("train", "test"):
                labels = checked_array(archive, f"y_{part}")
                content, offsets = (
                    checked_array(archive, f"x_{part}_{name}") for name in ("bytes", "offsets")
                )
                mosaics = _mosaics(content, offsets)
                tiles = [_tiles(mosaic, tile) for mosaic in mosaics]
                images = np.concatenate([np.empty((0, *tile), np.uint8), *tiles])
                arrays[f"x_{part}"], arrays[f"y_{part}"] = images[: len(labels)], labels
            return arrays
    except UNREADABLE as error:
        raise ValueError(
            f"`source` must hold undamaged files {' and '.join(FILES)}. Received: {path} "
            f"({one_line(error)})"
        ) from error


def _mosaics(packed: np.ndarray, offsets: np.ndarray) -> list[np.ndarray]:
    from PIL import Image

    content = packed.tobytes()
    bounds = zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)
    return [np.asarray(Image.open(io.BytesIO(content[a:b])).convert("RGB")) for a, b in bounds]


def _tiles(mosaic: np.ndarray, tile: tuple[int, int, int]) -> np.ndarray:
    """Returns a mosaic `(rows * h, columns * w, c)` cut into tiles `(rows * columns, h, w, c)`."""
    height, width, channels = tile
    rows, columns = mosaic.shape[0] // height, mosaic.shape[1] // width
    grid = mosaic.reshape(rows, height, columns, width, channels)
    return grid.transpose(0, 2, 1, 3, 4).reshape(-1, *tile)
