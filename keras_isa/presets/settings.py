"""Everything that decides a run of the main method."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from keras_isa.checks import check_keys
from keras_isa.layers.infinite_semantic_augmentation import PAIRINGS
from keras_isa.layers.preprocessing import PREPROCESSING
from keras_isa.models.convnet import NORMALIZATIONS
from keras_isa.models.default import DTYPE_POLICIES
from keras_isa.ops.arguments import is_count, one_of, positive_number, true_or_false, whole_number
from keras_isa.ops.crucial_samples import check_fraction
from keras_isa.ops.kernel_regression import check_regularization
from keras_isa.ops.semantic_augmentation import REDUCTIONS, check_interval
from keras_isa.ops.splits import check_share
from keras_isa.presets.recipe import Recipe

_COUNTS = ("width", "pool_size", "max_online_steps", "batch_size", "steps", "epochs")
_RATES = ("learning_rate", "inner_learning_rate")
_FLAGS = ("flip", "learn_labels")
_WORDS = {
    "preprocessing": PREPROCESSING,
    "normalization": NORMALIZATIONS,
    "pairing": PAIRINGS,
    "reduction": REDUCTIONS,
}
# Rows of the set that train a member of the pool in one step; FRePo's limit.
MOST_INNER_ROWS = 1000


@dataclasses.dataclass(frozen=True)
class Settings:
    """Settings of one distillation.

    The defaults are those published for FRePo with crucial samples and ISA. Sources: FRePo (Zhou et
    al. 2022) for pool, optimizers and batch; the code released with the crucial-samples paper for
    `crucial_fraction`, `isa_interval`, `pairing` and `reduction`.

    Args:
        images_per_class: Images per class of the distilled set, one number or one for each class.
        preprocessing: How pixels become model space: `"none"`, `"standardize"`, `"zca"` or
            `"block_zca"`.
        width: Channels of the first block of the pool's ConvNets.
        depth: Their blocks; `None` lets the image size decide.
        normalization: Their normalisation, `"identity"` or `"batch"`.
        dtype_policy: What they compute in, `"float32"` or `"mixed_bfloat16"`; `None` is Keras's own
            choice, `keras.config.dtype_policy()`. Regression and set are float32 in any case.
        pool_size: Networks in the pool.
        max_online_steps: Age at which a network is replaced.
        batch_size: Target images per step.
        steps: Distillation steps.
        epochs: Parts into which the steps are divided, at most one per step; each ends with a
            validation.
        learning_rate: Initial rate of LAMB on the set, with cosine decay.
        final_learning_rate: Share of `learning_rate` that is left after the last step.
        inner_learning_rate: Rate of Adam on the networks.
        regularization: Ridge, relative to the mean of the kernel's diagonal.
        crucial_fraction: Share of each batch that is kept.
        isa_interval: Interval of the augmentation; (0, 0) is off.
        pairing: Partners of the augmentation.
        reduction: `"class_mean"` or `"half_sum"`.
        flip: Whether the set is joined by its mirror images in the regression.
        learn_labels: Whether labels are trained.
        validation_split: Share of the training data that chooses the best set.
        steps_per_execution: Steps per compiled call, or `"auto"`.
        recipe: How networks are trained on the set (`keras_isa.evaluation.Recipe`).

    Raises:
        TypeError: If `recipe` is no mapping, or `flip` or `learn_labels` neither true nor false.
        ValueError: If a number is out of range or a word unknown.

    Example:

    >>> from keras_isa.presets import Settings
    >>> Settings(images_per_class=1).with_changes(steps=100).steps
    100
    """

    images_per_class: int | tuple[int, ...]
    preprocessing: str = "standardize"
    width: int = 128
    depth: int | None = None
    normalization: str = "batch"
    dtype_policy: str | None = None
    pool_size: int = 10
    max_online_steps: int = 100
    batch_size: int = 1024
    steps: int = 500_000
    epochs: int = 10
    learning_rate: float = 3e-4
    final_learning_rate: float = 0.1
    inner_learning_rate: float = 3e-4
    regularization: float = 1e-6
    crucial_fraction: float = 0.8
    isa_interval: tuple[float, float] = (0.0, 0.5)
    pairing: str = "nearest"
    reduction: str = "class_mean"
    flip: bool = False
    learn_labels: bool = True
    validation_split: float = 0.1
    steps_per_execution: int | str = "auto"
    recipe: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        checked = {
            **{name: whole_number(name, getattr(self, name)) for name in _COUNTS},
            **{name: positive_number(name, getattr(self, name)) for name in _RATES},
            **{name: true_or_false(name, getattr(self, name)) for name in _FLAGS},
            **{name: one_of(name, getattr(self, name), words) for name, words in _WORDS.items()},
            "images_per_class": _checked_counts(self.images_per_class),
            "depth": None if self.depth is None else whole_number("depth", self.depth),
            "dtype_policy": _checked_policy(self.dtype_policy),
            "final_learning_rate": check_share("final_learning_rate", self.final_learning_rate),
            "regularization": check_regularization(self.regularization),
            "crucial_fraction": check_fraction(self.crucial_fraction, "crucial_fraction"),
            "isa_interval": check_interval(self.isa_interval, "isa_interval"),
            "validation_split": check_share("validation_split", self.validation_split),
            "steps_per_execution": check_steps_per_execution(self.steps_per_execution),
            "recipe": Recipe.from_dict(self.recipe).to_dict(),
        }
        checked["epochs"] = min(checked["epochs"], checked["steps"])
        for name, value in checked.items():
            object.__setattr__(self, name, value)  # the only way in: the dataclass is frozen

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Settings:
        """Makes settings from names and values.

        Args:
            values: Field names and values; missing fields take their defaults.

        Raises:
            ValueError: If a name is not a field.
        """
        check_keys(values, [field.name for field in dataclasses.fields(cls)], "settings")
        return cls(**values)

    def with_changes(self, **changes: Any) -> Settings:
        """Returns a copy in which every change that is not `None` is made.

        Args:
            **changes: Field names and values.

        Raises:
            ValueError: If a name is not a field, or a number is out of range.
        """
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return Settings.from_dict({**fields, **{k: v for k, v in changes.items() if v is not None}})

    def to_dict(self) -> dict[str, Any]:
        """Returns the settings as JSON-compatible values."""
        values = dataclasses.asdict(self)
        return {key: list(v) if isinstance(v, tuple) else v for key, v in values.items()}

    def __str__(self) -> str:
        """One line per setting."""
        return "\n".join(f"  {name} = {value}" for name, value in self.to_dict().items())


def check_steps_per_execution(value: Any) -> int | str:
    """Returns `"auto"` or a positive integer, or raises a ValueError for anything else."""
    if isinstance(value, str) and value == "auto":
        return value
    if not is_count(value):
        raise ValueError(
            "`steps_per_execution` must be 'auto' or a positive integer. "
            f"Received: steps_per_execution={value!r}"
        )
    return int(value)


def _checked_policy(dtype_policy: Any) -> str | None:
    return None if dtype_policy is None else one_of("dtype_policy", dtype_policy, DTYPE_POLICIES)


def _checked_counts(images_per_class: Any) -> int | tuple[int, ...]:
    several = isinstance(images_per_class, (tuple, list))
    counts = tuple(images_per_class) if several else (images_per_class,)
    if not counts or not all(is_count(count) for count in counts):
        raise ValueError(
            "`images_per_class` must be a positive integer, or one for each class. "
            f"Received: images_per_class={images_per_class!r}"
        )
    counts = tuple(int(count) for count in counts)
    return counts if several else counts[0]
