"""Images in folders, one folder per class."""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from keras_isa.datasets.class_folders import (
    check_names,
    check_several_folders,
    class_files,
    note_alike,
)
from keras_isa.datasets.folder_parts import check_class_folders, find_parts, note_divisions
from keras_isa.datasets.folder_tree import DEPTH, Tree, is_system, read_tree
from keras_isa.datasets.image_formats import readable_suffixes
from keras_isa.datasets.image_header import Header, UnreadableImage, read_header
from keras_isa.datasets.images import common_shape, file_shape, read_image
from keras_isa.datasets.npy import is_npy_folder, two_sets_error
from keras_isa.datasets.options import Options
from keras_isa.datasets.parts import Part, Parts
from keras_isa.datasets.remarks import Remarks, shown_path
from keras_isa.inputs.class_names import comparable_name, sort_names

_Classes = dict[str, list[Path]]


def open_image_folder(path: str | os.PathLike[str], options: Options) -> Parts:
    """Returns the images in a folder, which are read later.

    The layout is `train/CLASS/FILE` with `test/CLASS/FILE` (or `val`, or `validation`, in upper or
    lower case), or `CLASS/FILE`, which has no test part. Classes are numbered in the order of their
    names, or by value if all names are whole numbers. Images are grey if all of them are, otherwise
    red, green and blue.

    Images are read as a viewer shows them: rotated as the file says, in sRGB colours, with white
    behind transparent pixels, and only the first of several frames. For each reason a warning
    counts and names the files that are not read, such as damaged files, files of other formats and
    folders of the system.

    Args:
        path: The folder.
        options: If there is an `image_size`, the images may differ in size; they are not resized
            here. If there is a `split`, the folder needs no test part.

    Raises:
        ValueError: If the layout is another one, no image can be read, there is only one class, a
            class of the test part is missing in the training part, arrays lie beside the classes,
            images have more than eight bits per channel, or the sizes differ and `image_size` is
            not given.
    """
    root = Path(path).resolve()
    remarks = Remarks(root)
    tree = read_tree(root)
    for path in (path for one in tree.walk() for path in one.too_deep):
        remarks.add(f"folder more than {DEPTH} folders deep, not searched", path)
    train_tree, test_tree = find_parts(tree, remarks, options.split is not None)
    train = _classes(tree, train_tree, remarks)
    check_several_folders(tree, train_tree, list(train))
    for one in tree.walk():
        if one.path in (train_tree.path, *train_tree.path.parents) and is_npy_folder(one.path):
            raise two_sets_error(root, one.path, train_tree)
    note_alike(train_tree, train, remarks)
    if test_tree is None:
        note_divisions(tree, train_tree, remarks)
    test = {} if test_tree is None else _classes(tree, test_tree, remarks)
    headers = _headers((*train.values(), *test.values()), remarks)
    train, test = (_readable(part, headers, remarks) for part in (train, test))
    if len(train) < 2:
        raise ValueError(
            f"`source` must hold images that can be read{', of two classes or more' * len(train)}. "
            f"Received: {'; '.join(remarks.lines())}"
        )
    _check_test(root, train, test, remarks)
    _check_headers(headers, options)
    for name in train:
        if test and name not in test:
            remarks.add("class without images in the test part", train_tree.path / name)
    remarks.warn()
    names = sort_names(train)
    files, held = (
        [(path, number) for number, name in enumerate(names) for path in part.get(name, ())]
        for part in (train, test)
    )
    return parts_from_files(
        str(root), names, files, held if test_tree else None, common_shape(headers.values())
    )


