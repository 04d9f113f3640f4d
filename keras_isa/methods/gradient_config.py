"""The settings of gradient matching, plain or with crucial samples and ISA."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from keras_isa.asset.recipe import dc_recipe
from keras_isa.layers.siamese_augmentation import (
    OPERATIONS,
    checked_operations,
    suited_operations,
)
from keras_isa.ops.arguments import positive_number, whole_number
from keras_isa.ops.counts import checked_counts, simplest
from keras_isa.presets.config import Range, described, recipe_by, setting, words
from keras_isa.presets.module_settings import ModuleConfig


@described
@dataclasses.dataclass(frozen=True)
class DSAConfig(ModuleConfig):
    """Settings of one distillation by gradient matching.

    The defaults are those published for DSA and one image per class, without crucial samples and
    ISA; with `augmentation=()` they are DC's. The set takes SGD with momentum 0.5; its labels are
    the classes. Sources: Zhao and Bilen, "Dataset Condensation with Differentiable Siamese
    Augmentation", and the code released with it.

    Example:

    >>> from keras_isa.methods import DSAConfig
    >>> DSAConfig(images_per_class=1).learning_rate
    0.1
    """

    method = "dsa"
    searched = ("learning_rate", "crucial_fraction")
    no_regression = "it matches the gradients of classes, and rows with targets have none"

    normalization: str = setting(
        "instance", words("instance", "identity"), "Normalisation of the networks."
    )
    batch_size: int = setting(2560, whole_number, "Real images per step, as many of each class.")
    steps: int = setting(1000, whole_number, "Distillation steps, a batch each.")
    learning_rate: float = setting(
        0.1, positive_number, "Learning rate of the set.", Range(0.01, 10.0, log=True)
    )
    pool_size: int = setting(1, whole_number, "Networks in the pool.")
    inner_learning_rate: float = setting(
        0.01, positive_number, "Learning rate of SGD for the networks."
    )
    inner_steps: int = setting(
        1, whole_number, "Steps of a network on the set after each step of the set."
    )
    max_online_steps: int = setting(
        1, whole_number, "Steps after which a network is replaced by a random one."
    )
    augmentation: tuple[str, ...] = setting(
        OPERATIONS,
        checked_operations,
        "Operations of the Siamese augmentation, one of which is drawn for each class in a step; "
        "leave flip out for digits. Without any it is DC.",
    )
    recipe: Mapping[str, Any] = setting(
        {},
        recipe_by(dc_recipe),
        "How networks are trained on the set; what is missing is as `dc_recipe` has it.",
    )

    @classmethod
    def derived(
        cls,
        image_shape: Sequence[int],
        num_classes: int,
        train_size: int,
        images_per_class: int | Sequence[int],
        accelerated: bool,
    ) -> DSAConfig:
        counts = checked_counts(images_per_class, num_classes)
        operations = suited_operations(image_shape)
        normalization = "instance" if len(image_shape) > 1 else "identity"
        recipe = {"augmentation": operations, "normalization": normalization}
        # Two cores take narrower networks and fewer images of each class.
        quick = {} if accelerated else {"width": 32, "steps": 500}
        several = {} if max(counts) == 1 else {"inner_steps": 10, "max_online_steps": 100}
        return cls(
            images_per_class=simplest(counts),
            normalization=normalization,
            batch_size=num_classes * (256 if accelerated else 32),
            augmentation=operations,
            recipe={**recipe, "width": quick.get("width", 128)},
            **several,
            **quick,
        )
