"""The settings over which the study of the module looks, and their levels."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from keras_isa.presets.config import Config
from keras_isa.studies.controls import OtherHardnessTrainer
from keras_isa.studies.experiment import Experiment

# No setting, but which network says which samples are hard.
HARDNESS = "hardness"


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


def whole_epochs(settings: Config, steps: float) -> int:
    """Returns about so many steps in as many epochs as the settings have.

    Runs that are compared are validated as often: the best of more sets is better by chance.

    Args:
        settings: The settings.
        steps: Steps that are wanted.

    Example:

    >>> from keras_isa.presets import Settings
    >>> from keras_isa.studies.factors import whole_epochs
    >>> whole_epochs(Settings(images_per_class=1, steps=5000, epochs=4), 4787)
    4788
    """
    epochs = settings.equal_epochs
    return epochs * max(1, round(steps / epochs))


def _values(name: str, shown: str, *values: Any) -> Callable[[Experiment], list[Level]]:
    def levels(experiment: Experiment) -> list[Level]:
        base = getattr(experiment.settings, name)
        return [Level(f"{shown} {value}", {name: value}) for value in values if value != base]

    return levels


def _shares(experiment: Experiment) -> list[Level]:
    own = experiment.settings.crucial_fraction
    return [Level(f"p {p:g}", module={"crucial_fraction": p}) for p in (0.5, 0.9) if p != own]


def _intervals(experiment: Experiment) -> list[Level]:
    forms = {
        "interval (0, 1)": {"isa_interval": (0.0, 1.0)},
        "interpolation": {"isa_interval": (-1.0, 0.0)},
        "interpolation, random": {"isa_interval": (-1.0, 0.0), "pairing": "random"},
        "interpolation, all pairs": {"isa_interval": (-1.0, 0.0), "pairing": "all"},
    }
    found = [Level(name, module=form) for name, form in forms.items()]
    return [level for level in found if _is_allowed(experiment.settings, level)]


def _is_allowed(settings: Config, level: Level) -> bool:
    """Whether the method has a level, as some have no partners at random or over all pairs."""
    try:
        return settings.with_changes(**level.module) != settings
    except ValueError:
        return False


def _batches(experiment: Experiment) -> list[Level]:
    own = experiment.settings
    most = int(len(experiment.train.y) * (1 - own.validation_split))  # `fit` takes no more
    base = min(own.batch_size, most)
    values = dict.fromkeys(min(max(1, round(base * factor)), most) for factor in (0.25, 4))
    return [Level(f"batch {value:,}", {"batch_size": value}) for value in values if value != base]


def _steps(experiment: Experiment) -> list[Level]:
    own = experiment.settings
    values = dict.fromkeys(whole_epochs(own, own.steps * factor) for factor in (0.25, 4))
    return [Level(f"steps {value:,}", {"steps": value}) for value in values if value != own.steps]


def _widths(experiment: Experiment) -> list[Level]:
    own = experiment.settings
    if "width" in own.not_used:
        return []
    values = max(1, own.width // 2), 2 * own.width
    return [Level(f"width {value}", {"width": value}) for value in values if value != own.width]


def _rates(experiment: Experiment) -> list[Level]:
    own = experiment.settings.learning_rate
    return [Level(f"rate {rate:.3g}", {"learning_rate": rate}) for rate in (own / 3, own * 3)]


def _images(experiment: Experiment) -> list[Level]:
    own = experiment.settings
    fewest = np.bincount(experiment.train.y, minlength=experiment.train.num_classes).min()
    return [
        Level(f"{count} per class", {"images_per_class": count})
        for count in (1, 10)
        if count != own.images_per_class and count <= fewest * (1 - own.validation_split)
    ]


def _preprocessing(experiment: Experiment) -> list[Level]:
    if len(experiment.train.image_shape) != 3:
        return []
    other = "standardize" if experiment.settings.preprocessing == "zca" else "zca"
    return [Level(f"preprocessing {other}", {"preprocessing": other})]


def _flip(experiment: Experiment) -> list[Level]:
    if len(experiment.train.image_shape) != 3:
        return []
    other = not experiment.settings.flip
    return [Level(f"flip {'on' if other else 'off'}", {"flip": other})]


def _hardness(experiment: Experiment) -> list[Level]:
    if experiment.settings.pool_size < 2:
        return []
    return [Level("hard for another network", module={"trainer": OtherHardnessTrainer})]


FACTORS: dict[str, Callable[[Experiment], list[Level]]] = {
    "crucial_fraction": _shares,
    "isa_interval": _intervals,
    "batch_size": _batches,
    "width": _widths,
    "images_per_class": _images,
    "preprocessing": _preprocessing,
    "steps": _steps,
    "learning_rate": _rates,
    "regularization": _values("regularization", "ridge", 1e-6, 1e-3),
    "flip": _flip,
    "reduction": _values("reduction", "reduction", "class_mean", "half_sum"),
    HARDNESS: _hardness,
}


def available(experiment: Experiment) -> tuple[str, ...]:
    """Returns the names of the factors that the method has settings for.

    Args:
        experiment: Data and settings.
    """
    settings = experiment.settings
    return tuple(
        name
        for name in FACTORS
        if hasattr(settings, name) or (name == HARDNESS and settings.method == "frepo")
    )


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
        if name not in available(experiment):
            raise ValueError(
                f"`over` must name settings of the method {experiment.settings.method}, which has "
                f"no {name}. Received: over={name}"
            )
        found += FACTORS[name](experiment)
    return found
