"""Class-incremental learning with a memory of distilled or of random real images."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from keras_isa import backend
from keras_isa.asset.distilled_data import DistilledData
from keras_isa.asset.recipe import Recipe
from keras_isa.datasets.dataset import Dataset
from keras_isa.evaluation.replay_buffer import DistilledReplayBuffer
from keras_isa.evaluation.students import Students
from keras_isa.global_settings import in_standard_settings
from keras_isa.inputs.checks import check_keys
from keras_isa.methods.base import DistillationTrainer
from keras_isa.methods.frepo import FRePoTrainer
from keras_isa.ops.arguments import instance_of, seed_number, whole_number
from keras_isa.presets import settings_for

# What makes the set of a step: of the new classes' training images, and a seed.
Memory = Callable[[Dataset, int], DistilledData]


def random_memory(images_per_class: int) -> Memory:
    """Returns what keeps random real images of each class.

    Args:
        images_per_class: How many of each class.
    """

    whole_number("images_per_class", images_per_class)

    def remember(part: Dataset, seed: int) -> DistilledData:
        about = {"class_names": part.class_names, "pixel_range": part.pixel_range}
        return DistilledData.from_samples(part.x, part.y, images_per_class, seed=seed, **about)

    return remember


def distilled_memory(
    images_per_class: int, method: type[DistillationTrainer] = FRePoTrainer, **changes: Any
) -> Memory:
    """Returns what distils the images of each step.

    Args:
        images_per_class: Images of each class in the set.
        method: The class of the trainer.
        **changes: Settings to change from those for the data.

    Raises:
        TypeError: If `method` is no class of a trainer.
        ValueError: If a number is out of range, or the method has no such setting.
    """
    whole_number("images_per_class", images_per_class)
    if not (isinstance(method, type) and issubclass(method, DistillationTrainer)):
        raise TypeError(f"`method` must be a class of a trainer. Received: method={method!r}")
    check_keys(changes, [field.name for field in dataclasses.fields(method.Config)], "changes")

    def remember(part: Dataset, seed: int) -> DistilledData:
        accelerated = backend.has_accelerator()
        settings = settings_for(part, images_per_class, accelerated, config=method.Config)
        settings = settings.with_changes(**changes)
        trainer = method.for_data(part, settings, seed=seed)
        trainer.fit(part, validation_split=settings.validation_split, verbose=0)
        return trainer.distilled

    return remember


def class_order(num_classes: int, seed: int) -> tuple[int, ...]:
    """Returns the order in which classes come.

    It is the permutation of NumPy's legacy generator, as in the experiments of FRePo and DM.

    Args:
        num_classes: Number of classes.
        seed: Seed of the order.

    Example:

    >>> from keras_isa.evaluation.continual_learning import class_order
    >>> class_order(10, 0)
    (2, 8, 4, 9, 1, 6, 7, 3, 0, 5)
    """
    order = np.random.RandomState(seed_number(seed)).permutation(num_classes)
    return tuple(int(one) for one in order)


@dataclasses.dataclass(frozen=True)
class IncrementalResult:
    """Accuracies of class-incremental learning in one order of classes.

    Args:
        order: The classes in the order in which they came.
        classes: Classes seen after each step.
        accuracies: For each step the accuracies of the networks on the test images of the classes
            seen so far, fractions.
    """

    order: tuple[int, ...]
    classes: tuple[int, ...]
    accuracies: tuple[tuple[float, ...], ...]

    @property
    def final(self) -> float:
        """Mean accuracy on all classes after the last step."""
        return float(np.mean(self.accuracies[-1]))

    def to_dict(self) -> dict[str, Any]:
        """Returns the result as JSON-compatible values."""
        return {**dataclasses.asdict(self), "final": self.final}


class ClassIncremental:
    """Classes come in steps; after each, networks learn anew from a memory of all classes seen.

    Networks are tested on all classes seen so far. Pixels are brought to the space of the first
    step's set, as no later one is known then. Source: the experiments of FRePo and DM, which follow
    Prabhu et al., "GDumb" (2020).

    Args:
        train: Training images of all classes.
        test: Test images of the same classes.
        steps: Steps, each with two classes or more; the last ones have one less if they cannot be
            equal.
        recipe: How networks are trained on the memory; by default as the settings for the data say.
        repeats: Networks per step.

    Raises:
        TypeError: If the data are no `Dataset`.
        ValueError: If a step would have fewer than two classes, or the test part lacks one.

    Example:

    >>> import keras_isa
    >>> from keras_isa.evaluation import ClassIncremental, Recipe, random_memory
    >>> train, test = keras_isa.datasets.load("digits")
    >>> recipe = Recipe(width=4, steps=2)
    >>> learning = ClassIncremental(train, test, steps=2, recipe=recipe, repeats=1)
    >>> result = learning.run(random_memory(1), order=0)
    >>> result.classes, len(result.accuracies)
    ((5, 10), 2)
    """

    def __init__(
        self,
        train: Dataset,
        test: Dataset,
        *,
        steps: int = 5,
        recipe: Recipe | None = None,
        repeats: int = 3,
    ) -> None:
        self._train = instance_of("train", train, Dataset)
        self._test = instance_of("test", test, Dataset)
        self._steps = whole_number("steps", steps)
        if train.task != "classification" or train.num_classes < 2 * self._steps:
            raise ValueError(
                "`steps` must leave two classes or more for each step: a set of one class tells "
                f"nothing apart. Received: steps={steps} for {train.num_classes} classes"
            )
        if recipe is None:
            settings = settings_for(train, 1, backend.has_accelerator())
            recipe = Recipe.from_dict({**settings.recipe, "steps": None}, train.image_shape)
        if test.class_names != train.class_names or len(set(test.y.tolist())) < test.num_classes:
            raise ValueError(
                "`test` must have the classes of `train`, each with an image. Received: "
                f"{len(set(test.y.tolist()))} of {train.num_classes} classes"
            )
        self._recipe = instance_of("recipe", recipe, Recipe)
        self._repeats = whole_number("repeats", repeats)
        self._students: dict[int, Students] = {}

    @in_standard_settings
    def run(self, memory: Memory, order: int = 0, seed: int = 0) -> IncrementalResult:
        """Goes through all steps with one memory.

        Args:
            memory: Makes the set of a step, such as `random_memory` or `distilled_memory`.
            order: Seed of the order of classes, see `class_order`.
            seed: Seed of the sets and networks.

        Returns:
            The accuracies.
        """
        if not callable(memory):
            raise TypeError(f"`memory` must be a function. Received: memory={memory!r}")
        whole_number("order", order, 0)
        train, test = self._train, self._test
        classes = class_order(train.num_classes, order)
        buffer, space, found, seen = DistilledReplayBuffer(train.num_classes), None, [], []
        for group in np.array_split(np.asarray(classes), self._steps):
            group = [int(one) for one in group]
            part = train.select_classes([train.class_names[one] for one in group])
            distilled = memory(part, seed)
            space = space or distilled
            buffer.add(distilled, group)
            images, labels = buffer.to_numpy()
            students = self._students_for(len(images))
            students.train(space.preprocess(images), labels, seed=seed)
            rows = np.flatnonzero(np.isin(test.y, buffer.classes))
            accuracies = students.accuracies(test.x[rows], test.y[rows], space, 1e-6)[0]
            found.append(tuple(float(value) for value in accuracies))
            seen.append(len(buffer.classes))
        return IncrementalResult(classes, tuple(seen), tuple(found))

    def _students_for(self, rows: int) -> Students:
        if rows not in self._students:
            about = rows, self._train.image_shape, self._train.num_classes, self._recipe
            self._students[rows] = Students(*about, repeats=self._repeats)
        return self._students[rows]
