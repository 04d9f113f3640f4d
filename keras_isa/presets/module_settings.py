"""The settings of crucial samples and ISA in a method that has neither of its own."""

from __future__ import annotations

import dataclasses
from typing import Any

from keras_isa.layers.infinite_semantic_augmentation import SINGLE_PAIRINGS
from keras_isa.ops.crucial_samples import check_fraction
from keras_isa.ops.semantic_augmentation import check_interval
from keras_isa.presets.config import Choices, Config, Range, setting, words


def fraction(name: str, value: Any) -> float:
    """Checks a share of crucial samples, in (0, 1]."""
    return check_fraction(value, name)


def interval(name: str, value: Any) -> tuple[float, float]:
    """Checks an interval of the semantic augmentation."""
    return check_interval(value, name)


@dataclasses.dataclass(frozen=True)
class ModuleConfig(Config):
    """Settings of a method that takes crucial samples and ISA, plain by default."""

    crucial_fraction: float = setting(
        1.0,
        fraction,
        "Share of each batch that is kept as crucial samples, in (0, 1]; 1 is the plain method.",
        Range(0.3, 1.0),
    )
    isa_interval: tuple[float, float] = setting(
        (0.0, 0.0),
        interval,
        "Interval of ISA, two numbers; 0 and 0 are the plain method.",
        Choices(((0.0, 0.0), (0.0, 0.5), (-1.0, 0.0))),
    )
    pairing: str = setting(
        "nearest",
        words(*SINGLE_PAIRINGS),
        f"Choice of partners in ISA: {', '.join(SINGLE_PAIRINGS)}.",
        Choices(SINGLE_PAIRINGS),
    )
