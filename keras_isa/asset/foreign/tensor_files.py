"""Files of PyTorch: bare tensors, pairs of them, and the results of DC and its successors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from keras_isa.asset.foreign.found import Found, shown_names
from keras_isa.backend.torch_files import read_tensors


def read_results(path: Path, index: int) -> Found:
    """Reads what DC and its successors write: `data`, a pair for each experiment.

    Bare tensors with the labels in a file beside them, and one pair alone, are read too.

    Args:
        path: The file.
        index: Which experiment, from 0.

    Raises:
        ImportError: If PyTorch is not installed.
        ValueError: If the file holds something else.
    """
    content = read_tensors(path)
    if isinstance(content, np.ndarray):
        return Found(content, _beside(path))
    unused: list[str] = []
    if isinstance(content, dict):
        unused = [name for name in content if name != "data"]
        if "data" not in content:
            raise ValueError(f"it has no `data`, but {shown_names(list(content))}")
        content = content["data"]
    pairs = [content] if _is_pair(content) else content
    if not isinstance(pairs, list) or not all(map(_is_pair, pairs)) or not pairs:
        raise ValueError("it has no pair of images and labels")
    if index >= len(pairs):
        raise ValueError(f"it has {len(pairs)} sets, and so none with the index {index}")
    if len(pairs) > 1:
        choice = "" if index else " (`index`, --index, chooses one)"
        unused.insert(0, f"{len(pairs) - 1} of {len(pairs)} sets{choice}")
    return Found(*pairs[index], tuple(unused))


def read_pair(path: Path) -> Found:
    """Reads a tensor of images and the tensor of labels in the file beside it.

    Args:
        path: The file of the images, whose name has `images` where that of the labels has `labels`.

    Raises:
        ImportError: If PyTorch is not installed.
        ValueError: If one of the files is not there, or holds something else.
    """
    images = read_tensors(path)
    if not isinstance(images, np.ndarray):
        raise ValueError("it is no tensor of images")
    return Found(images, _beside(path))


def labels_beside(path: Path) -> Path:
    """Returns the file of the labels of a file of images.

    Raises:
        ValueError: If there is none.

    Example:

    >>> from pathlib import Path
    >>> from keras_isa.asset.foreign.tensor_files import labels_beside
    >>> labels_beside(Path("best.pt"))
    Traceback (most recent call last):
    ...
    ValueError: its labels are in another file, and its name has no `images` to find that by
    """
    head, found, tail = path.name.rpartition("images")
    if not found:
        raise ValueError(
            "its labels are in another file, and its name has no `images` to find that by"
        )
    beside = path.with_name(f"{head}labels{tail}")
    if not beside.is_file():
        raise ValueError(f"there is no {beside.name} beside it, which would hold its labels")
    return beside


def _beside(path: Path) -> np.ndarray:
    labels = read_tensors(labels_beside(path))
    if not isinstance(labels, np.ndarray):
        raise ValueError(f"{labels_beside(path).name} is no tensor of labels")
    return labels


def _is_pair(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(isinstance(one, np.ndarray) for one in value)
    )
