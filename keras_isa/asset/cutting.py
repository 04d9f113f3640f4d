"""Smaller sets that are cut from a set."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TypeVar

from keras_isa.asset.stored_set import StoredSet
from keras_isa.inputs.arrays import to_numpy
from keras_isa.ops.counts import checked_counts, simplest

T = TypeVar("T", bound=StoredSet)

# In the provenance: images per class of the set that a set was cut from, and of itself.
CUT_FROM, _OWN = "cut_from", "images_per_class"


def cut(distilled: T, count: int | Sequence[int]) -> T:
    """Returns a set of the first stored images of each class, see `DistilledData.first`.

    Args:
        distilled: A `DistilledData`.
        count: Stored images of every class, or one number for each class.

    Raises:
        ValueError: If a number is not a positive integer, there is not one for each class, or the
            set has fewer images.

    Example:

    >>> import keras_isa
    >>> from keras_isa.asset.cutting import cut
    >>> cut(keras_isa.DistilledData((8, 8, 1), 2, 5), (1, 3)).class_counts
    (1, 3)
    """
    kept = kept_counts(count, distilled.class_counts)
    stored = {name: to_numpy(variable) for name, variable in distilled.stored.items()}
    parametrization, values = distilled.parametrization.first(stored, distilled.class_counts, kept)
    smaller = type(distilled)(
        distilled.image_shape,
        distilled.num_classes,
        kept,
        parametrization=parametrization,
        task=distilled.task,
        target_units=distilled.target_units,
        preprocessing=distilled.preprocessing,
        class_names=distilled.class_names,
        pixel_range=distilled.pixel_range,
        learn_labels=distilled.learn_labels,
        recipe=_recipe_of_another_size(distilled.recipe, distilled.provenance),
        provenance=_noted(distilled.provenance, distilled.class_counts, kept),
    )
    for name, value in values.items():
        smaller.stored[name].assign(value)
    return smaller


def kept_counts(count: int | Sequence[int], class_counts: Sequence[int]) -> tuple[int, ...]:
    """Returns how many images of each class a cut set has.

    Args:
        count: Images of every class, or one number for each class.
        class_counts: Images of each class before, C integers.

    Raises:
        ValueError: If a number is not a positive integer, there are not C of them, or a class has
            fewer images.

    Example:

    >>> from keras_isa.asset.cutting import kept_counts
    >>> kept_counts(2, (5, 3))
    (2, 2)
    """
    kept = checked_counts(count, len(class_counts), "count")
    for number, (wanted, there) in enumerate(zip(kept, class_counts, strict=True)):
        if wanted > there:
            raise ValueError(
                f"`count` must be at most the images that the set stores, {there} of class number "
                f"{number}. Received: {wanted}"
            )
    return kept


def _recipe_of_another_size(recipe: dict, provenance: dict) -> dict:
    """The recipe, whose steps are open where they followed from the number of images."""
    settings = provenance.get("settings")
    given = settings.get("recipe") if isinstance(settings, dict) else None
    found = copy.deepcopy(recipe)
    if "steps" in found and isinstance(given, dict) and given.get("steps", 0) is None:
        found["steps"] = None
    return found


def _noted(provenance: dict, counts: Sequence[int], kept: Sequence[int]) -> dict:
    """The record, with the images per class of the set that was first cut and of this one."""
    found = copy.deepcopy(provenance)
    before = found.get(CUT_FROM, _as_json(counts))
    return {**found, CUT_FROM: before, _OWN: _as_json(kept)}


def _as_json(counts: Sequence[int]) -> int | list[int]:
    simple = simplest(counts)
    return simple if isinstance(simple, int) else list(simple)
