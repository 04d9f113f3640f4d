"""How well a distilled set explains each real sample, and which it explains worst."""

from __future__ import annotations

import csv
import dataclasses
import os
from types import SimpleNamespace
from typing import Any

import numpy as np

from keras_isa.asset.distilled_data import DistilledData
from keras_isa.asset.export import save_grid
from keras_isa.asset.recipe import Recipe
from keras_isa.evaluation import readings
from keras_isa.evaluation.evaluate import evaluation_recipe
from keras_isa.evaluation.stored import stored_predictor
from keras_isa.evaluation.students import Students
from keras_isa.files import atomic_path, check_writable
from keras_isa.global_settings import in_standard_settings
from keras_isa.inputs.arrays import select, to_numpy
from keras_isa.ops.arguments import instance_of, seed_number, whole_number
from keras_isa.ops.manifold_recall import manifold_recall
from keras_isa.training.inputs import checked_data, dataset_or_pair

# Recall looks at no more real images than this.
_MOST_RECALLED = 5000
_NEIGHBOUR = 5


@dataclasses.dataclass(frozen=True)
class SampleScores:
    """Losses of real samples as a distilled set explains them.

    Args:
        losses: Half the squared distance between label and prediction of each sample `(N,)`, the
            mean over networks and over their two ways to predict.
        predicted: The class that the mean prediction says `(N,)`.
        y: The classes that the data say `(N,)`.
        class_names: Names of the classes.
        recall: Share of the samples that lie within reach of the set in the features of the
            networks (`keras_isa.ops.manifold_recall`, k = 5), one value per network; empty for a
            set of five images or fewer.
    """

    losses: np.ndarray
    predicted: np.ndarray
    y: np.ndarray
    class_names: tuple[str, ...]
    recall: tuple[float, ...] = ()

    def hardest(self, per_class: int | None = None) -> np.ndarray:
        """Returns the rows of the samples with the greatest losses, in that order.

        Args:
            per_class: How many of each class, class after class; with `None` all samples.

        Example:

        >>> import numpy as np
        >>> from keras_isa.evaluation import SampleScores
        >>> y = np.array([0, 0, 1, 1])
        >>> found = SampleScores(np.array([0.1, 0.7, 0.5, 0.2]), y, y, ("cat", "dog"))
        >>> found.hardest().tolist(), found.hardest(per_class=1).tolist()
        ([1, 2, 3, 0], [1, 2])
        """
        order = np.argsort(-self.losses, kind="stable")
        if per_class is None:
            return order
        whole_number("per_class", per_class)
        classes = range(len(self.class_names))
        return np.concatenate([order[self.y[order] == one][:per_class] for one in classes])

    def save_csv(self, path: str | os.PathLike, per_class: int) -> None:
        """Writes the hardest samples of each class as a table: row, class, prediction and loss.

        Rows count from 0 in the training part.

        Args:
            path: The file.
            per_class: How many of each class.

        Raises:
            ValueError: If the file cannot be written.
        """
        whole_number("per_class", per_class)
        check_writable(path)
        with (
            atomic_path(path) as temporary,
            open(temporary, "w", newline="", encoding="utf-8") as file,
        ):
            table = csv.writer(file)
            table.writerow(["row", "class", "predicted", "loss"])
            for row in self.hardest(per_class):
                names = (self.class_names[one] for one in (self.y[row], self.predicted[row]))
                table.writerow([int(row), *names, f"{self.losses[row]:.6g}"])

    def save_picture(
        self, path: str | os.PathLike, x: Any, per_class: int, pixel_range: tuple[float, float]
    ) -> None:
        """Draws the hardest samples of each class, a column of tiles per class.

        Args:
            path: The .png file.
            x: All samples `(N, ...)` in pixel units.
            per_class: How many of each class.
            pixel_range: Lowest and highest pixel.

        Raises:
            ValueError: If the file cannot be written, or `x` does not hold the samples.
        """
        check_same_rows(self, x)
        rows = self.hardest(per_class)
        images = np.asarray(x[rows], dtype="float32")
        shown = SimpleNamespace(
            to_numpy=lambda space: (images, None),
            class_ids=self.y[rows],
            class_names=self.class_names,
            pixel_range=pixel_range,
            is_regression=False,
        )
        save_grid(shown, path, title=f"{len(rows)} training images that the set explains worst")


