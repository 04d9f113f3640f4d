"""Folders of pictures, one folder for each class, as SRe2L and RDED write them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from keras_isa.asset.foreign.found import Found, shown_names
from keras_isa.datasets.image_formats import readable_suffixes
from keras_isa.datasets.images import read_image
from keras_isa.memory import check_memory


def read_folder(path: Path, class_names: Sequence[str], image_shape: Sequence[int]) -> Found:
    """Reads pictures in the order of the classes, and of their names within a class.

    A folder's name is that of its class, or the number of the class with zeros or letters before
    it, such as `new012` or `00012`, or with the name after it, as `export_png` writes it.

    Args:
        path: The folder that holds those of the classes.
        class_names: Names of the classes of the data.
        image_shape: `(H, W, C)` of the data.

    Returns:
        Images `(n, H, W, C)` uint8 and classes `(n,)`.

    Raises:
        ValueError: If a folder belongs to no class, a class has none, or a picture is damaged or of
            another size.
    """
    folders = sorted(folder for folder in path.iterdir() if folder.is_dir())
    numbers = _numbers([folder.name for folder in folders], class_names)
    suffixes = readable_suffixes()
    files: list[tuple[int, Path]] = []
    others = 0
    for folder in folders:
        inside = sorted(folder.iterdir())
        pictures = [file for file in inside if file.suffix.lower() in suffixes]
        others += len(inside) - len(pictures)
        files += [(numbers[folder.name], file) for file in pictures]
    without = sorted(set(range(len(class_names))) - {number for number, _ in files})
    if without:
        raise ValueError(f"it has no picture of the class {class_names[without[0]]!r}")
    files.sort(key=lambda pair: pair[0])
    check_memory(2 * len(files) * int(np.prod(image_shape)), "its pictures", "free some")
    images = [_picture(file, image_shape) for _, file in files]
    unused = (f"{others} files that are no pictures",) if others else ()
    return Found(np.stack(images), np.array([number for number, _ in files]), unused)


def _numbers(names: Sequence[str], class_names: Sequence[str]) -> dict[str, int]:
    """The class of each folder."""
    by_name = {name: number for number, name in enumerate(class_names)}
    if any(name in by_name for name in names):
        found = {name: by_name.get(name) for name in names}
    else:
        digits = {name: re.fullmatch(r"\D*(\d+)(_.*)?", name) for name in names}
        found = {name: int(match[1]) if match else None for name, match in digits.items()}
    unknown = [n for n, k in found.items() if k is None or not 0 <= k < len(class_names)]
    if unknown or len(set(found.values())) < len(found):
        raise ValueError(
            f"its folders must be the classes {shown_names(list(class_names))}, by name or number; "
            f"it has {shown_names(unknown or list(names))}"
        )
    return found


def _picture(file: Path, image_shape: Sequence[int]) -> np.ndarray:
    image = read_image(file, 3)
    if image_shape[-1] == 1:  # grey pictures may be stored as colours
        if (image != image[..., :1]).any():
            raise ValueError(
                f"its pictures show colours, as {file.parent.name}/{file.name}; the data are grey"
            )
        image = image[..., :1]
    if image.shape != tuple(image_shape):
        raise ValueError(
            f"its pictures must have the shape of the data, {tuple(image_shape)}; "
            f"{file.parent.name}/{file.name} has {image.shape}"
        )
    return image
