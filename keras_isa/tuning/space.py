"""The search space: settings by name, each with bounds or choices."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from keras_isa.ops.arguments import one_of
from keras_isa.presets.config import Choices, Config, Range
from keras_isa.presets.settings import Settings

IMAGE_INITS = ("random", "kmeans", "noise")


def searchable(config: type[Config]) -> dict[str, Range | Choices]:
    """Returns every setting that can be searched, with its default bounds or choices.

    Args:
        config: The class of the settings.

    Example:

    >>> from keras_isa.methods import DMConfig
    >>> from keras_isa.tuning.space import searchable
    >>> list(searchable(DMConfig))
    ['learning_rate', 'crucial_fraction', 'isa_interval', 'pairing', 'image_init']
    """
    own = {field.name: field.metadata["search"] for field in dataclasses.fields(config)}
    return {
        **{name: search for name, search in own.items() if search is not None},
        "image_init": Choices(IMAGE_INITS),
    }


class SearchSpace:
    """The settings that are searched, and their declaration to keras-tuner.

    Args:
        space: Mapping from settings to `(low, high)` for a range, a list of values to choose from,
            or `None` for the default bounds or choices; or a sequence of settings. By default the
            `searched` of `config`.
        config: The class of the settings.

    Raises:
        TypeError: If `space` is neither a mapping nor a sequence of names.
        ValueError: If a name is unknown, or bounds or a choice cannot be used, naming it.

    Example:

    >>> from keras_isa.tuning import SearchSpace
    >>> space = SearchSpace({"crucial_fraction": (0.5, 1.0), "pairing": ["nearest", "random"]})
    >>> space.to_dict()
    {'crucial_fraction': [0.5, 1.0], 'pairing': ['nearest', 'random']}
    """

    def __init__(
        self,
        space: Mapping[str, Any] | Sequence[str] | None = None,
        config: type[Config] = Settings,
    ) -> None:
        space = config.searched if space is None else space
        if isinstance(space, str) or not isinstance(space, Mapping | Sequence):
            raise TypeError(f"`space` must map names to bounds or choices. Received: {space!r}")
        given = dict(space) if isinstance(space, Mapping) else dict.fromkeys(space)
        if not given:
            raise ValueError("`space` must name at least one setting. Received: none")
        self.dimensions = {name: _dimension(name, value, config) for name, value in given.items()}

    def declare(self, hp: Any, base: Config) -> None:
        """Declares every setting to a `keras_tuner.HyperParameters`, with defaults from `base`."""
        for name, dimension in self.dimensions.items():
            own = getattr(base, name, IMAGE_INITS[0])
            if isinstance(dimension, Choices):
                # All values are text, so that keras-tuner can hold pairs and send them to workers.
                words = [_word(value) for value in dimension.values]
                default = _word(own) if _word(own) in words else words[0]
                hp.Choice(name, words, default=default, ordered=False)
                continue
            default = min(max(own, dimension.low), dimension.high)
            sampling = "log" if dimension.log else "linear"
            kind = hp.Int if dimension.whole else hp.Float
            kind(name, dimension.low, dimension.high, sampling=sampling, default=default)

    def values(self, hp: Any) -> dict[str, Any]:
        """Returns the settings in a `keras_tuner.HyperParameters`, by name."""
        return {
            name: _from_word(hp.get(name)) if isinstance(dimension, Choices) else hp.get(name)
            for name, dimension in self.dimensions.items()
        }

    def to_dict(self) -> dict[str, list]:
        """Returns bounds and choices as JSON-compatible values."""
        plain = {
            name: dimension[:2] if isinstance(dimension, Range) else dimension.values
            for name, dimension in self.dimensions.items()
        }
        return json.loads(json.dumps(plain))  # with lists in place of tuples


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _from_word(word: str) -> Any:
    try:
        value = json.loads(word)
    except json.JSONDecodeError:
        return word
    return tuple(value) if isinstance(value, list) else value


def _dimension(name: str, given: Any, config: type[Config]) -> Range | Choices:
    allowed = searchable(config)
    if name not in allowed:
        raise ValueError(f"`space` must have keys out of {', '.join(allowed)}. Received: {name!r}")
    known = allowed[name]
    if given is None:
        return known
    if isinstance(given, str) or not isinstance(given, Sequence) or not given:
        raise ValueError(
            f"`{name}` must be (low, high) or a list of values. Received: {name}={given!r}"
        )
    values = tuple(_checked(name, value, config) for value in given)
    received = f"Received: {name}={given!r}"
    if isinstance(known, Choices) or not isinstance(given, tuple):
        if len(set(map(_word, values))) < len(values):
            raise ValueError(f"`{name}` must name each value once. {received}")
        return Choices(values)
    if len(values) != 2 or values[0] >= values[1]:
        raise ValueError(f"`{name}` must be two numbers (low, high) with low < high. {received}")
    if known.log and values[0] <= 0:
        raise ValueError(
            f"`{name}` must be above 0, as it is searched on a logarithmic scale. {received}"
        )
    return known._replace(low=values[0], high=values[1])


def _checked(name: str, value: Any, config: type[Config]) -> Any:
    """Returns a value as the settings keep it, or raises the error of the settings."""
    if name == "image_init":
        return one_of(name, value, IMAGE_INITS)
    return getattr(config.from_dict({"images_per_class": 1, name: value}), name)
