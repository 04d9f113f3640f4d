"""Networks that learn the difference from their first outputs, and labels of another scale."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from keras import ops, tree

from keras_isa.asset.recipe import Recipe
from keras_isa.evaluation.inference import read_in_parts
from keras_isa.models.ensemble import Member


class Centring:
    """What networks learn in place of labels, and how their outputs are read.

    With outputs `f`, first outputs `f0` and label scale `s`, a network learns `s y + f0(x)` and
    predicts `(f(x) - f0(x)) / s`; without `centered` there is no `f0`. A greater `s` makes its
    weights move further for the same labels. Source: the evaluation in the code of RFAD (Loo et al.
    2022), which has the idea from Chizat et al., "On Lazy Training in Differentiable Programming"
    (2019).

    Args:
        recipe: How networks are trained.
        read: Takes a network and images in model space, and returns its outputs and features.
    """

    def __init__(self, recipe: Recipe, read: Callable[[Member, Any], tuple[Any, Any]]) -> None:
        self._centered, self._scale = recipe.centered, recipe.label_scale
        self._read = read
        self._first: list[Member] = []

    def start(self, networks: Iterable[Member], images: Any, labels: np.ndarray) -> np.ndarray:
        """Keeps the networks as they are now, and returns what they have to learn.

        Args:
            networks: Fresh networks, r.
            images: Images `(r, n, ...)` in model space.
            labels: Labels `(r, n, C)`.

        Returns:
            Targets `(r, n, C)` float32.
        """
        targets = labels if self._scale == 1 else labels * np.float32(self._scale)
        if not self._centered:
            return targets
        # A variable is changed in place on PyTorch, and a part of it with it.
        self._first = [tree.map_structure(ops.copy, one) for one in networks]
        each = zip(self._first, images, strict=True)
        return targets + np.stack([self._first_outputs(*one) for one in each])

    def predictions(self, index: int, images: Any, outputs: Any) -> Any:
        """Returns what a network predicts.

        Args:
            index: Number of the network.
            images: Images `(B, ...)` in model space.
            outputs: Its outputs `(B, C)` for them.
        """
        if self._centered:
            outputs = outputs - self._read(self._first[index], images)[0]
        return outputs if self._scale == 1 else outputs / self._scale

    def _first_outputs(self, network: Member, images: Any) -> np.ndarray:
        found = read_in_parts(images, lambda part: self._read(network, part)[0])
        return found.astype("float32")
