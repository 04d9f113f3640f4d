"""The settings of trajectory matching (MTT), plain or with crucial samples and ISA."""

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
from keras_isa.methods.experts import ExpertPlan
from keras_isa.models.convnet import default_depth
from keras_isa.ops.arguments import positive_number, whole_number
from keras_isa.ops.counts import checked_counts, simplest
from keras_isa.presets.config import (
    Choices,
    Range,
    described,
    optional,
    recipe_by,
    setting,
    words,
)
from keras_isa.presets.module_settings import ModuleConfig

# Experts that two cores make in a few minutes: how many, of so many epochs of so many steps.
_CPU_EXPERTS, _CPU_EPOCHS, _CPU_EXPERT_STEPS = 5, 10, 20
# Instance normalisation of pictures with a side of two pixels leaves little of them.
_LEAST_SIDE = 4


@described
@dataclasses.dataclass(frozen=True)
class MTTConfig(ModuleConfig):
    """Settings of one distillation by trajectory matching.

    The defaults are those published for CIFAR-10 with one image per class, without crucial samples
    and ISA. Set and step size take SGD with momentum 0.5; labels are the classes. Source:
    Cazenavette et al., "Dataset Distillation by Matching Training Trajectories" (2022), and the
    code released with it.

    Example:

    >>> from keras_isa.methods import MTTConfig
    >>> MTTConfig(images_per_class=1).student_steps
    50
    """

    method = "mtt"
    searched = ("learning_rate", "student_steps")
    no_regression = "its networks learn classes by the cross-entropy"
    shown = ("steps", "width", "student_steps", "expert_span", "most_start", "preprocessing")

    normalization: str = setting(
        "instance", words("instance", "identity"), "Normalisation of the networks."
    )
    batch_size: int = setting(256, whole_number, "Real images per step of an expert.")
    steps: int = setting(5000, whole_number, "Distillation steps, a segment of an expert each.")
    learning_rate: float = setting(
        100.0, positive_number, "Learning rate of the set.", Range(1.0, 1000.0, log=True)
    )
    recipe: Mapping[str, Any] = setting(
        {},
        recipe_by(dc_recipe),
        "How networks are trained on the set; what is missing is as `dc_recipe` has it. After "
        "training, its learning rate becomes the step size that was learned.",
    )
    augmentation: tuple[str, ...] = setting(
        OPERATIONS,
        checked_operations,
        "Operations of the Siamese augmentation of experts and students, one of which is drawn in "
        "each step; leave flip out for digits.",
    )
    student_steps: int = setting(
        50, whole_number, "Steps N of a student on the set.", Range(5, 80, log=True, whole=True)
    )
    student_batch_size: int | None = setting(
        None, optional(whole_number), "Images of a student's step; with None the whole set."
    )
    expert_span: int = setting(
        2, whole_number, "Epochs M of an expert that a student is to repeat.", Choices((1, 2, 3))
    )
    most_start: int = setting(
        2, whole_number, "Students start from the first so many points of an expert."
    )
    step_size: float = setting(
        0.01, positive_number, "Learning rate of a student's steps at first; it is learned."
    )
    step_size_learning_rate: float = setting(
        1e-7, positive_number, "Learning rate of that learning rate."
    )
    experts: int = setting(100, whole_number, "Experts that are made where none are given.")
    expert_epochs: int = setting(50, whole_number, "Epochs of an expert.")
    expert_steps: int | None = setting(
        None,
        optional(whole_number),
        "Steps of an epoch of an expert; with None one pass over the training images.",
    )
    expert_learning_rate: float = setting(
        0.01, positive_number, "Learning rate of SGD for the experts."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.most_start + self.expert_span - 1 > self.expert_epochs:
            raise ValueError(
                "`expert_epochs` must be at least most_start + expert_span - 1, the last point "
                f"that a student may have to reach. Received: expert_epochs={self.expert_epochs}, "
                f"most_start={self.most_start}, expert_span={self.expert_span}"
            )

    @property
    def plan_of_experts(self) -> ExpertPlan:
        """How experts are made."""
        return ExpertPlan(
            count=self.experts,
            epochs=self.expert_epochs,
            steps=self.expert_steps,
            batch_size=self.batch_size,
            learning_rate=self.expert_learning_rate,
            augmentation=self.augmentation,
            crucial_fraction=self.crucial_fraction,
            isa_interval=self.isa_interval,
            pairing=self.pairing,
        )

    @classmethod
    def derived(
        cls,
        image_shape: Sequence[int],
        num_classes: int,
        train_size: int,
        images_per_class: int | Sequence[int],
        accelerated: bool,
    ) -> MTTConfig:
        counts = simplest(checked_counts(images_per_class, num_classes))
        operations = suited_operations(image_shape)
        normalization = "instance" if len(image_shape) > 1 else "identity"
        recipe = {"augmentation": operations, "normalization": normalization}
        values: dict[str, Any] = {}
        if not accelerated:
            values = {
                "width": 32,
                "steps": 400 if sum(checked_counts(counts, num_classes)) <= 50 else 200,
                "epochs": 4,
                "student_steps": 10,
                "student_batch_size": 50,
                "experts": _CPU_EXPERTS,
                "expert_epochs": _CPU_EPOCHS,
                "expert_steps": _CPU_EXPERT_STEPS,
                "expert_learning_rate": 0.1,
                "most_start": 6,
                "learning_rate": 10.0,
                "step_size_learning_rate": 1e-4,
                "step_size": 0.1,
            }
            recipe |= {"width": 32, "epochs": 300}
        depth = default_depth(image_shape)
        if len(image_shape) == 3 and min(image_shape[:2]) >> (depth - 1) < _LEAST_SIDE:
            depth = max(1, depth - 1)
            values["depth"] = recipe["depth"] = depth
        return cls(
            images_per_class=counts,
            normalization=normalization,
            augmentation=operations,
            recipe=recipe,
            **values,
        )
