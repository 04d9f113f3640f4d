"""Several distilled sets by one protocol, with the differences between them."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from keras_isa.asset.distilled_data import DistilledData
from keras_isa.asset.loading import load
from keras_isa.asset.recipe import Recipe
from keras_isa.evaluation.bench import hard_recipe
from keras_isa.evaluation.evaluate import evaluate, evaluation_recipe
from keras_isa.evaluation.regression import RegressionScores
from keras_isa.evaluation.result import Evaluation
from keras_isa.ops.arguments import instance_of

_LEVEL = 0.95
# Losses for labels that are no classes and no regression targets, which belong to the labels.
_OF_LABELS = ("soft_cross_entropy", "logit_cross_entropy")


@dataclasses.dataclass(frozen=True)
class Difference:
    """The difference of the means of two groups of scores.

    Args:
        mean: Mean of the first group less that of the second.
        interval: The 95 % interval by Welch's t, `None` where a group has one score.
    """

    mean: float
    interval: tuple[float, float] | None

    @classmethod
    def of(cls, first: Sequence[float], second: Sequence[float]) -> Difference:
        """Compares two groups of independent scores, whose spreads may differ.

        Args:
            first: Scores of the first group.
            second: Scores of the second.

        Example:

        >>> from keras_isa.evaluation.comparison import Difference
        >>> Difference.of([0.90, 0.92, 0.94], [0.80, 0.82, 0.84]).verdict
        'yes'
        """
        mean = float(np.mean(first) - np.mean(second))
        if min(len(first), len(second)) < 2:
            return cls(mean, None)
        shares = [np.var(values, ddof=1) / len(values) for values in (first, second)]
        error = np.sqrt(sum(shares))
        if error == 0:
            return cls(mean, (mean, mean))
        from scipy.stats import t

        # Welch's and Satterthwaite's degrees of freedom.
        each = zip(shares, (len(first), len(second)), strict=True)
        freedom = sum(shares) ** 2 / sum(share**2 / (count - 1) for share, count in each)
        half = float(t.ppf((1 + _LEVEL) / 2, freedom) * error)
        return cls(mean, (mean - half, mean + half))

    @property
    def verdict(self) -> str:
        """Whether the first group is better: `"yes"`, `"no"`, or `"not distinguishable"`."""
        if self.interval is None or self.interval[0] <= 0 <= self.interval[1]:
            return "not distinguishable"
        return "yes" if self.mean > 0 else "no"

    def to_dict(self) -> dict[str, Any]:
        """Returns mean, interval and verdict as JSON-compatible values."""
        interval = None if self.interval is None else list(self.interval)
        return {"mean": self.mean, "interval": interval, "verdict": self.verdict}


def beats(result: Evaluation, baseline: str = "kmeans") -> Difference | None:
    """Compares a set with real images of the same number of bytes, on the networks' own outputs.

    Args:
        result: The evaluation of the set.
        baseline: Which real images.

    Returns:
        The difference, `None` if the evaluation does not have the baseline.

    Example:

    >>> from keras_isa.evaluation import Evaluation, Scores, Storage
    >>> from keras_isa.evaluation.comparison import beats
    >>> scores = {"kmeans": Scores((0.5, 0.6), (0.5, 0.6))}
    >>> storage = Storage("identity", 10, 100, 1)
    >>> beats(Evaluation(Scores((0.8, 0.9), (0.8, 0.9)), scores, 2, 1, 0.0, storage)).verdict
    'not distinguishable'
    """
    if baseline not in result.baselines:
        return None
    return Difference.of(_measured(result.distilled), _measured(result.baselines[baseline]))


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Result of `compare`; printing it gives a table.

    Args:
        results: Evaluations by the name of the set.
        differences: Difference of each set to the first one, by name.
        recipe: How networks were trained on all of them.
        losses: The loss of each set whose labels need another one than the recipe's.
    """

    results: dict[str, Evaluation]
    differences: dict[str, Difference]
    recipe: Recipe
    losses: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Returns the result as JSON-compatible values."""
        return {
            "recipe": self.recipe.to_dict(),
            "sets": {
                name: {
                    **result.to_dict(),
                    **({"loss": self.losses[name]} if name in self.losses else {}),
                    **(
                        {"difference_to_first": self.differences[name].to_dict()}
                        if name in self.differences
                        else {}
                    ),
                }
                for name, result in self.results.items()
            },
        }

    def __str__(self) -> str:
        first, *_ = self.results
        width = max(24, *(len(name) for name in self.results)) + 2
        regression = isinstance(self.results[first].distilled, RegressionScores)
        scale, unit = (1, "R^2") if regression else (100, "%")
        heads = "bytes", f"test, {unit}", "KRR", f"difference to {first}"[:28]
        lines = [f"{'':{width}}{heads[0]:>12}{heads[1]:>16}{heads[2]:>16}  {heads[3]:>28}"]
        for name, result in self.results.items():
            cells = [f"{result.storage.stored_bytes:,}".rjust(12)]
            for values in (_measured(result.distilled), _regressed(result.distilled)):
                mean, deviation = scale * np.mean(values), scale * np.std(values)
                digits = 3 if regression else 1
                text = f"{mean:.{digits}f}"
                text += f" ± {deviation:.{digits}f}" if len(values) > 1 else ""
                cells.append(text.rjust(16))
            found = self.differences.get(name)
            cells.append("  " + ("" if found is None else _told(found, scale)).rjust(28))
            lines.append(f"{name:{width}}" + "".join(cells))
        repeats = self.results[first].repeats
        lines.append(
            f"mean ± standard deviation over {repeats} networks; differences with their 95 % "
            "interval by Welch's t"
            if repeats > 1
            else "one network, which shows no spread: --repeats, `repeats`, asks for more"
        )
        for name, loss in self.losses.items():
            lines.append(f"{name}: its labels ask for the loss {loss}")
        return "\n".join(lines)


def compare(
    sets: Mapping[str, DistilledData | str | os.PathLike],
    test: Any,
    *,
    train: Any = None,
    recipe: Recipe | None = None,
    labels: str = "learned",
    repeats: int = 5,
    seed: int = 0,
    verbose: bool | int = False,
    network: Callable[[], keras.Model] | None = None,
) -> Comparison:
    """Tests several sets by one protocol.

    Args:
        sets: Sets, or paths of their files, by name: of any method and of any origin. They have the
            same classes, in the same order.
        test: Test images, as in `evaluate`.
        train: Training images; with them each evaluation has random real images beside it.
        recipe: The protocol; by default that of the first set. Its loss is replaced for a set whose
            labels are probabilities or logits.
        labels: As in `evaluate`.
        repeats: Networks per set.
        seed: Seed of the networks, the same for every set.
        verbose: As in `evaluate`.
        network: As in `evaluate`.

    Returns:
        A `Comparison`.

    Raises:
        TypeError, ValueError: As `evaluate`, or if there are not two sets or more.

    Example:

    >>> import keras_isa
    >>> train, test = keras_isa.datasets.load("digits")
    >>> sets = {
    ...     str(n): keras_isa.DistilledData.from_samples(train.x, train.y, n) for n in (1, 2)}
    >>> recipe = keras_isa.evaluation.Recipe(width=4, steps=2)
    >>> found = keras_isa.evaluation.compare(sets, test, recipe=recipe, repeats=2)
    >>> sorted(found.differences)
    ['2']
    """
    instance_of("sets", sets, Mapping)
    if len(sets) < 2:
        raise ValueError(f"`sets` must hold two sets or more. Received: {len(sets)}")
    loaded = checked_sets(sets)
    first, *_ = loaded.values()
    common = evaluation_recipe(first, recipe)
    recipes = {name: _with_own_loss(common, one, labels) for name, one in loaded.items()}
    results = {}
    for name, one in loaded.items():
        options = {"recipe": recipes[name], "labels": labels, "network": network}
        results[name] = evaluate(
            one,
            test,
            train=train,
            baselines=("random",),
            repeats=repeats,
            seed=seed,
            verbose=verbose,
            **options,
        )
    base, *others = results
    differences = {
        name: Difference.of(_measured(results[name].distilled), _measured(results[base].distilled))
        for name in others
    }
    losses = {name: one.loss for name, one in recipes.items() if one.loss != common.loss}
    return Comparison(results, differences, common, losses)


def checked_sets(sets: Mapping[str, Any]) -> dict[str, DistilledData]:
    """Returns sets that can be compared, loaded where they are paths.

    Args:
        sets: Sets or paths by name.

    Raises:
        TypeError: If one is neither a set nor a path.
        ValueError: If a file cannot be read, or the sets differ in task, classes or shape.
    """
    loaded: dict[str, DistilledData] = {}
    for name, one in sets.items():
        if not isinstance(one, DistilledData | str | os.PathLike):
            raise TypeError(
                f"`sets` must hold distilled sets or paths. Received: {type(one).__name__} for "
                f"{name!r}"
            )
        if str(name) in loaded:
            raise ValueError(f"`sets` must have different names. Received twice: {name}")
        loaded[str(name)] = one if isinstance(one, DistilledData) else load(one)
    first, *_ = loaded.values()
    for name, one in loaded.items():
        for what in ("task", "class_names", "image_shape"):
            if getattr(one, what) != getattr(first, what):
                raise ValueError(
                    f"`sets` must agree in {what}. Received: {getattr(first, what)!r:.200} of the "
                    f"first, and {getattr(one, what)!r:.200} of {name!r}"
                )
    return loaded


def _with_own_loss(recipe: Recipe, distilled: DistilledData, labels: str) -> Recipe:
    own = evaluation_recipe(distilled).loss
    if labels == "learned" and own in _OF_LABELS:
        return dataclasses.replace(recipe, loss=own)
    return hard_recipe(recipe)


def _told(found: Difference, scale: float) -> str:
    digits = 1 if scale == 100 else 3
    text = f"{scale * found.mean:+.{digits}f}"
    if found.interval is None:
        return text
    low, high = (f"{scale * end:+.{digits}f}" for end in found.interval)
    return f"{text} ({low} to {high})"


def _measured(scores: Any) -> tuple[float, ...]:
    return scores.r2 if isinstance(scores, RegressionScores) else scores.accuracies


def _regressed(scores: Any) -> tuple[float, ...]:
    return scores.krr_r2 if isinstance(scores, RegressionScores) else scores.krr_accuracies
