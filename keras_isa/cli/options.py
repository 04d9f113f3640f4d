"""The values of options, which are read and checked before anything is loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from keras_isa.inputs.class_names import parse_counted_names


def parse_ipc(text: str) -> int | str | dict[str, int]:
    """Reads the value of `--ipc`: `N`, `proportional`, `proportional:N` or `NAME=N,NAME=N`.

    A name may be in double quotes, see `keras_isa.inputs.class_names`.

    Raises:
        ValueError: If the text is not one of these.

    Example:

    >>> from keras_isa.cli.options import parse_ipc
    >>> parse_ipc("10"), parse_ipc("cat=1,dog=2")
    (10, {'cat': 1, 'dog': 2})
    """
    problem = ValueError(
        "--ipc must be a positive integer, proportional, proportional:N, or NAME=N,NAME=N,... with "
        f"double quotes around a name that has commas, quotes or equals signs. Received: {text}"
    )
    if "=" in text:
        try:
            pairs = parse_counted_names(text)
        except ValueError as error:
            raise problem from error
        if len(dict(pairs)) < len(pairs):
            raise problem
        return {name: _count(count, problem) for name, count in pairs}
    kind, separator, mean = text.partition(":")
    if kind == "proportional":
        return text if not separator else f"proportional:{_count(mean, problem)}"
    return _count(text, problem)


def mean_count(wanted: int | str | Mapping[str, int] | tuple[int, ...]) -> int:
    """Returns the rounded mean number of images per class, by which settings are chosen.

    Args:
        wanted: The result of `parse_ipc`, or the number for each class.
    """
    if isinstance(wanted, Mapping):
        wanted = tuple(wanted.values())
    if isinstance(wanted, tuple):
        return max(1, round(sum(wanted) / len(wanted)))
    if isinstance(wanted, str):
        return int(wanted.partition(":")[2] or 10)
    return wanted


def parse_space(words: Sequence[str], config: type) -> dict[str, Any] | None:
    """Reads the values of `--space`: `NAME`, `NAME=LOW:HIGH` or `NAME=VALUE,VALUE,...`.

    A setting that is a pair itself, such as an interval, is written `LOW:HIGH`, and several pairs
    with commas between them.

    Args:
        words: The values.
        config: The `Config` of the method.

    Returns:
        The argument of `keras_isa.tuning.SearchSpace`; `None` if there are no words.

    Raises:
        ValueError: If a word is not one of these, or a name comes twice.

    Example:

    >>> from keras_isa.cli.options import parse_space
    >>> from keras_isa.presets import Settings
    >>> parse_space(["regularization=1e-6:1e-2", "pairing=nearest,random", "width"], Settings)
    {'regularization': (1e-06, 0.01), 'pairing': ['nearest', 'random'], 'width': None}
    """
    space: dict[str, Any] = {}
    for word in words:
        name, separator, text = word.partition("=")
        name = name.strip().replace("-", "_")
        if not name or name in space or (separator and not text.strip()):
            raise ValueError(
                "--space must be NAME, NAME=LOW:HIGH or NAME=VALUE,VALUE,..., each name once. "
                f"Received: {word}"
            )
        values = [_values_of(part, word) for part in text.split(",")] if separator else None
        alone = values is not None and len(values) == 1 and isinstance(values[0], tuple)
        is_pair = isinstance(getattr(config, name, None), tuple)  # its default is one
        space[name] = values[0] if alone and not is_pair else values
    return space or None


def _values_of(text: str, word: str) -> Any:
    """Reads a number, a word, `true`, `false`, or a pair of numbers."""
    ends = tuple(_scalar(end) for end in text.split(":"))
    if len(ends) > 2 or (len(ends) == 2 and any(isinstance(end, str) for end in ends)):
        raise ValueError(f"--space: LOW:HIGH must be two numbers. Received: {word}")
    return ends if len(ends) == 2 else ends[0]


def _scalar(text: str) -> Any:
    text = text.strip()
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _count(text: str, problem: ValueError) -> int:
    text = text.strip()
    if not text.isdecimal() or int(text) < 1:
        raise problem
    return int(text)
