"""Test accuracies of several networks, with their spread and the interval of their mean."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

_LEVEL = 0.95


def mean_interval(values: Sequence[float], level: float = _LEVEL) -> tuple[float, float] | None:
    """Returns the interval of the mean by Student's t, `None` for a single value.

    Args:
        values: Values that were drawn independently.
        level: Probability with which the interval holds the mean, if they are normal.

    Example:

    >>> from keras_isa.evaluation.scores import mean_interval
    >>> [round(end, 3) for end in mean_interval([0.50, 0.52, 0.54])]
    [0.47, 0.57]
    """
    count = len(values)
    if count < 2:
        return None
    from scipy.stats import t

    half = t.ppf((1 + level) / 2, count - 1) * np.std(values, ddof=1) / np.sqrt(count)
    mean = np.mean(values)
    return float(mean - half), float(mean + half)


class DivergedError(RuntimeError):
    """A set or networks have numbers that are not finite."""


@dataclasses.dataclass(frozen=True)
class Scores:
    """Test accuracies of `r` networks, as fractions.

    Args:
        accuracies: Accuracies of the networks' own output, one per network.
        krr_accuracies: Accuracies of kernel ridge regression on their features.
        top5_accuracies: Shares of images whose class is among the five that a network puts first;
            empty for five classes or fewer.

    Raises:
        DivergedError: If an accuracy is not finite, because the training of a network has diverged.
    """

    accuracies: tuple[float, ...]
    krr_accuracies: tuple[float, ...]
    top5_accuracies: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        for name, values in dataclasses.asdict(self).items():
            lost = len(values) - int(np.isfinite(values).sum())
            if lost:
                kind = "predictions by regression" if name.startswith("krr") else "logits"
                raise DivergedError(
                    f"{lost} of {len(values)} networks have {kind} that are not finite, and so no "
                    "accuracy: look for values that are not finite in the set and the test images, "
                    "and lower the `learning_rate` of the recipe."
                )

    def to_dict(self) -> dict[str, Any]:
        """Returns the accuracies, their means and population standard deviations.

        `accuracy_interval` is the 95 % interval of the mean of the networks' accuracies by
        Student's t, cut to [0, 1]; `None` for one network.
        """
        interval = self.interval
        found: dict[str, Any] = {
            "accuracy_mean": float(np.mean(self.accuracies)),
            "accuracy_std": float(np.std(self.accuracies)),
            "accuracy_interval": None if interval is None else list(interval),
            "krr_accuracy_mean": float(np.mean(self.krr_accuracies)),
            "krr_accuracy_std": float(np.std(self.krr_accuracies)),
            "accuracies": list(self.accuracies),
            "krr_accuracies": list(self.krr_accuracies),
        }
        if self.top5_accuracies:
            found["top5_accuracy_mean"] = float(np.mean(self.top5_accuracies))
        return found

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the mean accuracy of the networks."""
        found = mean_interval(self.accuracies)
        return None if found is None else (max(0.0, found[0]), min(1.0, found[1]))

    def columns(self) -> str:
        """Formats means, standard deviations and the interval in %, in columns."""
        kinds = (self.accuracies, self.krr_accuracies)
        cells = [_spread(values) for values in kinds]
        line = "".join(f"{cell:>14}" for cell in cells)
        if self.interval is not None:
            line += f"{' to '.join(f'{100 * end:.1f}' for end in self.interval):>16}"
        return line


def _spread(values: Sequence[float]) -> str:
    mean = f"{100 * np.mean(values):.1f}"
    return mean if len(values) == 1 else f"{mean} ± {100 * np.std(values):.1f}"
