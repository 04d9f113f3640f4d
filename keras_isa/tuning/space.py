"""What is searched: settings by name, each with bounds or choices."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from keras_isa.ops.arguments import finite_number, true_or_false, whole_number
from keras_isa.presets.settings import Settings

IMAGE_INITS = ("random", "kmeans", "noise")


class _Range(NamedTuple):
    low: float
    high: float
    log: bool = False
    whole: bool = False


class _Choices(NamedTuple):
    values: tuple


# Every setting that can be searched, with the bounds or choices that it has by default.
KNOWN: dict[str, _Range | _Choices] = {
    "crucial_fraction": _Range(0.3, 1.0),
    "regularization": _Range(1e-7, 1e-1, log=True),
    "isa_interval": _Choices(((0.0, 0.0), (0.0, 0.5), (0.0, 1.0), (-1.0, 0.0))),
    "pairing": _Choices(("nearest", "random", "all", "same_class")),
    "learning_rate": _Range(1e-3, 3e-2, log=True),
    "inner_learning_rate": _Range(1e-4, 3e-3, log=True),
    "pool_size": _Choices((5, 10, 20)),
    "max_online_steps": _Range(20, 500, log=True, whole=True),
    "learn_labels": _Choices((True, False)),
    "image_init": _Choices(IMAGE_INITS),
}
DEFAULT_SPACE = ("crucial_fraction", "regularization")


class SearchSpace:
    """Settings that are searched, and how keras-tuner is told of them.

    Args:
        space: Names from `KNOWN`, each with `(low, high)` for a range, a list of values to choose
            from, or `None` for what it has by default; or a sequence of names. By default
            `crucial_fraction` and `regularization`.

    Raises:
        TypeError: If `space` is neither a mapping nor a sequence of names.
        ValueError: If a name is unknown, or bounds or a choice cannot be used, naming it.

    Example:

    >>> from keras_isa.tuning import SearchSpace
    >>> space = SearchSpace({"crucial_fraction": (0.5, 1.0), "pairing": ["nearest", "random"]})
    >>> space.to_dict()
    {'crucial_fraction': [0.5, 1.0], 'pairing': ['nearest', 'random']}
    """

    def __init__(self, space: Mapping[str, Any] | Sequence[str] | None = None) -> None:
        space = DEFAULT_SPACE if space is None else space
        if isinstance(space, str) or not isinstance(space, Mapping | Sequence):
            raise TypeError(f"`space` must map names to bounds or choices. Received: {space!r}")
        given = dict(space) if isinstance(space, Mapping) else dict.fromkeys(space)
        if not given:
            raise ValueError("`space` must name at least one setting. Received: none")
        self.dimensions = {name: _dimension(name, value) for name, value in given.items()}

    def declare(self, hp: Any, base: Settings) -> None:
        """Registers every setting with a `keras_tuner.HyperParameters`; the base is the default."""
        for name, dimension in self.dimensions.items():
            own = getattr(base, name, IMAGE_INITS[0])
            if isinstance(dimension, _Choices):
                # As text: words, pairs and truth values alike, also from one process to another.
                words = [_word(value) for value in dimension.values]
                default = _word(own) if _word(own) in words else words[0]
                hp.Choice(name, words, default=default, ordered=False)
                continue
            default = min(max(own, dimension.low), dimension.high)
            sampling = "log" if dimension.log else "linear"
            kind = hp.Int if dimension.whole else hp.Float
            kind(name, dimension.low, dimension.high, sampling=sampling, default=default)

    def values(self, hp: Any) -> dict[str, Any]:
        """The settings that a `keras_tuner.HyperParameters` holds, by name."""
        return {
            name: _from_word(hp.get(name)) if isinstance(dimension, _Choices) else hp.get(name)
            for name, dimension in self.dimensions.items()
        }

    def is_numeric(self, name: str) -> bool:
        """Whether a setting is a number out of a range."""
        return isinstance(self.dimensions[name], _Range)

    def is_logarithmic(self, name: str) -> bool:
        """Whether a range is searched by ratio."""
        return self.is_numeric(name) and self.dimensions[name].log

    def to_dict(self) -> dict[str, list]:
        """Bounds and choices, JSON-compatible."""
        return {
            name: [dimension.low, dimension.high]
            if isinstance(dimension, _Range)
            else json.loads(json.dumps(dimension.values))
            for name, dimension in self.dimensions.items()
        }


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _from_word(word: str) -> Any:
    try:
        value = json.loads(word)
    except json.JSONDecodeError:
        return word
    return tuple(value) if isinstance(value, list) else value


def _dimension(name: str, given: Any) -> _Range | _Choices:
    if name not in KNOWN:
        raise ValueError(f"`space` must have keys out of {', '.join(KNOWN)}. Received: {name!r}")
    known = KNOWN[name]
    if given is None:
        return known
    if isinstance(given, str) or not isinstance(given, Sequence) or not given:
        raise ValueError(
            f"`{name}` must be (low, high) or a list of values. Received: {name}={given!r}"
        )
    if isinstance(known, _Range) and isinstance(given, tuple):
        return _bounds(name, known, given)
    choices = tuple(_choice(name, value) for value in given)
    if len({_word(choice) for choice in choices}) < len(choices):
        raise ValueError(f"`{name}` must name each value once. Received: {name}={given!r}")
    return _Choices(choices)


def _bounds(name: str, known: _Range, given: tuple) -> _Range:
    wanted = f"`{name}` must be two numbers (low, high) with low < high"
    if len(given) != 2:
        raise ValueError(f"{wanted}. Received: {name}={given!r}")
    check = whole_number if known.whole else finite_number
    low, high = (check(name, end) for end in given)
    if low >= high:
        raise ValueError(f"{wanted}. Received: {name}={given!r}")
    if known.log and low <= 0:
        raise ValueError(f"`{name}` must be above 0: it is searched by ratio. Received: {given!r}")
    for end in (low, high):
        _choice(name, end)
    return known._replace(low=low, high=high)


def _choice(name: str, value: Any) -> Any:
    """A value as the settings keep it, or their own error about it."""
    if name == "image_init":
        if value not in IMAGE_INITS:
            words = ", ".join(map(repr, IMAGE_INITS))
            raise ValueError(f"`{name}` must be one of {words}. Received: {name}={value!r}")
        return value
    if name == "learn_labels":
        return true_or_false(name, value)
    return getattr(Settings.from_dict({"images_per_class": 1, name: value}), name)
