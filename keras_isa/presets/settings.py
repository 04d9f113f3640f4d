"""The settings of FRePo, plain or with crucial samples and ISA."""

from __future__ import annotations

import dataclasses
from typing import Any

from keras_isa.layers.infinite_semantic_augmentation import PAIRINGS
from keras_isa.ops.arguments import positive_number, true_or_false, whole_number
from keras_isa.ops.kernel_regression import check_regularization
from keras_isa.ops.semantic_augmentation import REDUCTIONS
from keras_isa.ops.splits import check_share
from keras_isa.presets.config import (
    Choices,
    Config,
    Range,
    described,
    optional,
    setting,
    words,
)
from keras_isa.presets.module_settings import fraction, interval


def _ridge(name: str, value: Any) -> float:
    return check_regularization(value)


@described
@dataclasses.dataclass(frozen=True)
class Settings(Config):
    """Settings of one distillation by FRePo.

    The defaults are those published for FRePo with crucial samples and ISA. Sources: FRePo (Zhou et
    al. 2022) for pool, optimizers and batch; the code released with the crucial-samples paper for
    `crucial_fraction`, `isa_interval`, `pairing` and `reduction`. LAMB with cosine decay trains the
    set, and the regression is always computed in float32.

    Example:

    >>> from keras_isa.presets import Settings
    >>> Settings(images_per_class=1).with_changes(steps=100).steps
    100
    """

    method = "frepo"
    searched = ("crucial_fraction", "regularization")
    derives = (
        *Config.derives,
        *("updates_per_batch", "learning_rate", "final_learning_rate", "flip"),
    )
    shown = (*Config.shown, "flip")
    of_data = ("preprocessing", "flip")
    no_regression = None
    # Chosen on held-out rows of scikit-learn's diabetes, where labels have more noise than signal:
    # with a small ridge the set fits the noise, and with 1e-2 the rows diverge now and then.
    # With batch normalisation, whose statistics over a few rows differ from those of the data,
    # predictions explode now and then, and sets suit networks without it less.
    for_regression = {
        "regularization": 1e-2,
        "learning_rate": 3e-3,
        "normalization": "identity",
    }

    final_learning_rate: float = setting(
        0.1, check_share, "Learning rate after the last step as a share of the initial one."
    )
    label_learning_rate: float | None = setting(
        None,
        optional(positive_number),
        "Initial learning rate of learned labels, where it is another than that of the images.",
    )
    pool_size: int = setting(10, whole_number, "Networks in the pool.", Choices((5, 10, 20)))
    max_online_steps: int = setting(
        100,
        whole_number,
        "Steps after which a network of the pool is replaced.",
        Range(20, 500, log=True, whole=True),
    )
    inner_learning_rate: float = setting(
        3e-4,
        positive_number,
        "Learning rate of Adam for the networks.",
        Range(1e-4, 3e-3, log=True),
    )
    regularization: float = setting(
        1e-6, _ridge, "Ridge relative to the kernel's mean diagonal.", Range(1e-7, 1e-1, log=True)
    )
    crucial_fraction: float = setting(
        0.8,
        fraction,
        "Share of each batch that is kept as crucial samples, in (0, 1].",
        Range(0.3, 1.0),
    )
    isa_interval: tuple[float, float] = setting(
        (0.0, 0.5),
        interval,
        "Interval of ISA, two numbers; 0 and 0 turn ISA off.",
        Choices(((0.0, 0.0), (0.0, 0.5), (0.0, 1.0), (-1.0, 0.0))),
    )
    pairing: str = setting(
        "nearest",
        words(*PAIRINGS),
        f"Choice of partners in ISA: {', '.join(PAIRINGS)}.",
        Choices(("nearest", "random", "all", "same_class")),
    )
    reduction: str = setting(
        "class_mean",
        words(*REDUCTIONS),
        "How ISA reduces squares over classes: class_mean or half_sum.",
    )
    flip: bool = setting(
        False, true_or_false, "Whether the regression also uses the mirror images of the set."
    )
    prefixes: bool = setting(
        False,
        true_or_false,
        "Whether the first k images of each class are to be a good set for every k.",
    )
    learn_labels: bool = setting(
        True, true_or_false, "Whether labels are trained.", Choices((True, False))
    )
