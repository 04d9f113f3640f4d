"""The settings of gradient matching, plain or with crucial samples and ISA."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from keras_isa.layers.siamese_augmentation import (
    OPERATIONS,
    checked_operations,
    suited_operations,
)
from keras_isa.methods.equal_classes import EqualClassesConfig
from keras_isa.models.convnet import default_depth, sides_of
from keras_isa.ops.arguments import positive_number, whole_number
from keras_isa.ops.counts import checked_counts, simplest
from keras_isa.presets.config import (
    Choices,
    Range,
    described,
    setting,
)
from keras_isa.presets.module_settings import fraction, interval


def check_inner_steps(inner_steps: int, max_online_steps: int) -> None:
    """Raises an error if a network would be replaced before its steps count.

    Args:
        inner_steps: Steps of a network after each step of the set.
        max_online_steps: Steps after which it is replaced.

    Raises:
        ValueError: If the first number is the greater one.
    """
    if inner_steps > max_online_steps:
        raise ValueError(
            "`inner_steps` must be at most `max_online_steps`, as a network that has taken so many "
            f"is replaced. Received: inner_steps={inner_steps}, max_online_steps={max_online_steps}"
        )


@described
@dataclasses.dataclass(frozen=True)
class DSAConfig(EqualClassesConfig):
    """Settings of one distillation by gradient matching.

    The defaults are those published for DSA and one image per class, without crucial samples and
    ISA. With `augmentation=()` the loss is DC's; the start from real images, and the way in which
    networks are trained on the set, stay DSA's. The set takes SGD with momentum 0.5; its labels are
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

    steps: int = setting(1000, whole_number, "Distillation steps, a batch each.")
    learning_rate: float = setting(
        0.1, positive_number, "Learning rate of the set.", Range(0.01, 10.0, log=True)
    )
    pool_size: int = setting(1, whole_number, "Networks in the pool.")
    inner_learning_rate: float = setting(
        0.01, positive_number, "Learning rate of SGD for the networks."
    )
    inner_steps: int = setting(
        1, whole_number, "Steps that a network takes on the set after each step of the set."
    )
    max_online_steps: int = setting(
        1,
        whole_number,
        "A network that has taken so many steps itself is replaced by a random one; at least "
        "inner_steps.",
    )
    augmentation: tuple[str, ...] = setting(
        OPERATIONS,
        checked_operations,
        "Operations of the Siamese augmentation, one of which is drawn for each class in a step; "
        "leave flip out for digits. Without any, [], the loss is DC's.",
    )
    crucial_fraction: float = setting(
        1.0,
        fraction,
        "Share of each class's real images that is kept as crucial samples, in (0, 1]; 1 is the "
        "plain method.",
        Range(0.3, 1.0),
    )
    isa_interval: tuple[float, float] = setting(
        (0.0, 0.0),
        interval,
        "Interval of ISA between real images of a class and their nearest ones; 0 and 0 are the "
        "plain method.",
        Choices(((0.0, 0.0), (0.0, 0.5), (-1.0, 0.0))),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_inner_steps(self.inner_steps, self.max_online_steps)

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
        # Where instance normalisation is left with few pixels, the set diverges.
        depth = default_depth(image_shape)
        while depth > 1 and len(image_shape) > 1 and min(sides_of(image_shape)) < 2 ** (depth + 1):
            depth -= 1
        several = {} if max(counts) == 1 else {"inner_steps": 10, "max_online_steps": 100}
        return cls(
            images_per_class=simplest(counts),
            depth=depth,
            normalization=normalization,
            batch_size=num_classes * (256 if accelerated else 32),
            augmentation=operations,
            recipe={**recipe, "width": quick.get("width", 128)},
            **several,
            **quick,
        )
