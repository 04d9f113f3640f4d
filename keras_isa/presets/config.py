"""Settings of a run as fields, each with its check, its description and its search range."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, TypeVar

from keras_isa.asset.recipe import Recipe, changed_recipe
from keras_isa.global_settings import DTYPE_POLICIES
from keras_isa.inputs.checks import check_keys
from keras_isa.inputs.targets import TASKS
from keras_isa.layers.preprocessing import PREPROCESSING
from keras_isa.models.convnet import NORMALIZATIONS
from keras_isa.models.default import default_flops
from keras_isa.ops.arguments import image_shape_of, is_count, one_of, positive_number, whole_number
from keras_isa.ops.counts import checked_counts, simplest
from keras_isa.ops.splits import check_share
from keras_isa.parametrizations import parametrization_of
from keras_isa.parametrizations.words import FORMS

C = TypeVar("C", bound="Config")

# Strategies and objectives of a search: here, as the command line lists them without keras-tuner.
TUNERS = ("random", "hyperband", "bayesian", "grid")
OBJECTIVES = ("krr", "students")


# The greatest number of rows of the set that train a network in one step, as in FRePo.
MOST_INNER_ROWS = 1000
# The floating-point operations per second of convolutions on two cores of a CPU, and the seconds
# for distillation and for networks trained on the set, so that the command takes five minutes.
_CPU_FLOPS = 6e10
_CPU_SECONDS = 110.0
_CPU_STUDENT_SECONDS = 25.0
_CPU_WIDTH = 32
_CPU_UPDATES = 4
_STUDENTS = 5
# The greatest number of rows per step of a network that is trained on the set.
_MOST_STUDENT_ROWS = 500


class Range(NamedTuple):
    """Bounds between which a tuner searches a number.

    Args:
        low: Lowest value.
        high: Highest value.
        log: Whether it is searched on a logarithmic scale.
        whole: Whether it is an integer.
    """

    low: float
    high: float
    log: bool = False
    whole: bool = False


class Choices(NamedTuple):
    """Values out of which a tuner chooses."""

    values: tuple


def setting(
    default: Any, check: Callable[[str, Any], Any], text: str, search: Range | Choices | None = None
) -> Any:
    """Returns the field of a setting, for a subclass of `Config`.

    Args:
        default: Its default value.
        check: Function that takes name and value and returns the value to be kept, or raises.
        text: What it means in one or two sentences, for the command line and the documentation.
        search: The range or choices that a tuner searches; `None` if it may not be searched.
    """
    metadata = {"check": check, "text": text, "search": search}
    if isinstance(default, dict):
        return dataclasses.field(default_factory=lambda: dict(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def words(*allowed: str) -> Callable[[str, Any], str]:
    """Returns a check that a setting is one of these words."""
    return lambda name, value: one_of(name, value, allowed)


def optional(check: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
    """Returns a check that also allows `None`, as such or as the word of a command line."""

    def checked(name: str, value: Any) -> Any:
        is_none = value is None or (isinstance(value, str) and value.lower() == "none")
        return None if is_none else check(name, value)

    return checked


def described(cls: type[C]) -> type[C]:
    """Decorates a `Config`: adds the descriptions of the fields to its docstring."""
    lines: list[str] = []
    layout = {"initial_indent": " " * 8, "subsequent_indent": " " * 12, "break_on_hyphens": False}
    for field in dataclasses.fields(cls):
        lines += textwrap.wrap(f"{field.name}: {field.metadata['text']}", 100, **layout)
    arguments = "\n".join(lines)
    cls.__doc__ = (
        f"{cls.__doc__.rstrip()}\n\n    Args:\n{arguments}\n\n    Raises:\n"
        "        TypeError, ValueError: If a setting is not usable.\n    "
    )
    return cls


def check_steps_per_execution(name: str, value: Any) -> int | str:
    """Returns `"auto"` or a positive integer, or raises a ValueError for anything else."""
    if isinstance(value, str) and value == "auto":
        return value
    if not is_count(value):
        raise ValueError(
            f"`{name}` must be 'auto' or a positive integer. Received: {name}={value!r}"
        )
    return int(value)


def _checked_counts(name: str, value: Any) -> int | tuple[int, ...]:
    several = isinstance(value, (tuple, list))
    counts = tuple(value) if several else (value,)
    if not counts or not all(is_count(count) for count in counts):
        raise ValueError(
            f"`{name}` must be a positive integer, or one for each class. "
            f"Received: {name}={value!r}"
        )
    counts = tuple(int(count) for count in counts)
    return counts if several else counts[0]


def _checked_parametrization(name: str, value: Any) -> str:
    return str(parametrization_of(value, name))


def recipe_by(make: Callable[..., Recipe]) -> Callable[[str, Any], dict[str, Any]]:
    """Returns a check of a recipe whose missing fields are those of another one.

    Args:
        make: Takes fields of `Recipe` and returns the recipe.
    """

    def check(name: str, value: Any) -> dict[str, Any]:
        check_keys(value, [field.name for field in dataclasses.fields(Recipe)], name)
        return make(**value).to_dict()

    return check


def _checked_recipe(name: str, value: Any) -> dict[str, Any]:
    return Recipe.from_dict(value).to_dict()


@described
@dataclasses.dataclass(frozen=True)
class Config:
    """Settings that every method has; a method adds its own in a subclass.

    A subclass is a frozen dataclass with fields that `setting` makes. The command line, presets,
    tuner and documentation read the fields, so that each setting is described in one place.
    """

    # The name of the method and of the folder of its presets.
    method: ClassVar[str] = ""
    # The settings that a tuner searches by default.
    searched: ClassVar[tuple[str, ...]] = ("learning_rate",)
    # The settings that `derived` chooses well for the method.
    derives: ClassVar[tuple[str, ...]] = (
        *("images_per_class", "width", "batch_size", "steps", "epochs", "patience", "recipe"),
    )
    # Settings that `derived` has for regression.
    for_regression: ClassVar[Mapping[str, Any]] = {}
    # Why the method cannot learn targets of a regression; `None` if it can.
    no_regression: ClassVar[str | None] = "it learns classes"
    # The settings that a table of presets shows.
    shown: ClassVar[tuple[str, ...]] = (
        *("steps", "updates_per_batch", "width", "batch_size", "preprocessing"),
    )
    # Settings that every method has and this one does not use.
    not_used: ClassVar[tuple[str, ...]] = ()
    # The settings of a preset that suit its data on any hardware, where the method has them.
    of_data: ClassVar[tuple[str, ...]] = ("preprocessing", "augmentation")

    images_per_class: int | tuple[int, ...] = setting(
        dataclasses.MISSING,
        _checked_counts,
        "Images per class of the distilled set, one number or one for each class.",
    )
    parametrization: str = setting(
        "identity",
        _checked_parametrization,
        f"How images follow from what the set stores: {FORMS}.",
    )
    preprocessing: str = setting(
        "standardize",
        words(*PREPROCESSING),
        "How pixels are brought to model space: none, standardize, zca or block_zca.",
    )
    width: int = setting(128, whole_number, "Channels of the first block of the networks.")
    depth: int | None = setting(
        None,
        optional(whole_number),
        "Blocks of the networks; with None the image size decides.",
    )
    normalization: str = setting(
        "batch",
        words(*NORMALIZATIONS),
        "Normalisation of the networks: identity, batch or instance.",
    )
    dtype_policy: str | None = setting(
        None,
        optional(words(*DTYPE_POLICIES)),
        "Dtype policy of the networks: float32 or mixed_bfloat16; None is Keras's own, "
        "`keras.config.dtype_policy()`. The set is float32 in any case.",
    )
    batch_size: int = setting(1024, whole_number, "Real images per step.")
    updates_per_batch: int = setting(
        1,
        whole_number,
        "Updates of the set per batch of real images, whose features are computed once (data "
        "echoing); `steps` counts batches.",
    )
    steps: int = setting(500_000, whole_number, "Distillation steps, a batch each.")
    epochs: int = setting(
        10,
        whole_number,
        "Parts into which the steps are divided, at most one per step. Each ends with a "
        "validation.",
    )
    patience: int | None = setting(
        None,
        optional(whole_number),
        "Epochs without a better score on the held-out images after which training stops; with "
        "None it does not stop before its last step.",
    )
    learning_rate: float = setting(
        3e-4, positive_number, "Initial learning rate of the set.", Range(1e-3, 3e-2, log=True)
    )
    ema_momentum: float | None = setting(
        None,
        optional(check_share),
        "Momentum of the moving average of the set, corrected for its start, which is then judged "
        "and kept in place of the set that is trained; None for none.",
    )
    validation_split: float = setting(
        0.1, check_share, "Share of the training data that chooses the best set."
    )
    steps_per_execution: int | str = setting(
        "auto", check_steps_per_execution, "Steps per compiled call, or auto."
    )
    recipe: Mapping[str, Any] = setting(
        {}, _checked_recipe, "How networks are trained on the set (`keras_isa.evaluation.Recipe`)."
    )

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = field.metadata["check"](field.name, getattr(self, field.name))
            object.__setattr__(self, field.name, value)  # the dataclass is frozen
        object.__setattr__(self, "epochs", min(self.epochs, self.steps))

    @property
    def updates(self) -> int:
        """Updates of the set in all steps, over which a schedule of its rate runs."""
        return self.steps * self.updates_per_batch

    @property
    def averaging(self) -> dict[str, Any]:
        """Arguments of a Keras optimizer of the set, for its moving average."""
        if self.ema_momentum is None:
            return {}
        return {"use_ema": True, "ema_momentum": self.ema_momentum}

    @property
    def equal_epochs(self) -> int:
        """As many epochs as `epochs`, or the next lower number that divides the steps."""
        return max(n for n in range(1, self.epochs + 1) if self.steps % n == 0)

    @classmethod
    def check_task(cls, task: str) -> None:
        """Raises a ValueError with the reason if the method does not have a task.

        Args:
            task: `"classification"` or `"regression"`.
        """
        if one_of("task", task, TASKS) == "regression" and cls.no_regression is not None:
            name = cls.method or cls.__name__
            raise ValueError(
                f"`task` must be 'classification' for the method {name}: {cls.no_regression}. "
                "Received: task='regression'"
            )

    @classmethod
    def derived(
        cls: type[C],
        image_shape: Sequence[int],
        num_classes: int,
        train_size: int,
        images_per_class: int | Sequence[int],
        accelerated: bool,
        task: str = "classification",
    ) -> C:
        """Chooses settings for a data set that has no preset, as `derive_settings` describes.

        These are FRePo's values of the settings in `derives`. A method of distillation whose steps
        have other costs overrides this method.

        Args:
            image_shape: `(height, width, channels)`, `(steps, features)` or `(features,)`.
            num_classes: Number of classes.
            train_size: Training images.
            images_per_class: Images per class of the set, one number or one for each class.
            accelerated: Whether a GPU or TPU computes.
            task: `"classification"` or `"regression"`, for which `images_per_class` is the number
                of rows of the set, and images are not augmented, as that may change their targets.
        """
        image_shape = image_shape_of("image_shape", image_shape)
        train_size = whole_number("train_size", train_size)
        regression = one_of("task", task, TASKS) == "regression"
        counts = checked_counts(images_per_class, 1 if regression else num_classes)
        rows, is_image = sum(counts), len(image_shape) == 3 and not regression
        flip = is_image and image_shape[2] == 3
        kinds = ("crop", "rotate", "translate", "cutout", "color", *(["flip"] if flip else []))
        recipe: dict[str, Any] = {"augmentation": kinds if is_image else ()}
        values = {"images_per_class": simplest(counts), "flip": flip, "recipe": recipe}
        if accelerated:
            values.update(batch_size=min(1024, train_size), steps=20_000)
        else:
            batch_size = min(256, train_size)
            image = default_flops(image_shape, num_classes, _CPU_WIDTH)
            # A target image costs 1 forward pass. An image of the set costs 2 with its gradient in
            # each update, and 3 when it trains a network of the pool.
            set_rows = rows * (2 if flip else 1)
            # Where the batch takes most of a step, it serves several updates, and half as many
            # batches are as good (benchmarks/NOTES.md).
            updates = _CPU_UPDATES if 2 * _CPU_UPDATES * set_rows <= batch_size else 1
            seconds = _CPU_SECONDS if updates == 1 else _CPU_SECONDS / 2
            inner = 3 * min(rows, MOST_INNER_ROWS)
            step = image * (batch_size + 2 * updates * set_rows + inner)
            # Multiples of 100 can be divided into epochs of equal length.
            most = 5000 if updates == 1 else 1200
            steps = _clipped(100 * round(seconds * _CPU_FLOPS / step / 100), 100, most)
            values.update(width=_CPU_WIDTH, batch_size=batch_size, steps=steps)
            values.update(updates_per_batch=updates, epochs=4, patience=2)
            values.update(learning_rate=1e-2, final_learning_rate=0.01)
            student_step = 3 * image * _STUDENTS * min(rows, _MOST_STUDENT_ROWS)
            steps = _clipped(_CPU_STUDENT_SECONDS * _CPU_FLOPS / student_step, 100, 2000)
            recipe.update(width=_CPU_WIDTH, learning_rate=1e-3, steps=steps)
        values = {name: value for name, value in values.items() if name in cls.derives}
        if regression:
            values.update(cls.for_regression)
        return cls(**values)

    @classmethod
    def from_dict(cls: type[C], values: Mapping[str, Any]) -> C:
        """Makes settings from names and values.

        Args:
            values: Field names and values; missing fields take their defaults.

        Raises:
            TypeError, ValueError: If a name is not a field, or a value is not usable.
        """
        check_keys(values, [field.name for field in dataclasses.fields(cls)], "settings")
        return cls(**values)

    def with_changes(self: C, **changes: Any) -> C:
        """Returns a copy in which every change that is not `None` is made.

        A `recipe` changes the fields that it names and leaves the others of the recipe, except that
        `steps` and `epochs` replace each other.

        Args:
            **changes: Field names and values.

        Raises:
            TypeError, ValueError: If a name is not a field, or a value is not usable.
        """
        given = {name: value for name, value in changes.items() if value is not None}
        if isinstance(given.get("recipe"), Mapping):
            given["recipe"] = changed_recipe(self.recipe, given["recipe"])
        check_keys(given, [field.name for field in dataclasses.fields(self)], "settings")
        return dataclasses.replace(self, **given)

    def to_dict(self) -> dict[str, Any]:
        """Returns the settings as JSON-compatible values."""
        values = dataclasses.asdict(self)
        return {key: list(v) if isinstance(v, tuple) else v for key, v in values.items()}

    def __str__(self) -> str:
        """One line per setting."""
        return "\n".join(f"  {name} = {value}" for name, value in self.to_dict().items())


def _clipped(value: float, low: int, high: int) -> int:
    return int(max(low, min(high, value)))
