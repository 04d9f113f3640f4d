"""How networks are trained on a distilled set."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras

from keras_isa import backend
from keras_isa.checks import check_keys
from keras_isa.layers.evaluation_augmentation import OPERATIONS
from keras_isa.models.default import default_network
from keras_isa.ops.arguments import positive_number, whole_number, words_of

# Steps by size of the set: the entry with the nearest size not below it counts (FRePo's protocol
# with the step counts of the code released with the crucial-samples paper).
_STEPS = {10: 1000, 100: 2000, 200: 2000, 500: 5000, 1000: 4000, 2000: 5000}
_STEPS_BEYOND = 40000


@dataclasses.dataclass(frozen=True)
class Recipe:
    """FRePo's evaluation protocol (Zhou et al. 2022), with its numbers open to change.

    A ConvNet without normalisation is trained from scratch with Adam: linear warm-up, cosine decay
    to 1 %, half the squared error summed over classes on the set's labels, one kind of augmentation
    per batch.

    Args:
        width: Channels of the ConvNet's first block, or what `default_network` makes of it.
        depth: Blocks of the ConvNet; `None` lets the image size decide.
        learning_rate: Peak learning rate.
        steps: Training steps; `None` lets the size of the set decide.
        warmup_steps: Steps of the warm-up, at most half of all.
        batch_size: Rows per step, at most the whole set; larger sets are walked through in order.
        augmentation: Operations of `EvaluationAugmentation`; empty for none, as flat features need.

    Raises:
        ValueError: If a number is out of range or an operation unknown.

    Example:

    >>> from keras_isa.evaluation import Recipe
    >>> Recipe(width=32).steps_for(10)
    1000
    """

    width: int = 128
    depth: int | None = None
    learning_rate: float = 3e-4
    steps: int | None = None
    warmup_steps: int = 500
    batch_size: int = 500
    augmentation: tuple[str, ...] = ("crop", "rotate", "translate", "cutout", "color")

    def __post_init__(self) -> None:
        checked = {
            name: whole_number(name, getattr(self, name), least)
            for name, least in (("width", 1), ("warmup_steps", 0), ("batch_size", 1))
        }
        for name in ("steps", "depth"):
            if getattr(self, name) is not None:
                checked[name] = whole_number(name, getattr(self, name))
        checked["learning_rate"] = positive_number("learning_rate", self.learning_rate)
        checked["augmentation"] = words_of("augmentation", self.augmentation, OPERATIONS)
        for name, value in checked.items():
            object.__setattr__(self, name, value)  # the only way in: the dataclass is frozen

    @classmethod
    def from_dict(
        cls, values: Mapping[str, Any], image_shape: Sequence[int] | None = None
    ) -> Recipe:
        """Makes a recipe from what an asset stores.

        Args:
            values: Field names and values; missing fields take their defaults.
            image_shape: Shape of the images it is for; flat features, `(F,)`, have no augmentation
                in the place of the default one.

        Raises:
            TypeError: If `values` is no mapping.
            ValueError: If a name is not a field, or a value out of range.
        """
        check_keys(values, [field.name for field in dataclasses.fields(cls)], "recipe")
        recipe = cls(**values)
        flat = image_shape is not None and len(image_shape) == 1
        if flat and recipe.augmentation == cls.augmentation:
            return dataclasses.replace(recipe, augmentation=())
        return recipe

    def to_dict(self) -> dict[str, Any]:
        """Returns the recipe as JSON-compatible values."""
        return {**dataclasses.asdict(self), "augmentation": list(self.augmentation)}

    def steps_for(self, rows: int) -> int:
        """Training steps for a set of `rows` images."""
        if self.steps is not None:
            return self.steps
        return next((steps for size, steps in _STEPS.items() if rows <= size), _STEPS_BEYOND)

    def builder(
        self, image_shape: tuple[int, ...], num_classes: int, vectorized: bool
    ) -> Callable[[], keras.Model]:
        """Returns a function that builds the recipe's network: a ConvNet, an MLP for flat features.

        Args:
            image_shape: `(height, width, channels)` or `(features,)`.
            num_classes: Number of classes.
            vectorized: Whether it will run for several sets of weights at once. A vectorised
                convolution is a grouped one, which CPUs compute slowly; a matrix product is not.
        """
        on_cpu = not backend.has_accelerator()
        implementation = "patches" if vectorized and on_cpu else "auto"
        return lambda: default_network(
            image_shape,
            num_classes,
            width=self.width,
            depth=self.depth,
            normalization="identity",
            implementation=implementation,
        )