def check_same_rows(scores: SampleScores, x: Any) -> None:
    """Raises an error if `x` cannot be the samples that were scored.

    Args:
        scores: Their scores.
        x: What should be the samples `(N, ...)`.

    Raises:
        ValueError: If it has another number of rows.
    """
    rows = tuple(getattr(x, "shape", ()))[:1]
    if rows != (len(scores.y),):
        raise ValueError(
            f"`x` must hold the {len(scores.y)} samples that were scored. Received: "
            f"{rows[0] if rows else type(x).__name__}"
        )


@in_standard_settings
def score_samples(
    distilled: DistilledData,
    train: Any,
    *,
    recipe: Recipe | None = None,
    repeats: int = 3,
    seed: int = 0,
) -> SampleScores:
    """Scores every training sample by how well a distilled set explains it.

    Networks are trained on the set. A sample's loss is the one by which crucial samples are chosen,
    half the squared residual, of the networks' own outputs and of kernel ridge regression from the
    set on their features. Samples that the set explains worst are rare, hard, or wrongly labelled:
    a few images per class cannot fit wrong labels.

    Args:
        distilled: The set, made by any method or by others.
        train: Its training samples, a dataset or a pair of arrays.
        recipe: How networks are trained; by default as the set says.
        repeats: Networks.
        seed: Seed of the networks.

    Returns:
        The scores.

    Raises:
        TypeError, ValueError: If the data do not fit the set, or it is for regression.

    Example:

    >>> import keras_isa
    >>> from keras_isa.evaluation import Recipe, score_samples
    >>> train, test = keras_isa.datasets.load("digits")
    >>> distilled = keras_isa.DistilledData.from_samples(train.x, train.y, 1)
    >>> score_samples(distilled, train, recipe=Recipe(width=2, steps=2)).losses.shape
    (1437,)
    """
    if instance_of("distilled", distilled, DistilledData).is_regression:
        raise ValueError("`distilled` must have classes. Received: a set for regression")
    repeats, seed = whole_number("repeats", repeats), seed_number(seed)
    recipe = evaluation_recipe(distilled, recipe)
    names = ("x_train", "y_train")
    x, y = checked_data(distilled, dataset_or_pair(train, "train"), names, "train", named=True)
    about = len(distilled.class_ids), distilled.image_shape, distilled.num_classes, recipe
    students = Students(*about, repeats=repeats)
    students.train(*distilled.to_numpy(), seed=seed)
    encoded = to_numpy(distilled.encode(y))
    losses, total = np.zeros(len(x)), np.zeros(encoded.shape)
    regression = stored_predictor(distilled)
    for _, rows, scores in readings.predictions(students, x, distilled, **regression):
        losses[rows] += 0.5 * np.sum(np.square(scores - encoded[rows]), axis=1) / (2 * repeats)
        total[rows] += scores
    recall = _recall(students, distilled, x, seed)
    return SampleScores(losses, total.argmax(axis=1), y, distilled.class_names, recall)


def _recall(students: Students, distilled: DistilledData, x: Any, seed: int) -> tuple[float, ...]:
    images, _ = distilled.to_numpy()
    if len(images) <= _NEIGHBOUR:
        return ()
    rows = np.sort(np.random.default_rng(seed).permutation(len(x))[:_MOST_RECALLED])
    real = distilled.preprocess(select(x, rows))
    return tuple(
        float(
            manifold_recall(
                readings.features_of(students, index, real),
                readings.features_of(students, index, images),
                _NEIGHBOUR,
            )
        )
        for index in range(students.repeats)
    )
