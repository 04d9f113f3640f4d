"""Scores of a distilled set for regression: R^2, and RMSE in the units of the targets."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

# A printed table has the errors of so many targets at most.
_MOST_TARGETS = 5


@dataclasses.dataclass(frozen=True)
class RegressionScores:
    """Test scores of `r` networks that predict K targets.

    R^2 is the mean over the targets of `1 - sum (y - p)^2 / sum (y - mean y)^2`, as that of
    scikit-learn's `r2_score`.

    Args:
        r2: R^2 of the networks' own outputs, one per network.
        krr_r2: R^2 of kernel ridge regression on their features.
        rmse: Root of the mean squared error of each network and target, r tuples of K, in the units
            of the targets.
        krr_rmse: The same of kernel ridge regression.
        target_names: K names.

    Raises:
        RuntimeError: If a score is not finite, because the training of a network has diverged.

    Example:

    >>> import numpy as np
    >>> from keras_isa.evaluation.regression import RegressionScores
    >>> errors, y = np.full((2, 1, 1), 0.25), np.array([[1.0], [3.0]])
    >>> RegressionScores.of(errors, y, ("height",)).to_dict()["r2_mean"]
    0.75
    """

    r2: tuple[float, ...]
    krr_r2: tuple[float, ...]
    rmse: tuple[tuple[float, ...], ...]
    krr_rmse: tuple[tuple[float, ...], ...]
    target_names: tuple[str, ...]

    def __post_init__(self) -> None:
        for values, kind in ((self.r2, "outputs"), (self.krr_r2, "predictions by regression")):
            lost = len(values) - int(np.isfinite(values).sum())
            if lost:
                raise RuntimeError(
                    f"{lost} of {len(values)} networks have {kind} that are not finite, and so no "
                    "score: look for values that are not finite in the set and the test rows, and "
                    "lower the `learning_rate` of the recipe."
                )

    @classmethod
    def of(
        cls, errors: np.ndarray, y: np.ndarray, target_names: tuple[str, ...]
    ) -> RegressionScores:
        """Makes the scores of mean squared errors.

        Args:
            errors: `(2, r, K)`, as `Students.squared_errors` returns them.
            y: Test targets `(N, K)`, which vary.
            target_names: K names.
        """
        r2 = np.mean(1 - errors / y.var(axis=0), axis=-1).tolist()
        rmse = [[tuple(row) for row in kind] for kind in np.sqrt(errors).tolist()]
        return cls(*map(tuple, r2), *map(tuple, rmse), tuple(target_names))

    def to_dict(self) -> dict[str, Any]:
        """Returns means and population standard deviations of R^2, and mean errors by target."""
        found: dict[str, Any] = {}
        for name in ("r2", "krr_r2"):
            values = getattr(self, name)
            found |= {f"{name}_mean": float(np.mean(values)), f"{name}_std": float(np.std(values))}
        for name in ("rmse", "krr_rmse"):
            means = np.mean(getattr(self, name), axis=0).tolist()
            found[name] = dict(zip(self.target_names, means, strict=True))
        return found

    def columns(self) -> str:
        """Formats means and standard deviations of R^2, in two columns of 16 characters."""
        return "".join(
            f"{f'{np.mean(values):.3f} ± {np.std(values):.3f}':>16}"
            for values in (self.r2, self.krr_r2)
        )


def format_table(rows: list[tuple[str, RegressionScores]], count: int) -> list[str]:
    """Returns the lines of a table of R^2, and of the errors of each target.

    Args:
        rows: Titles and scores.
        count: Rows of every set.
    """
    heads = f"{'network':>16}{'KRR':>16}"
    lines = [f"{f'{count} rows, test R^2':34}{heads}"]
    lines += [f"{title:34}{scores.columns()}" for title, scores in rows]
    names = rows[0][1].target_names
    for place, name in enumerate(names[:_MOST_TARGETS]):
        lines.append(f"{f'RMSE of {name}'[:33]:34}{heads}")
        for title, scores in rows:
            both = (np.mean(kind, axis=0)[place] for kind in (scores.rmse, scores.krr_rmse))
            lines.append(f"{title:34}" + "".join(f"{error:>16.5g}" for error in both))
    if len(names) > _MOST_TARGETS:
        lines.append(f"and {len(names) - _MOST_TARGETS} more targets")
    return lines
