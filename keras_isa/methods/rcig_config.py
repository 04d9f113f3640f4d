"""The settings of RCIG, plain or with crucial samples and ISA."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from keras_isa.asset.recipe import Recipe
from keras_isa.methods.inner_solvers import SOLVERS
from keras_isa.ops.arguments import positive_number, true_or_false, whole_number
from keras_isa.ops.splits import check_share
from keras_isa.presets.config import (
    Choices,
    Config,
    Range,
    described,
    optional,
    recipe_by,
    setting,
    words,
)
from keras_isa.presets.module_settings import ModuleConfig

# What RCIG's code evaluates its sets by, without augmentation, as its sets score best.
_PUBLISHED = {"learning_rate": 1e-4, "batch_size": 256, "augmentation": ()}


def _recipe(**fields: Any) -> Recipe:
    return Recipe(**{**_PUBLISHED, **fields})


@described
@dataclasses.dataclass(frozen=True)
class RCIGConfig(ModuleConfig):
    """Settings of one distillation by RCIG.

    The defaults are those published for RCIG, without crucial samples and ISA; the solver is ours.
    Sources: Loo et al., "Dataset Distillation with Convexified Implicit Gradients" (2023), and the
    code released with it.

    Example:

    >>> from keras_isa.methods import RCIGConfig
    >>> RCIGConfig(images_per_class=1).learning_rate
    0.003
    """

    method = "rcig"
    searched = ("learning_rate", "crucial_fraction")
    derives = (*Config.derives, "updates_per_batch", "flip")
    shown = (*Config.shown, "flip")
    of_data = ("preprocessing", "flip")
    no_regression = "its loss is a cross-entropy, and rows with targets have no classes"

    normalization: str = setting(
        "identity", words("identity", "batch", "instance"), "Normalisation of the networks."
    )
    steps: int = setting(10_000, whole_number, "Distillation steps, a batch each.")
    learning_rate: float = setting(
        3e-3, positive_number, "Learning rate of the set.", Range(1e-3, 3e-2, log=True)
    )
    ema_momentum: float | None = setting(
        0.99,
        optional(check_share),
        "Momentum of the moving average of the set, corrected for its start, which is judged and "
        "kept in place of the set that is trained; None for none.",
    )
    recipe: Mapping[str, Any] = setting(
        {},
        recipe_by(_recipe),
        "How networks are trained on the set; what is missing is as in RCIG's evaluation without "
        "augmentation.",
    )
    temperature_learning_rate: float = setting(
        3e-2, positive_number, "Learning rate of the logarithm of the temperature."
    )
    pool_size: int = setting(30, whole_number, "Networks in the pool.", Choices((10, 30)))
    max_online_steps: int = setting(
        100, whole_number, "Steps after which a network of the pool is replaced."
    )
    most_inner_steps: int = setting(
        15,
        whole_number,
        "Greatest number of steps of a network after a step of the set; from 1 to it one is drawn.",
    )
    inner_learning_rate: float = setting(
        5e-5, positive_number, "Learning rate of Adam for the networks."
    )
    regularization: float = setting(
        5e-4,
        positive_number,
        "Ridge for each image of the set; it is not relative to the kernel.",
        Range(1e-5, 1e-1, log=True),
    )
    solver: str = setting(
        "conjugate_gradients",
        words(*SOLVERS),
        "How the systems inside of a step are solved: conjugate_gradients, or adam with learning "
        "rates that tune themselves, as published.",
        Choices(tuple(SOLVERS)),
    )
    solver_steps: int = setting(20, whole_number, "Steps of the solver for each system.")
    implicit_limit: float = setting(
        1.0,
        positive_number,
        "Greatest length of the implicit part of the gradient of images and of labels, relative to "
        "the direct part.",
    )
    flip: bool = setting(
        False, true_or_false, "Whether the set is joined by its mirror images while it is trained."
    )
    learn_labels: bool = setting(
        True, true_or_false, "Whether labels are trained.", Choices((True, False))
    )

    @classmethod
    def derived(
        cls,
        image_shape: Sequence[int],
        num_classes: int,
        train_size: int,
        images_per_class: int | Sequence[int],
        accelerated: bool,
    ) -> RCIGConfig:
        found = super().derived(image_shape, num_classes, train_size, images_per_class, accelerated)
        recipe = {"augmentation": (), "flip": found.flip}
        # A step looks at the batch four times, and at the set for every step of the solver.
        changes: dict[str, Any] = {"updates_per_batch": 1}
        if not accelerated:
            recipe |= {"width": found.width, "learning_rate": 1e-3, "steps": found.recipe["steps"]}
            steps = max(100, 100 * (found.steps * found.updates_per_batch // 1000))
            changes |= {"steps": steps, "pool_size": 10, "learning_rate": 1e-2}
        return found.with_changes(**changes, recipe=recipe)
