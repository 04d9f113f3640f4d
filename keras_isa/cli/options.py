"""Values of options, read and checked before anything is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keras_isa.cli.support import naming

PAIRINGS = ("nearest", "random", "all", "same_class")


def parse_ipc(text: str) -> int | str | dict[str, int]:
    """Reads the value of `--ipc`: `N`, `proportional`, `proportional:N` or `NAME=N,NAME=N`.

    Raises:
        ValueError: If it is none of these.

    Example:

    >>> from keras_isa.cli.options import parse_ipc
    >>> parse_ipc("10"), parse_ipc("cat=1,dog=2")
    (10, {'cat': 1, 'dog': 2})
    """
    problem = ValueError(
        "--ipc must be a positive integer, proportional, proportional:N, or NAME=N,NAME=N,... "
        f"Received: {text}"
    )
    if "=" in text:
        pairs = [part.rsplit("=", 1) for part in text.split(",")]
        if any(len(pair) != 2 for pair in pairs) or len({pair[0] for pair in pairs}) < len(pairs):
            raise problem
        return {name.strip(): _count(count, problem) for name, count in pairs}
    kind, separator, mean = text.partition(":")
    if kind == "proportional":
        return text if not separator else f"proportional:{_count(mean, problem)}"
    return _count(text, problem)


def mean_count(wanted: int | str | Mapping[str, int]) -> int:
    """The number of images per class that chooses settings: the rounded mean.

    Args:
        wanted: What `parse_ipc` returned.
    """
    if isinstance(wanted, Mapping):
        return max(1, round(sum(wanted.values()) / len(wanted)))
    if isinstance(wanted, str):
        return int(wanted.partition(":")[2] or 10)
    return wanted


def checked_changes(ipc: int, **changes: Any) -> dict[str, Any]:
    """Refuses bad options before anything is loaded; the layers know their own limits.

    Args:
        ipc: Images per class.
        **changes: Fields of `Settings`, `None` where nothing was typed.

    Returns:
        The changes.

    Raises:
        ValueError: If a value is out of range, naming the option.
    """
    from keras_isa.presets import Settings

    settings = Settings(images_per_class=ipc)
    for name, value in changes.items():
        with naming("--" + name.replace("_", "-")):
            settings.with_changes(**{name: value})
    return changes


def _count(text: str, problem: ValueError) -> int:
    text = text.strip()
    if not text.isdecimal() or int(text) < 1:
        raise problem
    return int(text)
