"""Images in folders, one folder per class."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from keras_isa.datasets.images import SUFFIXES, fit_image, read_image, size_and_channels
from keras_isa.datasets.parts import Part, Parts, held_out

TEST_FOLDERS = ("test", "val", "validation")


def open_image_folder(
    path: str | os.PathLike[str], image_size: tuple[int, int] | None = None
) -> Parts:
    """Returns the images in `path`, found and not yet read.

    The layout is `train/CLASS/FILE` with `test/CLASS/FILE` (or `val`, or `validation`), or
    `CLASS/FILE`, of which a fixed stratified fifth becomes the test part. Classes are numbered in
    the order of their names. Images are grey if all are, otherwise red, green and blue.

    Args:
        path: The folder.
        image_size: Height and width that the images are brought to; needed where they differ.

    Raises:
        ValueError: If the layout is another one, an image cannot be read, or the sizes differ and
            `image_size` is not given.
    """
    root = Path(path).resolve()
    if found := _class_folders(root / "train"):
        train, test = _numbered(found, found), _numbered(_test_folders(root, found), found)
    elif found := _class_folders(root):
        files = _numbered(found, found)
        mask = held_out(np.array([number for _, number in files]), str(root))
        train = [file for file, chosen in zip(files, mask, strict=True) if not chosen]
        test = [file for file, chosen in zip(files, mask, strict=True) if chosen]
    else:
        raise ValueError(
            "`source` must be a folder with images as train/CLASS/FILE and test/CLASS/FILE (or "
            "val, validation), or as CLASS/FILE, or with x_train.npy and its like; or an .npz "
            f"file. Received: {root}"
        )
    shape = _common_shape([file for file, _ in (*train, *test)], image_size)
    return parts_of_files(str(root), found, train, test, shape, resize=image_size is not None)


def parts_of_files(
    name: str,
    class_names: Iterable[str],
    train: Sequence[tuple[Path, int]],
    test: Sequence[tuple[Path, int]],
    image_shape: tuple[int, int, int],
    resize: bool = False,
) -> Parts:
    """Returns listed image files as data.

    Args:
        name: What `Dataset.name` is to be.
        class_names: In the order of the class numbers.
        train: Files and their class numbers.
        test: Likewise.
        image_shape: `(H, W, C)` that all images have, or come to; C is 1 or 3.
        resize: Whether images of another size are brought to it, or refused.
    """

    def part(files: Sequence[tuple[Path, int]]) -> Part:
        def read(positions: np.ndarray) -> Iterator[np.ndarray]:
            for position in positions:
                path = files[position][0]
                image = read_image(path, image_shape[2])
                if resize:
                    image = fit_image(image, image_shape[:2])
                elif image.shape != image_shape:
                    raise ValueError(
                        f"`source` must hold images of shape {image_shape}. Received: {path} of "
                        f"shape {image.shape}"
                    )
                yield image

        return Part(np.array([number for _, number in files], np.int32), read)

    return Parts(name, tuple(class_names), image_shape, np.dtype(np.uint8), part(train), part(test))


def image_files(folder: Path) -> list[Path]:
    """Returns the image files that lie in `folder` itself, sorted by name."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
    )


def _test_folders(root: Path, train: Iterable[str]) -> dict[str, list[Path]]:
    """The images of the test part by class, every class one of `train`."""
    test = next((found for name in TEST_FOLDERS if (found := _class_folders(root / name))), None)
    if test is None:
        raise ValueError(
            "`source` must have a folder test, val or validation beside train, with images as "
            f"CLASS/FILE. Received: {root}"
        )
    unknown = sorted(set(test) - set(train))
    if unknown:
        raise ValueError(
            "`source` must have no class in its test part that is missing in train. Received: "
            f"{unknown[0]!r} in {root}"
        )
    return test


def _class_folders(folder: Path) -> dict[str, list[Path]]:
    """The images of each class, by class name; nothing if no subfolder has an image."""
    if not folder.is_dir():
        return {}
    found = {
        path.name: image_files(path)
        for path in sorted(folder.iterdir())
        if path.is_dir() and not path.name.startswith(".")
    }
    return found if any(found.values()) else {}


def _numbered(found: dict[str, list[Path]], class_names: Iterable[str]) -> list[tuple[Path, int]]:
    numbers = {name: number for number, name in enumerate(class_names)}
    return [(path, numbers[name]) for name, paths in found.items() for path in paths]


def _common_shape(
    files: Sequence[Path], image_size: tuple[int, int] | None
) -> tuple[int, int, int]:
    """The shape of all images, from the heads of the files."""
    if image_size is not None:
        coloured = any(size_and_channels(path)[2] == 3 for path in files)
        return (*image_size, 3 if coloured else 1)
    channels, first = 1, None
    for path in files:
        height, width, own = size_and_channels(path)
        first = first or (height, width)
        channels = max(channels, own)
        if (height, width) != first:
            raise ValueError(
                "`image_size` (--image-size) must be given where images differ in size. Received: "
                f"{files[0]} of {first[0]}x{first[1]} and {path} of {height}x{width} pixels"
            )
    return (*first, channels)
