"""Class names as the files of a download list them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

# Far more than the names of any set that is known.
_MOST_BYTES = 1 << 20


def name_lines(file: Path) -> list[str]:
    """Returns the lines of a list of names, without those that are empty.

    Raises:
        ValueError: If it is too long, or no text. The message is only the reason.
    """
    _check_length(os.path.getsize(file))
    lines = (line.strip() for line in file.read_text("utf-8").splitlines())
    return [line for line in lines if line]


def decoded_names(names: object) -> tuple[str, ...]:
    """Returns a list of names out of a pickle as texts; Python 2 wrote them as bytes.

    Raises:
        ValueError: If it is none, or too long: a short file can name one text again and again. The
            message is only the reason.
    """
    if not isinstance(names, list) or not all(isinstance(name, str | bytes) for name in names):
        raise ValueError("it has no list of class names")
    _check_length(sum(map(len, names)) + len(names))
    return tuple(name.decode("utf-8") if isinstance(name, bytes) else str(name) for name in names)


def told_apart(names: Sequence[str], numbers: Iterable[str]) -> tuple[str, ...]:
    """Returns names, those that are there twice with the number of their class behind them.

    Example:

    >>> from keras_isa.datasets.downloads.names import told_apart
    >>> told_apart(["crane", "tench", "crane"], ["135", "1", "518"])
    ('crane (135)', 'tench', 'crane (518)')
    """
    counts = Counter(names)
    return tuple(
        f"{name} ({number})" if counts[name] > 1 else name
        for name, number in zip(names, numbers, strict=True)
    )


def _check_length(size: int) -> None:
    if size > _MOST_BYTES:
        raise ValueError("it is too long for class names")
