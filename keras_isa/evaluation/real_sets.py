"""The sets of real images that a distilled one is compared with."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from keras_isa.evaluation.baselines import herding_indices, kmeans_indices, random_indices
from keras_isa.evaluation.bench import Bench, hard_recipe
from keras_isa.evaluation.full_data import FullData
from keras_isa.evaluation.regression import RegressionScores
from keras_isa.evaluation.scores import Scores
from keras_isa.inputs.arrays import to_numpy
from keras_isa.inputs.targets import group_ids


class RealSets:
    """Chooses sets of real images by the name of the baseline, and scores them on a bench.

    Args:
        bench: What trains and tests.
        x: Training images `(N, ...)` in pixel units.
        y: Their classes `(N,)`, or targets `(N, K)` in their own units.
    """

    def __init__(self, bench: Bench, x: Any, y: np.ndarray) -> None:
        self._bench, self._x, self._y = bench, x, y
        self._full: FullData | None = None
        self._chosen: dict[str, tuple[np.ndarray, np.ndarray]] = {}

    def choose(self, name: str) -> tuple[np.ndarray, np.ndarray] | None:
        """Returns images in model space and their labels; random ones are one set per network.

        It is fast, and refuses what cannot be trained on. For all images it returns `None`.

        Args:
            name: One of `keras_isa.evaluation.result.BASELINES`.

        Raises:
            ValueError: If a class has too few images, or all of them are needed in memory and stay
                on disk.
        """
        if name in ("full", "soft") and self._full is None:
            self._full = FullData(self._bench, self._x, self._y)
        if name == "full":
            return None
        kind = "random" if name == "soft" else name
        if kind not in self._chosen:
            self._chosen[kind] = self._taken(self._rows(kind))
        return self._chosen[kind]

    def depends_on(self, name: str) -> tuple[Any, ...]:
        """Returns all that the scores of a baseline follow from, beside the bench.

        Args:
            name: As in `choose`.
        """
        chosen = self.choose(name)
        everything = (self._x, self._y) if name in ("full", "soft") else ()
        return name, *(chosen or ()), *everything

    def score(self, name: str, chosen: tuple[np.ndarray, np.ndarray] | None) -> Any:
        """Trains networks on a set and tests them.

        Args:
            name: As in `choose`.
            chosen: What `choose` gave.

        Returns:
            `Scores`, or `RegressionScores`.
        """
        bench = self._bench
        if chosen is None:
            return self._score_of_all()
        images, labels = chosen
        recipe = hard_recipe(bench.recipe)
        if name == "soft":
            labels = self._full.soft_labels(images)
            if recipe.loss == "cross_entropy":
                recipe = dataclasses.replace(recipe, loss="logit_cross_entropy")
        return bench.score(name, images, labels, recipe)

    def _score_of_all(self) -> Scores | RegressionScores:
        groups = self._full.networks(self._bench.repeats)
        return self._bench.scores_of(groups)

    def _rows(self, kind: str) -> np.ndarray:
        distilled, seed = self._bench.distilled, self._bench.seed
        groups, count = group_ids(self._y), distilled.equal_counts
        if kind == "random":
            rng = np.random.default_rng(seed)
            draws = range(self._bench.repeats)
            return np.stack([random_indices(groups, count, len(count), rng) for _ in draws])
        choose = kmeans_indices if kind == "kmeans" else herding_indices
        # Pixels have one unit. Features may have several, so that they are compared in model space.
        space = self._x if len(self._x.shape) == 4 else distilled.preprocess(self._x)
        return choose(space, groups, count, len(count), seed)

    def _taken(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        distilled = self._bench.distilled
        flat = rows.reshape(-1)
        images = distilled.preprocess(self._x[flat]).reshape(*rows.shape, *self._x.shape[1:])
        y = distilled.standardize_targets(self._y[flat])
        labels = to_numpy(distilled.encode(y, scaled=True))
        return images, labels.reshape(*rows.shape, distilled.num_classes)