def parts_from_files(
    name: str,
    class_names: Iterable[str],
    train: Sequence[tuple[Path, int]],
    test: Sequence[tuple[Path, int]] | None = None,
    image_shape: tuple[int | None, int | None, int] | None = None,
) -> Parts:
    """Returns lists of image files as a training and a test part.

    Args:
        name: The `Dataset.name` of the result.
        class_names: Class names in the order of the class numbers.
        train: Files of the training part and their class numbers.
        test: Files of the test part and their class numbers; `None` for a set without a test part.
        image_shape: Shape `(H, W, C)` of all images; C is 1 or 3. By default it is that of the
            files, with `None` in place of H and W if their sizes differ. Images of another size
            than H and W raise an error when they are read.
    """
    if image_shape is None:
        image_shape = file_shape(path for path, _ in (*train, *(test or ())))

    def part(files: Sequence[tuple[Path, int]]) -> Part:
        def read(positions: np.ndarray) -> Iterator[np.ndarray]:
            for position in positions:
                path = files[position][0]
                image = read_image(path, image_shape[2])
                if None not in image_shape and image.shape != image_shape:
                    raise ValueError(
                        f"`source` must hold images of shape {image_shape}. Received: {path} of "
                        f"shape {image.shape}"
                    )
                yield image

        return Part(np.array([number for _, number in files], np.int32), read)

    held = None if test is None else part(test)
    return Parts(name, tuple(class_names), image_shape, part(train), held)


def image_files(folder: Path) -> list[Path]:
    """Returns the image files directly in a folder, sorted by name."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in readable_suffixes() and not is_system(path.name)
    )


def _classes(whole: Tree, tree: Tree, remarks: Remarks) -> _Classes:
    check_class_folders(whole, tree)
    found = class_files(whole.path, tree, remarks)
    check_names(tree.path, list(found))
    return found


def _check_test(root: Path, train: _Classes, test: _Classes, remarks: Remarks) -> None:
    """Raises a ValueError if the test part has a class that the training part does not have."""
    unknown = sorted(set(test) - set(train))
    if not unknown:
        return
    alike = [
        one for one in train if comparable_name(one).lower() == comparable_name(unknown[0]).lower()
    ]
    lines = "; ".join(remarks.lines())
    hint = f", where train has {ascii(alike[0])}" if alike else f" ({lines})" if lines else ""
    raise ValueError(
        "`source` must have no class in its test part that its training part lacks. Received: "
        f"{ascii(unknown[0]) if alike else repr(unknown[0])} in {shown_path(root)}{hint}"
    )


def _headers(classes: Iterable[list[Path]], remarks: Remarks) -> dict[Path, Header]:
    """Returns the headers of all files that can be read."""
    headers = {}
    for path in itertools.chain.from_iterable(classes):
        try:
            headers[path] = read_header(path)
        except UnreadableImage as error:
            remarks.add(error.reason, path)
        else:
            if headers[path].animated:
                remarks.add("image with several frames or pages, only the first is read", path)
    return headers


def _readable(part: _Classes, headers: dict[Path, Header], remarks: Remarks) -> _Classes:
    """Returns the files that can be read, without the classes that have none."""
    found = {name: [path for path in paths if path in headers] for name, paths in part.items()}
    for name, paths in part.items():
        if not found[name]:
            remarks.add("class folder without an image that can be read", paths[0].parent)
    return {name: paths for name, paths in found.items() if paths}


def _check_headers(headers: dict[Path, Header], options: Options) -> None:
    """Raises a ValueError for deep images, and for images of several sizes unless one is given."""
    deep = [path for path, header in headers.items() if header.bits > 8]
    if deep:
        raise ValueError(
            "`source` must hold images of eight bits per channel; convert them, or store them as "
            "arrays in an .npz file, which keeps their range. Received: "
            f"{len(deep)} of {len(headers)} files with {headers[deep[0]].bits} bits per channel, "
            f"such as {shown_path(deep[0])}"
        )
    sizes = Counter((header.height, header.width) for header in headers.values())
    if len(sizes) > 1 and options.image_size is None:
        shown = {(header.height, header.width): path for path, header in headers.items()}
        (one, _), (other, _) = sizes.most_common(2)
        raise ValueError(
            "`image_size` (--image-size) must be given if the images differ in size. Received: "
            f"{shown_path(shown[one])} of {one[0]}x{one[1]} and {shown_path(shown[other])} of "
            f"{other[0]}x{other[1]} pixels"
        )
