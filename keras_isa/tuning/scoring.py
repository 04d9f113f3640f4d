"""Scores of sets: by networks trained on them, or by regression on random features."""

from __future__ import annotations

from typing import Any

import numpy as np

from keras_isa.asset.distilled_data import DistilledData
from keras_isa.asset.recipe import Recipe
from keras_isa.evaluation.evaluate import Scores
from keras_isa.evaluation.students import Students
from keras_isa.presets.config import Config

# Random networks cost next to nothing, and the mean over more of them varies less.
_RANDOM_NETWORKS = 10
# The ridge for methods whose settings have none.
_RIDGE = 1e-6


class Scorer:
    """Scores sets of one shape with networks that are compiled once.

    Args:
        settings: Settings with the recipe of the networks and the ridge of the regression.
        repeats: Networks that are trained on a set.
        seed: Seed of their weights, the same for every set.
    """

    def __init__(self, settings: Config, repeats: int, seed: int) -> None:
        self._settings, self._repeats, self._seed = settings, repeats, seed
        # One ridge scores all sets. With the ridge of each trial, scores could not be compared.
        self._ridge = getattr(settings, "regularization", _RIDGE)
        self._flip = getattr(settings, "flip", False)
        self._made: dict[str, Students] = {}

    def students(self, distilled: DistilledData, x: Any, y: np.ndarray) -> Scores:
        """Returns the accuracies of networks that are trained on a set from scratch.

        Args:
            distilled: The set.
            x: Images `(N, ...)` in model space.
            y: Their classes `(N,)`.
        """
        return self._scores("students", self._repeats, distilled, x, y)

    def krr(self, distilled: DistilledData, x: Any, y: np.ndarray) -> float:
        """Returns the accuracy of kernel ridge regression on features of frozen random networks.

        Args:
            distilled: The set.
            x: Images `(N, ...)` in model space.
            y: Their classes `(N,)`.
        """
        scores = self._scores("krr", _RANDOM_NETWORKS, distilled, x, y)
        return float(np.mean(scores.krr_accuracies))

    def score(self, objective: str, distilled: DistilledData, x: Any, y: np.ndarray) -> float:
        """Returns an objective, one of `OBJECTIVES`, as one number."""
        if objective == "krr":
            return self.krr(distilled, x, y)
        return float(np.mean(self.students(distilled, x, y).accuracies))

    def _scores(
        self, objective: str, repeats: int, distilled: DistilledData, x: Any, y: np.ndarray
    ) -> Scores:
        if objective not in self._made:
            recipe = Recipe.from_dict(self._settings.recipe, distilled.image_shape)
            rows = len(distilled.class_ids)
            shape, classes = distilled.image_shape, distilled.num_classes
            self._made[objective] = Students(rows, shape, classes, recipe, repeats=repeats)
        networks = self._made[objective]
        prepare = networks.train if objective == "students" else networks.start
        prepare(*distilled.to_numpy(), seed=self._seed)
        found = networks.accuracies(x, y, np.asarray, self._ridge, self._flip)
        return Scores(*(tuple(float(value) for value in kind) for kind in found))
