"""DD-Ranking's scores of a distilled set, measured."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from keras_isa.asset.distilled_data import DistilledData
from keras_isa.asset.recipe import Recipe
from keras_isa.evaluation.architectures import FACTORS, held_out_rows
from keras_isa.evaluation.bench import Bench, TestData, hard_recipe
from keras_isa.evaluation.evaluate import evaluation_recipe, set_for_networks
from keras_isa.evaluation.real_sets import RealSets
from keras_isa.global_settings import in_standard_settings
from keras_isa.inputs.arrays import select
from keras_isa.ops.arguments import instance_of, one_of, seed_number, whole_number
from keras_isa.ops.robustness_scores import augmentation_robust_score, label_robust_score
from keras_isa.training.inputs import checked_data, dataset_or_pair

SELECTIONS = ("validation", "ddranking")
# The package ddranking tests a network so often: after every 20th of its 300 epochs.
_LOOKS = 15


@dataclasses.dataclass(frozen=True)
class Robustness:
    """DD-Ranking's scores, and the accuracies that they follow from.

    Args:
        label_robust: The label-robust score, `keras_isa.ops.label_robust_score`.
        augmentation_robust: The augmentation-robust score.
        accuracies: Mean test accuracies, fractions: of the set with its own and with hard labels,
            of random real images, of all real images, and of the set and random images without
            augmentation.
        selection: What learning rates were chosen by.
    """

    label_robust: float
    augmentation_robust: float
    accuracies: dict[str, float]
    selection: str

    def to_dict(self) -> dict[str, Any]:
        """Returns the scores as JSON-compatible values."""
        return dataclasses.asdict(self)

    def __str__(self) -> str:
        parts = [f"{name} {100 * value:.1f}" for name, value in self.accuracies.items()]
        chosen = {
            "validation": "held-out training images",
            "ddranking": "test images, as ddranking",
        }
        what = "learning rates"
        if self.selection == "ddranking":
            what += " and epochs"
        return (
            f"label-robust score {self.label_robust:.3f}, augmentation-robust score "
            f"{self.augmentation_robust:.3f}\n"
            f"test accuracy in %: {', '.join(parts)}\n"
            f"{what} chosen on {chosen[self.selection]}"
        )


@in_standard_settings
def robustness(
    distilled: DistilledData,
    test: Any,
    train: Any,
    *,
    recipe: Recipe | None = None,
    repeats: int = 5,
    weight: float = 0.5,
    selection: str = "validation",
    seed: int = 0,
) -> Robustness:
    """Measures how much of a set's accuracy is due to its images, not to labels or augmentation.

    Source: DD-Ranking (Li et al. 2025), whose formulas these are. For each row but that of all real
    images the learning rate is the best of three (`keras_isa.evaluation.FACTORS` times the
    recipe's).

    Args:
        distilled: The set.
        test: Test images, as in `evaluate`.
        train: Training images.
        recipe: How networks are trained; by default as the set says. A recipe without augmentation
            gives an augmentation-robust score in which augmentation plays no part.
        repeats: Networks per row.
        weight: Weight of the two parts of each score, in [0, 1].
        selection: `"validation"` chooses learning rates on held-out training images and gives
            scores of fractions. `"ddranking"` chooses as the package ddranking 0.2.0 does: on the
            test images, for each network the best accuracy of all rates and of fifteen looks along
            its training (the row of all real images has its last one). It averages the scores of
            the networks, and puts percent into the formula, so that scores may leave [0, 1]. The
            package's own recipes, five rates and labels of a teacher for random images are not
            part of it.
        seed: Seed of networks and draws.

    Returns:
        The scores and their parts.

    Raises:
        TypeError, ValueError: As `evaluate`.

    Example:

    >>> import keras_isa
    >>> from keras_isa.evaluation import Recipe, robustness
    >>> train, test = keras_isa.datasets.load("digits")
    >>> distilled = keras_isa.DistilledData.from_samples(train.x, train.y, 1)
    >>> found = robustness(distilled, test, train, recipe=Recipe(width=2, steps=2), repeats=1)
    >>> 0 <= found.label_robust <= 1
    True
    """
    if instance_of("distilled", distilled, DistilledData).is_regression:
        raise ValueError("`distilled` must have classes. Received: a set for regression")
    repeats, seed = whole_number("repeats", repeats), seed_number(seed)
    one_of("selection", selection, SELECTIONS)
    recipe = evaluation_recipe(distilled, recipe)
    (x, y), (x_train, y_train) = (
        checked_data(distilled, dataset_or_pair(data, name), names, name, named=True)
        for data, name, names in (
            (test, "test", ("x_test", "y_test")),
            (train, "train", ("x_train", "y_train")),
        )
    )
    tested = TestData.of(distilled, x, y)
    judge, accuracy = tested, _best_accuracies
    if selection == "validation":
        accuracy = _accuracy
        rows = held_out_rows(distilled, y_train, seed)
        judge = TestData.of(distilled, select(x_train, rows), y_train[rows])
    learned = set_for_networks(distilled, "learned")
    hard = set_for_networks(distilled, "hard")
    found: dict[str, Any] = {}
    for name, own in (("", recipe), (" plain", dataclasses.replace(recipe, augmentation=()))):
        bench = Bench(distilled, tested, own, repeats=repeats, seed=seed)
        real = RealSets(bench, x_train, y_train)
        found[f"distilled{name}"] = accuracy(bench, own, learned, judge)
        found[f"random{name}"] = accuracy(bench, hard_recipe(own), real.choose("random"), judge)
        if not name:
            found["hard labels"] = accuracy(bench, hard_recipe(own), hard, judge)
            real.choose("full")
            found["all real"] = float(np.mean(real.score("full", None).accuracies))
    options = {"weight": weight, "as_ddranking": selection == "ddranking"}
    label_robust, augmentation_robust = (
        score(*(found[name] for name in names), **options)
        for score, names in (
            (label_robust_score, ("hard labels", "all real", "distilled", "random")),
            (
                augmentation_robust_score,
                ("distilled", "random", "distilled plain", "random plain"),
            ),
        )
    )
    return Robustness(
        float(np.mean(label_robust)),
        float(np.mean(augmentation_robust)),
        {name: float(np.mean(value)) for name, value in found.items()},
        selection,
    )


def _accuracy(
    bench: Bench, recipe: Recipe, pair: tuple[np.ndarray, np.ndarray], judge: TestData
) -> float:
    """Mean test accuracy of networks trained at the best of a few learning rates."""
    images, labels = pair
    bench.train_at_best_rate(images, labels, judge, recipe)
    found = bench.scores_of([bench.students(labels.shape[-2], recipe)], diverged=0.0)
    return float(np.mean(found.accuracies))


def _best_accuracies(
    bench: Bench, recipe: Recipe, pair: tuple[np.ndarray, np.ndarray], judge: TestData
) -> np.ndarray:
    """The best test accuracy that each network has at any rate and in any look, `(r,)`."""
    images, labels = pair
    students = bench.students(labels.shape[-2], recipe)
    found: list[np.ndarray] = []

    def look() -> None:
        found.append(bench.quick_scores(students, judge))

    for factor in FACTORS:
        about = {"seed": bench.seed, "rates": (factor,)}
        students.train(images, labels, **about, look=look, looks=_LOOKS)
    return np.nan_to_num(found).max(axis=0)
