"""How networks are trained on a distilled set: the evaluation protocols of FRePo and of DC."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras

from keras_isa import backend
from keras_isa.inputs.axes import kind_of
from keras_isa.inputs.checks import check_keys
from keras_isa.layers import evaluation_augmentation, siamese_augmentation
from keras_isa.models.architectures import VGG11, AlexNet, ImageMLP, ResNet18
from keras_isa.models.convnet import NORMALIZATIONS
from keras_isa.models.default import default_network
from keras_isa.ops import arguments

# The operations of each augmentation strategy.
STRATEGIES = {
    "frepo": evaluation_augmentation.OPERATIONS,
    "dsa": siamese_augmentation.OPERATIONS,
}

# Networks beside `default_network`, and the shares of the width that they begin with as published.
ARCHITECTURES: dict[str, tuple[Callable[..., keras.Model], float]] = {
    "alexnet": (AlexNet, 1.0),
    "vgg11": (VGG11, 0.5),
    "resnet18": (ResNet18, 0.5),
    "mlp": (ImageMLP, 1.0),
}

# Steps by the size of the set, of which the next larger entry counts. This is FRePo's protocol with
# the steps of the code released with the crucial-samples paper.
_STEPS = {10: 1000, 100: 2000, 200: 2000, 500: 5000, 1000: 4000, 2000: 5000}
_STEPS_BEYOND = 40000
_WORDS = {
    "loss": ("squared_error", "cross_entropy", "soft_cross_entropy", "logit_cross_entropy"),
    "optimizer": ("adam", "sgd"),
    "schedule": ("cosine", "step", "constant"),
    "normalization": NORMALIZATIONS,
    "strategy": tuple(STRATEGIES),
    "network": ("convnet", *ARCHITECTURES),
}


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How networks are trained from scratch on a distilled set, to evaluate it.

    The default is the evaluation protocol of FRePo (Zhou et al. 2022): a ConvNet without
    normalisation is trained with Adam, linear warm-up, cosine decay to 1 %, half the squared error
    summed over classes on the set's labels, and one kind of augmentation per batch. `dc_recipe`
    gives the protocol of DC, DSA, DM and MTT.

    Args:
        network: `"convnet"` for `default_network`, or for images `"alexnet"`, `"vgg11"`,
            `"resnet18"` or `"mlp"`, which have no `depth`.
        width: Width of the network as in `default_network`; for images the channels of the first
            block.
        depth: Number of blocks; with `None` the image size decides.
        learning_rate: Peak learning rate.
        steps: Training steps; with `None` they follow from `epochs` or, without epochs, from the
            size of the set.
        warmup_steps: Steps of the warm-up of the cosine schedule, at most half of all.
        decay_steps: Steps after which the cosine schedule has come to its end, with its warm-up;
            the rate stays as it is then. With `None` it ends with the training.
        batch_size: Rows per step, at most the whole set.
        augmentation: Operations of the strategy, which are for images only; empty for none.
        flip: Whether the set is joined by its mirror images (left to right).
        epochs: Passes through the set if `steps` is `None`, of `ceil(rows / batch_size)` steps
            each.
        shuffle: Whether each network takes the rows of a set that is larger than a batch in an
            order of its own, new in every epoch; otherwise it takes them in order. The last batch
            of an epoch is filled up with the first rows of the epoch.
        loss: `"squared_error"`; or a cross-entropy of the softmax of the logits:
            `"cross_entropy"`, in which a label stands for its largest class,
            `"soft_cross_entropy"`, whose labels are probabilities, or `"logit_cross_entropy"`,
            whose labels are logits that the softmax is taken of.
        optimizer: `"adam"` or `"sgd"`.
        momentum: Momentum of SGD.
        weight_decay: Weight decay of SGD, the share of every weight that is added to its gradient.
        schedule: `"cosine"` for linear warm-up and cosine decay to 1 %, `"step"` for a learning
            rate that is divided by 10 half-way, or `"constant"`.
        normalization: Normalisation of the network: `"identity"`, `"batch"`, or `"instance"` for
            images and sequences.
        constant_width: Whether all blocks have the same width.
        strategy: `"frepo"` augments with `EvaluationAugmentation`, `"dsa"` with a
            `SiameseAugmentation` whose parameters differ from image to image.
        centered: Whether networks learn, and predict, the difference from what they say before
            training, for the squared error and without augmentation.
        label_scale: Number by which labels are multiplied for training, and predictions divided by,
            for the squared error.

    Raises:
        TypeError: If an argument that must be `True` or `False` is not.
        ValueError: If a number is out of range, a word is unknown, the strategy does not have an
            operation, Adam is given a momentum or weight decay, or centred networks or scaled
            labels another loss or an augmentation.

    Example:

    >>> from keras_isa.evaluation import Recipe
    >>> Recipe(width=32).steps_for(10)
    1000
    """

    network: str = "convnet"
    width: int = 128
    depth: int | None = None
    learning_rate: float = 3e-4
    steps: int | None = None
    warmup_steps: int = 500
    decay_steps: int | None = None
    batch_size: int = 500
    augmentation: tuple[str, ...] = ("crop", "rotate", "translate", "cutout", "color")
    flip: bool = False
    epochs: int | None = None
    shuffle: bool = False
    loss: str = "squared_error"
    optimizer: str = "adam"
    momentum: float = 0.0
    weight_decay: float = 0.0
    schedule: str = "cosine"
    normalization: str = "identity"
    constant_width: bool = False
    strategy: str = "frepo"
    centered: bool = False
    label_scale: float = 1.0

    def __post_init__(self) -> None:
        checked = {
            name: arguments.whole_number(name, getattr(self, name), least)
            for name, least in (("width", 1), ("warmup_steps", 0), ("batch_size", 1))
        }
        for name in ("steps", "depth", "epochs", "decay_steps"):
            if getattr(self, name) is not None:
                checked[name] = arguments.whole_number(name, getattr(self, name))
        checked["learning_rate"] = arguments.positive_number("learning_rate", self.learning_rate)
        for name, words in _WORDS.items():
            arguments.one_of(name, getattr(self, name), words)
        for name in ("flip", "shuffle", "constant_width", "centered"):
            checked[name] = arguments.true_or_false(name, getattr(self, name))
        for name in ("momentum", "weight_decay"):
            checked[name] = self._number_of_sgd(name)
        operations = STRATEGIES[self.strategy]
        checked["augmentation"] = arguments.words_of("augmentation", self.augmentation, operations)
        checked["label_scale"] = arguments.positive_number("label_scale", self.label_scale)
        self._check_targets(checked["augmentation"])
        for name, value in checked.items():
            object.__setattr__(self, name, value)  # the dataclass is frozen

    def _check_targets(self, augmentation: tuple[str, ...]) -> None:
        """Checks what may go with targets that are not the labels themselves."""
        for name, plain in (("centered", False), ("label_scale", 1)):
            value = getattr(self, name)
            if value != plain and self.loss != "squared_error":
                raise ValueError(
                    f"`{name}` must be {plain} for loss={self.loss!r}: it is for "
                    f"'squared_error'. Received: {name}={value!r}"
                )
        if self.centered and augmentation:
            raise ValueError(
                "`centered` must be False with an augmentation: first outputs are those of the "
                "images as they are; pass `augmentation=()`. Received: centered=True and "
                f"augmentation={list(augmentation)}"
            )

    def _number_of_sgd(self, name: str) -> float:
        value = arguments.finite_number(name, getattr(self, name))
        if not 0 <= value < 1:
            raise ValueError(f"`{name}` must be from 0 to below 1. Received: {name}={value!r}")
        if value and self.optimizer != "sgd":
            raise ValueError(
                f"`{name}` must be 0 for optimizer={self.optimizer!r}: only 'sgd' has one. "
                f"Received: {name}={value!r}"
            )
        return value

    @classmethod
    def from_dict(
        cls, values: Mapping[str, Any], image_shape: Sequence[int] | None = None
    ) -> Recipe:
        """Makes a recipe from the values that an asset stores.

        Args:
            values: Field names and values; missing fields take their defaults.
            image_shape: Shape of the images, see `for_shape`.

        Raises:
            TypeError: If `values` is not a mapping.
            ValueError: If a name is not a field, a value is out of range, or the augmentation is
                for images and the shape is not that of images.
        """
        check_keys(values, [field.name for field in dataclasses.fields(cls)], "recipe")
        recipe = cls(**values)
        return recipe if image_shape is None else recipe.for_shape(image_shape)

    def for_shape(self, image_shape: Sequence[int]) -> Recipe:
        """Returns the recipe for images, sequences or flat features of a shape.

        For sequences and flat features the default augmentation is replaced by none.

        Args:
            image_shape: `(height, width, channels)`, `(steps, features)` or `(features,)`.

        Raises:
            ValueError: If the augmentation is not the default one and the shape is not that of
                images.
        """
        if self.network != "convnet" and len(image_shape) != 3:
            raise ValueError(
                f"`network` must be 'convnet' for {kind_of(image_shape)}, which stands for the "
                f"network of their own there. Received: network={self.network!r}"
            )
        if self.flip and len(image_shape) != 3:
            raise ValueError(
                f"`flip` must be False for {kind_of(image_shape)}: it mirrors images. "
                "Received: flip=True"
            )
        if len(image_shape) == 3 or not self.augmentation:
            return self
        defaults = {"frepo": type(self).augmentation, "dsa": STRATEGIES["dsa"]}
        if self.augmentation != defaults[self.strategy]:
            raise ValueError(
                f"`augmentation` must be empty for {kind_of(image_shape)}: its operations are "
                f"for images. Received: augmentation={self.augmentation!r}"
            )
        return dataclasses.replace(self, augmentation=())

    def rows_for(self, rows: int) -> int:
        """Returns the rows that networks see of a set of `rows` images: its mirror images too."""
        return 2 * rows if self.flip else rows

    def to_dict(self) -> dict[str, Any]:
        """Returns the recipe as JSON-compatible values."""
        return {**dataclasses.asdict(self), "augmentation": list(self.augmentation)}

    def steps_for(self, rows: int) -> int:
        """Returns the training steps for a set of `rows` images."""
        if self.steps is not None:
            return self.steps
        if self.epochs is not None:
            return self.epochs * math.ceil(rows / self.batch_size)
        return next((steps for size, steps in _STEPS.items() if rows <= size), _STEPS_BEYOND)

    def builder(
        self, image_shape: tuple[int, ...], num_classes: int, vectorized: bool
    ) -> Callable[[], keras.Model]:
        """Returns a function that builds the recipe's network, see `default_network`.

        Args:
            image_shape: `(height, width, channels)`, `(steps, features)` or `(features,)`.
            num_classes: Number of classes.
            vectorized: Whether it will run for several sets of weights at once. CPUs compute a
                vectorised convolution slowly, because it becomes a grouped one, so that it is
                computed as a matrix product there.
        """
        if self.network != "convnet":
            build, share = ARCHITECTURES[self.network]
            width = max(2, 2 * round(share * self.width / 2))
            about = {"width": width, "normalization": self.normalization}
            return functools.partial(build, image_shape, num_classes, **about)
        on_cpu = not backend.has_accelerator()
        implementation = "patches" if vectorized and on_cpu else "auto"
        names = ("width", "depth", "normalization", "constant_width")
        options = {name: getattr(self, name) for name in names}
        options["implementation"] = implementation
        return functools.partial(default_network, image_shape, num_classes, **options)


