"""The evaluation that a set's file records, and the same one run again."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from typing import Any

from keras_isa.asset.distilled_data import DistilledData
from keras_isa.asset.loading import load
from keras_isa.asset.recipe import Recipe
from keras_isa.evaluation.architectures import NETWORKS
from keras_isa.evaluation.evaluate import evaluate
from keras_isa.evaluation.result import TITLES, Evaluation
from keras_isa.ops.arguments import is_finite

# The entry of the record.
EVALUATION = "evaluation"
# Fields without which a recipe would be another one, and networks per set at most.
_NEEDED = ("width", "learning_rate", "steps", "batch_size", "augmentation", "loss", "optimizer")
_MOST = 1000
# Numbers that are compared: of classification, and of regression.
_NUMBERS = {
    "accuracy_mean": "network",
    "krr_accuracy_mean": "KRR",
    "r2_mean": "network, R^2",
    "krr_r2_mean": "KRR, R^2",
}


@dataclasses.dataclass(frozen=True)
class Reproduction:
    """An evaluation beside the same one as it was recorded.

    Args:
        then: The recorded values.
        now: The values of the present run.
        rows: Title, kind, recorded mean and present mean.
    """

    then: dict[str, Any]
    now: Evaluation
    rows: tuple[tuple[str, str, float, float], ...]

    @property
    def largest(self) -> float:
        """The largest difference of two means, a fraction."""
        return max(abs(now - then) for *_, then, now in self.rows)

    @property
    def same_test_images(self) -> bool:
        """Whether the test images are those of the recorded evaluation."""
        return self.then["protocol"].get("test_sha256") == self.now.protocol.get("test_sha256")

    def to_dict(self) -> dict[str, Any]:
        """Returns both evaluations and the largest difference as JSON-compatible values."""
        return {
            "then": self.then,
            "now": self.now.to_dict(),
            "largest_difference": self.largest,
            "same_test_images": self.same_test_images,
        }

    def __str__(self) -> str:
        lines = [f"{'':44}{'recorded':>10}{'now':>10}{'difference':>12}"]
        for title, kind, then, now in self.rows:
            scale, digits = (1, 4) if "R^2" in kind else (100, 2)
            cells = f"{scale * then:>10.{digits}f}{scale * now:>10.{digits}f}"
            label = f"{title}, {kind}"[:43]
            lines.append(f"{label:44}{cells}{scale * (now - then):>+12.{digits}f}")
        if self.largest == 0:
            lines.append("all means are the same")
        if not self.same_test_images:
            lines.append("the test images are other ones than those recorded, or more or fewer")
        device = str(self.then.get("device") or "a device that it does not name")
        if device != self.now.device:
            lines.append(f"recorded on {device}, now on {self.now.device}")
        return "\n".join(lines)


def reproduced(
    distilled: DistilledData | str | os.PathLike,
    test: Any,
    train: Any = None,
    *,
    verbose: bool | int = False,
) -> Reproduction:
    """Runs the evaluation that a set records again, with the same recipe, seeds and networks.

    Args:
        distilled: The set, or the path of its file.
        test: Test images, as in `evaluate`.
        train: Training images, as in `evaluate`.
        verbose: As in `evaluate`.

    Returns:
        Both evaluations. On a CPU of the same kind, with the same versions, they are the same.

    Raises:
        ValueError: If the set records no evaluation, or a damaged one, or one that needs more than
            there is: networks of the user, or training images.

    Example:

    >>> import keras_isa
    >>> from keras_isa.evaluation import Recipe, reproduced
    >>> train, test = keras_isa.datasets.load("digits")
    >>> distilled = keras_isa.DistilledData.from_samples(train.x, train.y, 1)
    >>> result = keras_isa.evaluate(distilled, test, recipe=Recipe(width=2, steps=2), repeats=1)
    >>> distilled.provenance["evaluation"] = result.to_dict()
    >>> reproduced(distilled, test).largest
    0.0
    """
    if not isinstance(distilled, DistilledData):
        distilled = load(distilled)
    then = distilled.provenance.get(EVALUATION)
    if not isinstance(then, Mapping):
        raise ValueError(
            "the set records no evaluation: `keras-isa evaluate PATH --record` keeps one in the "
            "file"
        )
    protocol = then.get("protocol")
    if not isinstance(protocol, Mapping) or not isinstance(protocol.get("recipe"), Mapping):
        raise ValueError("the recorded evaluation is damaged: it has no protocol with a recipe")
    if protocol.get("network") == "the user's":
        raise ValueError(
            "the recorded evaluation used a network of the user's own, which the file does not hold"
        )
    named = {name: then.get(name) for name in ("baselines", "networks")}
    if not all(isinstance(one, Mapping) for one in named.values()):
        raise ValueError("the recorded evaluation is damaged: its baselines are no mapping")
    _check_complete(then, protocol["recipe"])
    if named["baselines"] and train is None:
        raise ValueError(
            f"the recorded evaluation has baselines ({', '.join(map(str, named['baselines']))}), "
            "which need a training part"
        )
    now = evaluate(
        distilled,
        test,
        train=train if then.get("held_out") or named["baselines"] else None,
        repeats=then.get("repeats"),
        baselines=tuple(named["baselines"]),
        networks=tuple(named["networks"]),
        labels=protocol.get("labels", "learned"),
        recipe=Recipe.from_dict(dict(protocol["recipe"]), distilled.image_shape),
        seed=protocol.get("seed", 0),
        verbose=verbose,
    )
    return Reproduction(dict(then), now, tuple(_rows(then, now.to_dict())))


def _check_complete(then: Mapping[str, Any], recipe: Mapping[str, Any]) -> None:
    """Raises an error for a record that would be run in another way, or not compared at all."""
    known = {"baselines": TITLES, "networks": NETWORKS}
    for kind, names in known.items():
        for name, scores in then[kind].items():
            if name not in names:
                raise ValueError(
                    f"the recorded evaluation is damaged: its {kind} have the unknown {name!r:.80}"
                )
            _check_means(scores, name)
    _check_means(then, "the set")
    missing = [name for name in _NEEDED if name not in recipe]
    if missing:
        raise ValueError(f"the recorded evaluation is damaged: its recipe has no {missing[0]}")
    repeats = then.get("repeats")
    if not isinstance(repeats, int) or isinstance(repeats, bool) or not 1 <= repeats <= _MOST:
        raise ValueError(f"the recorded evaluation is damaged: repeats is {repeats!r:.40}")


def _check_means(scores: Any, name: str) -> None:
    values = [scores.get(one) for one in _NUMBERS] if isinstance(scores, Mapping) else []
    if sum(map(is_finite, values)) < 2:
        raise ValueError(f"the recorded evaluation is damaged: {name!r:.80} has no means")


def _rows(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[tuple[str, str, float, float]]:
    pairs = [("distilled", then, now)]
    for kind in ("baselines", "networks"):
        for name, found in now[kind].items():
            title = TITLES.get(name, f"distilled, on {name}")
            pairs.append((title, then[kind][name], found))
    rows = []
    for title, old, new in pairs:
        for name, kind in _NUMBERS.items():
            if name in new:
                rows.append((title, kind, float(old[name]), new[name]))
    return rows
