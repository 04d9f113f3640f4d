"""Trains networks by one recipe on any set, and tests them on the same test images."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_isa.asset.distilled_data import DistilledData
from keras_isa.asset.recipe import Recipe
from keras_isa.evaluation.architectures import best_rate
from keras_isa.evaluation.regression import RegressionScores
from keras_isa.evaluation.scores import Scores
from keras_isa.evaluation.stored import stored_predictor
from keras_isa.evaluation.students import Students
from keras_isa.training.progress import StepBar

# Losses whose labels are probabilities, or logits.
_SOFT = ("soft_cross_entropy", "logit_cross_entropy")
# A network puts five of more classes first.
_TOP = 5


@dataclasses.dataclass
class TestData:
    """Test images, as networks are to see them.

    Args:
        x: Images `(N, ...)`, in pixel units, or in model space if that takes long.
        y: Their classes `(N,)`, or targets `(N, K)` in their own units.
        preprocess: Takes `x` to model space.
    """

    __test__ = False  # no test, for pytest

    x: Any
    y: np.ndarray
    preprocess: Callable

    @classmethod
    def of(cls, distilled: DistilledData, x: Any, y: np.ndarray) -> TestData:
        """Test images for networks that are trained on a set.

        Args:
            distilled: The set.
            x: Images `(N, ...)` in pixel units.
            y: Their classes or targets.
        """
        if distilled.elementwise:
            return cls(x, y, distilled)
        return cls(distilled.preprocess(x), y, np.asarray)  # whitened once, not for each set anew


def hard_recipe(recipe: Recipe) -> Recipe:
    """Returns a recipe for labels that are classes, where that of a set is for soft labels.

    Args:
        recipe: The recipe of the set.

    Example:

    >>> from keras_isa.evaluation import Recipe
    >>> from keras_isa.evaluation.bench import hard_recipe
    >>> hard_recipe(Recipe(loss="logit_cross_entropy")).loss
    'cross_entropy'
    """
    if recipe.loss not in _SOFT:
        return recipe
    return dataclasses.replace(recipe, loss="cross_entropy")


class Bench:
    """Trains networks on sets by a recipe, compiled once for each size, and tests them.

    Args:
        distilled: The distilled set, whose space and classes the others have.
        test: The test images.
        recipe: How networks are trained.
        network: Function of the user that builds another network, or `None`.
        repeats: Networks per set.
        seed: Seed of weights and augmentation.
        verbose: Whether to show progress.
    """

    def __init__(
        self,
        distilled: DistilledData,
        test: TestData,
        recipe: Recipe,
        network: Callable[[], keras.Model] | None = None,
        *,
        repeats: int,
        seed: int,
        verbose: bool = False,
    ) -> None:
        self.distilled, self.test, self.recipe, self.network = distilled, test, recipe, network
        self.repeats, self.seed, self._verbose = repeats, seed, verbose
        self.regression = stored_predictor(distilled)
        self._made: dict[tuple, Students] = {}

    def students(self, rows: int, recipe: Recipe | None = None, repeats: int = 0) -> Students:
        """Returns the networks for sets of a size, compiled once.

        Args:
            rows: Images of a set.
            recipe: Another recipe than that of the bench.
            repeats: Another number of networks.
        """
        key = rows, recipe or self.recipe, repeats or self.repeats
        if key not in self._made:
            about = rows, self.distilled.image_shape, self.distilled.num_classes, key[1]
            self._made[key] = Students(*about, repeats=key[2], network=self.network)
        return self._made[key]

    def score(
        self,
        title: str,
        images: np.ndarray,
        labels: np.ndarray,
        recipe: Recipe | None = None,
        rate: float = 1.0,
        diverged: float | None = None,
    ) -> Scores | RegressionScores:
        """Trains networks on a set and tests them.

        Args:
            title: Name of the set, for the progress.
            images: Images in model space, `(n, ...)` or one set for each network `(r, n, ...)`.
            labels: Their labels `(n, C)` or `(r, n, C)`.
            recipe: Another recipe than that of the bench.
            rate: Factor of the learning rate.
            diverged: As in `scores_of`.
        """
        students = self.students(labels.shape[-2], recipe)
        progress = self.progress(title, students.steps)
        students.train(images, labels, seed=self.seed, progress=progress, rates=(rate,))
        return self.scores_of([students], diverged)

    def train_at_best_rate(
        self, images: np.ndarray, labels: np.ndarray, judge: TestData, recipe: Recipe | None = None
    ) -> tuple[float, dict[float, float]]:
        """Trains the networks for a set at the best of a few learning rates.

        Args:
            images: As in `score`.
            labels: As in `score`.
            judge: The images on which the rate is chosen.
            recipe: As in `score`.

        Returns:
            What `keras_isa.evaluation.architectures.best_rate` returns.
        """
        recipe = recipe or self.recipe
        students = self.students(labels.shape[-2], recipe)

        def score() -> np.ndarray:
            return self.quick_scores(students, judge)

        return best_rate(students, images, labels, recipe.learning_rate, score, self.seed)

    def progress(self, title: str, steps: int) -> Callable[[int], None] | None:
        """Returns what shows the progress of a training, `None` where nothing is to be shown.

        Args:
            title: Name of the set.
            steps: Training steps.
        """
        if not self._verbose:
            return None
        print(f"Training networks on: {title}")
        return StepBar(steps).update

    def scores_of(
        self, trained: list[Students], diverged: float | None = None
    ) -> Scores | RegressionScores:
        """Returns the scores of trained networks on the test images.

        Args:
            trained: Groups of networks.
            diverged: The accuracy of networks whose predictions are not finite; `None` raises an
                error.

        Raises:
            RuntimeError: If predictions are not finite.
        """
        if self.distilled.is_regression:
            errors = np.concatenate([self._errors(one, self.test) for one in trained], axis=1)
            return RegressionScores.of(errors, self.test.y, self.distilled.class_names)
        kinds = [*np.concatenate([self._accuracies(one, self.test) for one in trained], axis=1)]
        if self.distilled.num_classes > _TOP:
            top = [self._accuracies(one, self.test, top=_TOP)[0] for one in trained]
            kinds.append(np.concatenate(top))
        if diverged is not None:
            kinds = [np.nan_to_num(kind, nan=diverged) for kind in kinds]
        return Scores(*(tuple(float(value) for value in kind) for kind in kinds))

    def quick_scores(self, students: Students, images: TestData) -> np.ndarray:
        """Returns the accuracy or R^2 of each network, `(r,)`, NaN where it diverged.

        Args:
            students: Trained networks.
            images: What they are tested on.
        """
        if self.distilled.is_regression:
            return np.mean(1 - self._errors(students, images)[0] / images.y.var(axis=0), axis=-1)
        return self._accuracies(students, images)[0]

    def _accuracies(self, students: Students, images: TestData, top: int = 1) -> np.ndarray:
        about = images.x, images.y, images.preprocess
        return students.accuracies(*about, **self.regression, top=top)

    def _errors(self, students: Students, images: TestData) -> np.ndarray:
        about = images.x, images.y, images.preprocess, self.distilled.restore_targets
        return students.squared_errors(*about, **self.regression)

    def seconds_per_step(self, images: np.ndarray, labels: np.ndarray) -> float:
        """Takes the time of a step of all networks on a set.

        Args:
            images: The set, in model space.
            labels: Its labels.
        """
        return self.students(labels.shape[-2]).seconds_per_step(images, labels)
