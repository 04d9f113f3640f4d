"""CIFAR-10 in two `.npz` files that hold its images as mosaics in lossless WebP."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from keras_isa.datasets.dataset import train_test_from_arrays
from keras_isa.datasets.downloads.download import reading
from keras_isa.datasets.image_header import open_image
from keras_isa.datasets.npz import checked_array, open_npz
from keras_isa.datasets.parts import Parts

FILES = ("cifar10_part1_webp.npz", "cifar10_part2_webp.npz")
CLASS_NAMES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip


def has_set(top: Path) -> bool:
    """Returns whether a folder has both files."""
    return all((top / name).is_file() for name in FILES)


def read(top: Path) -> Parts:
    """Returns CIFAR-10 from the two files in a folder.

    Each file has, for both parts, `x_<part>_bytes` (uint8, the mosaics one after another),
    `x_<part>_offsets` (the first byte of each mosaic, and the end), `y_<part>` (class numbers) and
    `tile` (height, width and channels of one image). A mosaic is filled row by row. The last one
    may have unused tiles.

    Args:
        top: The folder with the files.

    Raises:
        ValueError: If a file is missing or damaged.
    """
    files = [_read(top / name) for name in FILES]
    arrays = {key: np.concatenate([file[key] for file in files]) for key in files[0]}
    name = str(top.resolve())
    return Parts.from_datasets(
        *train_test_from_arrays(**arrays, class_names=CLASS_NAMES, name=name)
    )


def _read(file: Path) -> dict[str, np.ndarray]:
    """Returns the images and the labels of both parts."""
    arrays = {}
    with reading(file), open_npz(file) as archive:
        tile = tuple(checked_array(archive, "tile").tolist())
        for part in ("train", "test"):
            labels, content, offsets = (
                checked_array(archive, key.format(part))
                for key in ("y_{}", "x_{}_bytes", "x_{}_offsets")
            )
            tiles = [*_tiles(content.tobytes(), offsets.tolist(), tile)]
            images = np.concatenate([np.empty((0, *tile), np.uint8), *tiles])
            arrays[f"x_{part}"], arrays[f"y_{part}"] = images[: len(labels)], labels
    return arrays


def _tiles(
    content: bytes, offsets: Sequence[int], tile: tuple[int, int, int]
) -> Iterator[np.ndarray]:
    """Yields the images `(n, height, width, channels)` of each mosaic."""
    height, width, channels = tile
    for start, end in itertools.pairwise(offsets):
        with open_image(io.BytesIO(content[start:end])) as image:
            mosaic = np.asarray(image.convert("RGB"))
        rows, columns = mosaic.shape[0] // height, mosaic.shape[1] // width
        grid = mosaic.reshape(rows, height, columns, width, channels)
        yield grid.transpose(0, 2, 1, 3, 4).reshape(-1, *tile)
