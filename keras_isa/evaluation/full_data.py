"""Networks trained on all training images, and the soft labels that they give."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from keras_isa.asset.recipe import Recipe
from keras_isa.evaluation.bench import Bench, hard_recipe
from keras_isa.evaluation.students import Students
from keras_isa.inputs.arrays import StoredImages, to_numpy

# Passes through all images, and at least so many steps.
_EPOCHS = 10
_LEAST_STEPS = 500
_BATCH = 256
# Bytes of the images of networks that are trained at a time, as each has its own.
_BYTES_AT_ONCE = 2**30


def full_recipe(recipe: Recipe, rows: int) -> Recipe:
    """Returns the recipe for a training on all images.

    It is that of the set with batches of at most 256 images, drawn anew in every epoch, for ten
    epochs or 500 steps, whichever is more.

    Args:
        recipe: The recipe of the set.
        rows: Training images.

    Example:

    >>> from keras_isa.evaluation import Recipe
    >>> from keras_isa.evaluation.full_data import full_recipe
    >>> full_recipe(Recipe(), 60_000).steps
    2350
    """
    size = min(recipe.batch_size, _BATCH, rows)
    steps = max(_LEAST_STEPS, _EPOCHS * math.ceil(rows / size))
    changed = {"flip": False, "shuffle": True, "epochs": None, "decay_steps": None}
    about = {**changed, "batch_size": size, "steps": steps}
    return dataclasses.replace(hard_recipe(recipe), **about)


class FullData:
    """Trains networks of a bench on all training images.

    Args:
        bench: What trains and tests.
        x: Training images `(N, ...)` in pixel units.
        y: Their classes `(N,)`, or targets `(N, K)`.

    Raises:
        ValueError: If the images stay on disk, as all of them have to be in memory.
    """

    def __init__(self, bench: Bench, x: Any, y: np.ndarray) -> None:
        if isinstance(x, StoredImages):
            raise ValueError(
                "`baselines` must be without 'full' and 'soft' for images that stay on disk: "
                f"networks are trained on all of them in memory. Received: {len(x):,} images"
            )
        self._bench, self._x, self._y = bench, x, y
        self._trained: list[Students] = []

    def networks(self, count: int) -> list[Students]:
        """Returns groups of trained networks, together at least so many; trained ones are kept.

        Args:
            count: Networks.
        """
        there = sum(one.repeats for one in self._trained)
        if there < count:
            images, labels = self._prepared()
            size = max(1, min(count, _BYTES_AT_ONCE // max(images.nbytes, 1)))
            recipe = full_recipe(self._bench.recipe, len(images))
            while there < count:
                group = self._fresh(min(size, count - there), recipe)
                progress = self._bench.progress("all real images", group.steps)
                group.train(images, labels, seed=self._bench.seed + there, progress=progress)
                self._trained.append(group)
                there += group.repeats
        return self._trained

    def soft_labels(self, images: np.ndarray) -> np.ndarray:
        """Returns what a network that was trained on all images says of some: its logits.

        Args:
            images: Images `(..., n, *image_shape)` in model space.

        Returns:
            Labels `(..., n, C)` float32.
        """
        network, *_ = self.networks(1)
        shape = self._bench.distilled.image_shape
        flat = images.reshape(-1, *shape)
        logits = network.logits(flat, np.asarray)[0]
        return logits.reshape(*images.shape[: -len(shape)], -1)

    def _prepared(self) -> tuple[np.ndarray, np.ndarray]:
        distilled = self._bench.distilled
        y = distilled.standardize_targets(self._y)
        return distilled.preprocess(self._x), to_numpy(distilled.encode(y, scaled=True))

    def _fresh(self, repeats: int, recipe: Recipe) -> Students:
        distilled, rows = self._bench.distilled, len(self._x)
        about = rows, distilled.image_shape, distilled.num_classes, recipe
        return Students(*about, repeats=repeats, network=self._bench.network)
