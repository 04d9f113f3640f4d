"""The settings of RFAD, plain or with crucial samples and ISA."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from keras_isa.layers.infinite_semantic_augmentation import PAIRINGS
from keras_isa.ops.arguments import positive_number, true_or_false, whole_number
from keras_isa.presets.config import (
    Choices,
    Range,
    described,
    optional,
    setting,
    words,
)
from keras_isa.presets.module_settings import ModuleConfig

LOSSES = ("platt", "squared_error")


@described
@dataclasses.dataclass(frozen=True)
class RFADConfig(ModuleConfig):
    """Settings of one distillation by RFAD.

    The defaults are those published for RFAD, without crucial samples and ISA. Sources: Loo et al.,
    "Efficient Dataset Distillation Using Random Feature Approximation" (2022), and the code
    released with it.

    Example:

    >>> from keras_isa.methods import RFADConfig
    >>> RFADConfig(images_per_class=1).networks
    8
    """

    method = "rfad"
    searched = ("learning_rate", "crucial_fraction")
    no_regression = "its temperature is that of classes, and rows with targets have none"

    width: int = setting(256, whole_number, "Channels of every block of the networks.")
    normalization: str = setting(
        "identity", words("identity", "instance"), "Normalisation of the networks."
    )
    batch_size: int = setting(5120, whole_number, "Real images per step.")
    steps: int = setting(100_000, whole_number, "Distillation steps, a batch each.")
    epochs: int = setting(
        2500,
        whole_number,
        "Parts into which the steps are divided, at most one per step. Each ends with a "
        "validation.",
    )
    patience: int | None = setting(
        25,
        optional(whole_number),
        "Epochs without a better score on the held-out images after which training stops; with "
        "None it does not stop before its last step.",
    )
    learning_rate: float = setting(
        1e-3, positive_number, "Learning rate of the set.", Range(1e-3, 3e-2, log=True)
    )
    networks: int = setting(8, whole_number, "Random networks of a step.", Choices((4, 8, 16)))
    judges: int = setting(
        16, whole_number, "Random networks that look at held-out images, always the same."
    )
    regularization: float = setting(
        5e-3,
        positive_number,
        "Ridge relative to the kernel's mean diagonal.",
        Range(1e-5, 1e-1, log=True),
    )
    loss: str = setting(
        "platt",
        words(*LOSSES),
        "Loss of predictions: platt, the cross-entropy at a learned temperature, or squared_error.",
        Choices(LOSSES),
    )
    temperature_learning_rate: float = setting(
        1e-2, positive_number, "Learning rate of the logarithm of the temperature."
    )
    learn_transform: bool | None = setting(
        None,
        optional(true_or_false),
        "Whether a square matrix through which all images of the set are seen is learned; with "
        "None where the set stores its images as they are, of up to 4,096 numbers each.",
    )
    transform_learning_rate: float = setting(5e-5, positive_number, "Learning rate of that matrix.")
    learn_labels: bool = setting(
        False, true_or_false, "Whether labels are trained.", Choices((True, False))
    )
    pairing: str = setting(
        "nearest",
        words(*PAIRINGS),
        f"Choice of partners in ISA: {', '.join(PAIRINGS)}; all only for squared_error.",
        Choices(("nearest", "random", "same_class")),
    )

    @classmethod
    def derived(
        cls,
        image_shape: Sequence[int],
        num_classes: int,
        train_size: int,
        images_per_class: int | Sequence[int],
        accelerated: bool,
    ) -> RFADConfig:
        found = super().derived(image_shape, num_classes, train_size, images_per_class, accelerated)
        if accelerated:
            # A validation every 40 steps, as published.
            return found.with_changes(width=256, epochs=max(1, found.steps // 40))
        # A step draws its networks anew, and looks at the batch through each of them.
        networks = 4
        steps = max(100, 100 * round(found.steps / (100 * networks)))
        quick = {"networks": networks, "judges": 4, "learning_rate": 1e-2, "steps": steps}
        return found.with_changes(**quick, learn_labels=True, epochs=4)
