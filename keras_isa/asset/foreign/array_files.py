"""Files of NumPy: an `.npz` with images and labels, or two `.npy` files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from keras_isa.asset.foreign.found import Found, shown_names
from keras_isa.asset.foreign.tensor_files import labels_beside
from keras_isa.datasets.npz import check_header, checked_array, open_npz
from keras_isa.memory import check_memory

# Names of images and labels, in the order in which they are looked for.
_NAMES = (("images", "labels"), ("image", "label"), ("x", "y"), ("x_train", "y_train"))


def read_arrays(path: Path) -> Found:
    """Reads images and labels; nothing is unpickled.

    Args:
        path: An `.npz` file, or an `.npy` file of images whose name has `images` where that of the
            labels has `labels`.

    Raises:
        ValueError: If the file holds something else.
    """
    if path.suffix == ".npy":
        return Found(_array(path), _array(labels_beside(path)))
    with open_npz(path) as archive:
        check_memory(
            2 * sum(member.file_size for member in archive.zip.infolist()),
            "reading it",
            "free some",
        )
        for images, labels in _NAMES:
            if images in archive.files and labels in archive.files:
                others = [name for name in archive.files if name not in (images, labels)]
                pair = checked_array(archive, images), checked_array(archive, labels)
                if not all(isinstance(one, np.ndarray) for one in pair):
                    raise ValueError("its images or labels are no arrays")
                return Found(*pair, (f"{shown_names(others)} of the file",) if others else ())
        wanted = " or ".join(f"{images} and {labels}" for images, labels in _NAMES)
        raise ValueError(f"it has no {wanted}, but {shown_names(archive.files)}")


def _array(path: Path) -> np.ndarray:
    size = path.stat().st_size
    check_memory(2 * size, "reading it", "free some")
    with open(path, "rb") as file:
        check_header(file, size)
        file.seek(0)
        return np.load(file, allow_pickle=False)
