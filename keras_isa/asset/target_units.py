"""The units of the targets of a regression, and the standardised ones that a set computes in."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_isa.inputs.checks import check_keys
from keras_isa.inputs.class_names import first_ten

# A target varies if its deviation is more than this share of its greatest value; less is rounding.
_LEAST_VARIATION = 1e-12


@dataclasses.dataclass(frozen=True)
class TargetUnits:
    """Mean and scale of each target over the training data.

    A set computes with standardised targets, of mean 0 and deviation 1, so that all of them count
    the same; predictions come back in the units of the data.

    Args:
        mean: K finite numbers.
        scale: K finite numbers above 0.

    Raises:
        TypeError, ValueError: If they are anything else.

    Example:

    >>> import numpy as np
    >>> from keras_isa.asset.target_units import TargetUnits
    >>> units = TargetUnits.of(np.array([[10.0], [30.0]]))
    >>> units.standardized(np.array([[30.0]])).tolist(), units.restored(np.array([[0.0]])).tolist()
    ([[1.0]], [[20.0]])
    """

    mean: tuple[float, ...]
    scale: tuple[float, ...]

    def __post_init__(self) -> None:
        for name in ("mean", "scale"):
            object.__setattr__(self, name, _numbers(name, getattr(self, name)))
        if len(self.mean) != len(self.scale):
            raise ValueError(
                "`target_units` must have as many means as scales. Received: "
                f"{len(self.mean)} and {len(self.scale)}"
            )
        if min(self.scale) <= 0:
            raise ValueError(
                f"`target_units` must have scales above 0. Received: {min(self.scale)}"
            )

    @classmethod
    def of(cls, y: np.ndarray, names: Sequence[str] | None = None) -> TargetUnits:
        """Measures training targets.

        Args:
            y: Targets `(N, K)` float64.
            names: Names of the targets, for the error.

        Raises:
            ValueError: If a target does not vary, so that there is nothing to predict, or varies
                beyond float64.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            mean, scale = y.mean(axis=0), y.std(axis=0)
        still = scale <= _LEAST_VARIATION * np.abs(y).max(axis=0)
        wide = ~np.isfinite(scale)
        names = list(map(str, range(y.shape[1]))) if names is None else names
        for wrong, what in ((still, "the same value in all rows"), (wide, "values too far apart")):
            if wrong.any():
                which = first_ten([names[k] for k in np.flatnonzero(wrong)])
                raise ValueError(
                    "`y` must hold targets that vary; leave out those that do not, and scale those "
                    f"beyond 1e150. Received: {what} of target {which}"
                )
        return cls(tuple(mean.tolist()), tuple(scale.tolist()))

    @classmethod
    def from_config(cls, values: Any) -> TargetUnits:
        """Makes them from what `to_dict` returned.

        Args:
            values: A mapping with `mean` and `scale`.
        """
        check_keys(values, ("mean", "scale"), "target_units")
        return cls(values.get("mean"), values.get("scale"))

    def to_dict(self) -> dict[str, list[float]]:
        """Returns mean and scale as JSON-compatible values."""
        return {"mean": list(self.mean), "scale": list(self.scale)}

    def standardized(self, y: np.ndarray) -> np.ndarray:
        """Returns standardised targets, float32; computed in float64.

        Args:
            y: Targets `(N, K)` in the units of the data.
        """
        return ((np.asarray(y, np.float64) - self.mean) / self.scale).astype(np.float32)

    def restored(self, targets: np.ndarray) -> np.ndarray:
        """Returns targets in the units of the data, float64.

        Args:
            targets: Standardised targets or predictions `(..., K)`.
        """
        return np.asarray(targets, np.float64) * self.scale + self.mean


def _numbers(name: str, values: Any) -> tuple[float, ...]:
    listed = isinstance(values, list | tuple) and len(values) > 0
    if not listed or not all(type(one) in (int, float) and math.isfinite(one) for one in values):
        raise ValueError(
            f"`target_units` must have a {name} of finite numbers, one for each target. "
            f"Received: {values!r:.80}"
        )
    return tuple(map(float, values))
