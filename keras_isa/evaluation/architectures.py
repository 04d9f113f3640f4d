"""The architectures that a distilled set is tested on, and the learning rate of each."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from keras_isa.asset.distilled_data import DistilledData
from keras_isa.asset.recipe import Recipe
from keras_isa.evaluation.students import Students
from keras_isa.inputs.axes import kind_of
from keras_isa.ops.arguments import words_of
from keras_isa.ops.splits import rows_fingerprint, validation_mask

# Fields of the recipe by the name of the architecture.
NETWORKS: dict[str, dict[str, str]] = {
    "convnet": {"network": "convnet", "normalization": "identity"},
    "convnet_batch": {"network": "convnet", "normalization": "batch"},
    "convnet_instance": {"network": "convnet", "normalization": "instance"},
    "alexnet": {"network": "alexnet", "normalization": "identity"},
    "vgg11": {"network": "vgg11", "normalization": "identity"},
    "resnet18": {"network": "resnet18", "normalization": "batch"},
    "mlp": {"network": "mlp", "normalization": "identity"},
}
ALL = "all"
# Factors of the recipe's learning rate, of which the best one is taken.
FACTORS = (0.2, 1.0, 5.0)
# The learning rate is chosen on at most so many images.
_MOST_HELD_OUT = 1000
_SHARE = 0.1


def recipes_for(
    names: str | Sequence[str], recipe: Recipe, image_shape: tuple[int, ...]
) -> dict[str, Recipe]:
    """Returns the recipes of other architectures than the one of a recipe, by name.

    Args:
        names: Names out of `NETWORKS`, or `"all"` for those that the shape allows.
        recipe: The recipe of the set.
        image_shape: `(height, width, channels)`, `(steps, features)` or `(features,)`.

    Raises:
        ValueError: If a name is unknown or for data of another kind.

    Example:

    >>> from keras_isa.evaluation import Recipe
    >>> from keras_isa.evaluation.architectures import recipes_for
    >>> recipes_for(["convnet", "mlp"], Recipe(), (8, 8, 1))["mlp"].network
    'mlp'
    """
    allowed = [name for name in NETWORKS if _suits(name, image_shape)]
    if names in (ALL, (ALL,), [ALL]):
        names = allowed
    found = {}
    for name in words_of("networks", names, tuple(NETWORKS)):
        if name not in allowed:
            raise ValueError(
                f"`networks` must be of {', '.join(allowed)} for {kind_of(image_shape)}. "
                f"Received: {name!r}"
            )
        changed = dataclasses.replace(recipe, **NETWORKS[name])
        if changed != recipe:
            found[name] = changed
    return found


def _suits(name: str, image_shape: tuple[int, ...]) -> bool:
    network, normalization = NETWORKS[name].values()
    if len(image_shape) == 3:
        return True
    return network == "convnet" and (normalization != "instance" or len(image_shape) == 2)


def held_out_rows(distilled: DistilledData, y: np.ndarray, seed: int) -> np.ndarray:
    """Returns the training images that learning rates are chosen on, at most 1,000.

    They are those that the training of the set has held out, where its record says which, and
    otherwise a tenth of every class.

    Args:
        distilled: The set.
        y: Classes of all training images `(N,)`; in regression zeros.
        seed: Seed of the choice.
    """
    selection = distilled.provenance.get("selection")
    mask = _recorded_mask(selection, distilled, y) if isinstance(selection, Mapping) else None
    if mask is None:
        mask = validation_mask(y, len(distilled.class_counts), _SHARE, seed)
    rows = np.flatnonzero(mask)
    return np.sort(np.random.default_rng(seed).permutation(rows)[:_MOST_HELD_OUT])


def _recorded_mask(
    selection: Mapping[str, Any], distilled: DistilledData, y: np.ndarray
) -> np.ndarray | None:
    share, seed = (selection.get(name) for name in ("validation_split", "split_seed"))
    try:
        mask = validation_mask(y, len(distilled.class_counts), share, seed)
    except (TypeError, ValueError):
        return None
    return mask if rows_fingerprint(mask) == selection.get("rows_sha256") else None


def best_rate(
    students: Students,
    images: np.ndarray,
    labels: np.ndarray,
    rate: float,
    score: Callable[[], np.ndarray],
    seed: int = 0,
) -> tuple[float, dict[float, float]]:
    """Trains networks at several learning rates, and then all of them at the best one.

    Args:
        students: Networks of the architecture.
        images: The set, in model space.
        labels: Its labels.
        rate: The learning rate of the recipe.
        score: Gives the score of each network on the held-out images, NaN where it diverged.
        seed: Seed of the networks.

    Returns:
        The best factor, and the scores by learning rate, without those of networks that diverged.
        Of equal scores that of the factor nearest to 1 counts; if all diverged, the least factor.
    """
    found: dict[float, float] = {}
    trained: dict[float, tuple[int, Any]] = {}
    size = students.repeats if students.own_loops else 1
    for start in range(0, len(FACTORS), size):
        group = FACTORS[start : start + size]
        students.train(images, labels, seed=seed, rates=group)
        scores = score() if students.own_loops else [np.mean(score())]
        found |= dict(zip(group, map(float, scores[: len(group)]), strict=True))
        if len(group) > 1:  # each factor has trained the network of its place
            trained |= {
                one: (place, students.networks.read(place)) for place, one in enumerate(group)
            }
    found = {factor: value for factor, value in found.items() if np.isfinite(value)}
    best = max(found, key=lambda one: (found[one], -abs(np.log(one))), default=min(FACTORS))
    if best in trained:
        place, network = trained[best]
        rates = [None if index == place else best for index in range(students.repeats)]
        students.train(images, labels, seed=seed, rates=rates)
        students.networks.write(place, network)
    else:
        students.train(images, labels, seed=seed, rates=(best,))
    return best, {rate * factor: value for factor, value in found.items()}
