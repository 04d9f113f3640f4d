"""The settings over which the study of the module looks, and their levels."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from keras_isa.presets.config import Config
from keras_isa.studies.experiment import Experiment


@dataclasses.dataclass(frozen=True)
class Level:
    """A setting at another value than that of the experiment.

    Args:
        name: What it is called, such as `"width 64"`.
        common: Changes of settings for all runs.
        module: Further ones for runs with crucial samples and ISA.
    """

    name: str
    common: dict[str, Any] = dataclasses.field(default_factory=dict)
    module: dict[str, Any] = dataclasses.field(default_factory=dict)


def _multiples(name: str, shown: str, *factors: float) -> Callable[[Experiment], list[Level]]:
    def levels(experiment: Experiment) -> list[Level]:
        base = getattr(experiment.settings, name)
        values = (max(1, round(base * factor)) for factor in factors)
        if name == "batch_size":
            values = (min(value, len(experiment.train.y)) for value in values)
        return [Level(f"{shown} {value:,}", {name: value}) for value in values if value != base]

    return levels


def _values(name: str, shown: str, *values: Any) -> Callable[[Experiment], list[Level]]:
    def levels(experiment: Experiment) -> list[Level]:
        base = getattr(experiment.settings, name)
        words = {True: "on", False: "off"}
        return [
            Level(f"{shown} {words.get(v, v) if isinstance(v, bool) else v}", {name: v})
            for v in values
            if v != base
        ]

    return levels


def _shares(experiment: Experiment) -> list[Level]:
    own = experiment.settings.crucial_fraction
    return [Level(f"p {p:g}", module={"crucial_fraction": p}) for p in (0.5, 0.9) if p != own]


def _intervals(experiment: Experiment) -> list[Level]:
    forms = {
        "interval (0, 1)": {"isa_interval": (0.0, 1.0), "pairing": "nearest"},
        "interpolation, random": {"isa_interval": (-1.0, 0.0), "pairing": "random"},
        "interpolation, all pairs": {"isa_interval": (-1.0, 0.0), "pairing": "all"},
    }
    if experiment.settings.method not in ("frepo", "kip"):  # others have no form over all pairs
        del forms["interpolation, all pairs"]
    return [Level(name, module=form) for name, form in forms.items()]


def _images(experiment: Experiment) -> list[Level]:
    own = experiment.settings.images_per_class
    fewest = min((experiment.train.y == one).sum() for one in range(experiment.train.num_classes))
    # Labels and networks are those of the experiment: the recipe knows its steps by the set's size.
    return [
        Level(f"{count} per class", {"images_per_class": count})
        for count in (1, 10)
        if count != own and count <= fewest // 2
    ]


def _whitening(experiment: Experiment) -> list[Level]:
    if len(experiment.train.image_shape) != 3:
        return []
    other = "standardize" if experiment.settings.preprocessing == "zca" else "zca"
    return [Level(f"preprocessing {other}", {"preprocessing": other})]


FACTORS: dict[str, Callable[[Experiment], list[Level]]] = {
    "crucial_fraction": _shares,
    "isa_interval": _intervals,
    "batch_size": _multiples("batch_size", "batch", 0.25, 4),
    "width": _multiples("width", "width", 0.5, 2),
    "images_per_class": _images,
    "preprocessing": _whitening,
    "steps": _multiples("steps", "steps", 0.25, 4),
    "regularization": _values("regularization", "ridge", 1e-6, 1e-3),
    "flip": _values("flip", "flip", True, False),
    "learning_rate": lambda experiment: [
        Level(f"rate {value:g}", {"learning_rate": value})
        for value in (experiment.settings.learning_rate / 3, experiment.settings.learning_rate * 3)
    ],
}


def levels_of(experiment: Experiment, names: Sequence[str]) -> list[Level]:
    """Returns the levels of some factors, one factor at a time.

    Args:
        experiment: Data and settings, whose own values are left out.
        names: Names out of `FACTORS`.

    Raises:
        ValueError: If the method has no such setting.
    """
    found: list[Level] = []
    for name in names:
        check_setting(experiment.settings, name)
        found += FACTORS[name](experiment)
    return found


def check_setting(settings: Config, name: str) -> None:
    """Raises a ValueError if a method has no setting of a name.

    Args:
        settings: Settings of the method.
        name: Name of the setting.
    """
    if not hasattr(settings, name):
        raise ValueError(
            f"`over` must name settings of the method {settings.method}, which has no {name}. "
            f"Received: over={name}"
        )