def changed_recipe(fields: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the fields of a recipe with changes.

    `steps` and `epochs` both say how long networks are trained: where one of them changes, it
    replaces the other. Where both do, steps count, as in every recipe.

    Args:
        fields: Fields of `Recipe` and their values.
        changes: Those that are to have other values.

    Example:

    >>> from keras_isa.asset.recipe import changed_recipe
    >>> changed_recipe({"width": 32, "steps": 200}, {"epochs": 100})
    {'width': 32, 'epochs': 100}
    """
    found = {**fields, **changes}
    lengths = ("steps", "epochs")
    changed = [name for name in lengths if found.get(name) not in (None, fields.get(name))]
    if len(changed) == 1:
        for name in set(lengths) - set(changed):
            found.pop(name, None)
    return found


def dc_recipe(**changes: Any) -> Recipe:
    """Returns the evaluation protocol of DC, DSA, DM and MTT, with changes if any are given.

    A ConvNet with instance normalisation and 128 channels in every block is trained with the
    cross-entropy for 1,000 epochs in batches of 256. The optimizer is SGD with a learning rate of
    0.01, divided by 10 half-way, momentum 0.9 and weight decay 5e-4. The augmentation is DSA with
    parameters that differ from image to image. Digits need an `augmentation` without `flip`, and
    flat features another `normalization`. Source: Zhao and Bilen (2021, 2023) and the code released
    with DM.

    Args:
        **changes: Fields of `Recipe` that are to have other values.

    Returns:
        The recipe.

    Raises:
        TypeError, ValueError: If a name is not a field, or a value is not usable.

    Example:

    >>> from keras_isa.evaluation import dc_recipe
    >>> recipe = dc_recipe(width=32)
    >>> recipe.width, recipe.steps_for(10), recipe.steps_for(500)
    (32, 1000, 2000)
    """
    published = {
        "learning_rate": 0.01,
        "warmup_steps": 0,
        "batch_size": 256,
        "augmentation": STRATEGIES["dsa"],
        "epochs": 1000,
        "shuffle": True,
        "loss": "cross_entropy",
        "optimizer": "sgd",
        "momentum": 0.9,
        "weight_decay": 5e-4,
        "schedule": "step",
        "normalization": "instance",
        "constant_width": True,
        "strategy": "dsa",
    }
    return Recipe(**{**published, **changes})
