"""Class names that the files of a download list."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

# No known set has so many or so long names.
_MAX_BYTES = 1 << 20


def name_lines(file: Path) -> list[str]:
    """Returns the lines of a file with a list of names, without empty lines.

    Raises:
        ValueError: If the file is too long, or no text. The message is only the reason.
    """
    _check_length(os.path.getsize(file))
    lines = (line.strip() for line in file.read_text("utf-8").splitlines())
    return [line for line in lines if line]


def decoded_names(names: object) -> tuple[str, ...]:
    """Returns a list of names from a pickle as strings; Python 2 wrote them as bytes.

    Raises:
        ValueError: If `names` is no list of names, or too long. Even a short pickle can hold a long
            list, because it can refer to the same text many times. The message is only the reason.
    """
    if not isinstance(names, list) or not all(isinstance(name, str | bytes) for name in names):
        raise ValueError("it has no list of class names")
    _check_length(sum(map(len, names)) + len(names))
    return tuple(name.decode("utf-8") if isinstance(name, bytes) else str(name) for name in names)


def make_unique(names: Sequence[str], numbers: Iterable[str]) -> tuple[str, ...]:
    """Returns names, with the number of the class after those that occur twice.

    Example:

    >>> from keras_isa.datasets.downloads.names import make_unique
    >>> make_unique(["crane", "tench", "crane"], ["135", "1", "518"])
    ('crane (135)', 'tench', 'crane (518)')
    """
    counts = Counter(names)
    return tuple(
        f"{name} ({number})" if counts[name] > 1 else name
        for name, number in zip(names, numbers, strict=True)
    )


def _check_length(size: int) -> None:
    if size > _MAX_BYTES:
        raise ValueError("it is too long for class names")
