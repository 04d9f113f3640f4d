"""Stratified splits, the same on every machine."""

from __future__ import annotations

import numbers

import numpy as np

from keras_isa.ops.arguments import whole_number


def check_share(name: str, share: float, zero: bool = True) -> float:
    """Returns `share` as a float; raises a ValueError outside of [0, 1), or at 0 without `zero`."""
    # A bool is a Real in Python, and False would count as "no validation".
    is_number = isinstance(share, numbers.Real) and not isinstance(share, bool)
    if not is_number or not 0 <= share < 1 or not (share or zero):
        needed = "in [0, 1)" if zero else "above 0 and below 1"
        raise ValueError(f"`{name}` must be {needed}. Received: {name}={share!r}")
    return float(share)


def validation_mask(y: np.ndarray, num_classes: int, fraction: float, seed: int = 0) -> np.ndarray:
    """Chooses the rows of the validation part, of each class in the same proportion.

    `round(fraction * N)` rows are chosen, at least one. The classes with the largest remainders get
    the rows that are left over, and every class keeps at least one row outside.

    Args:
        y: Classes `(N,)`, integers from 0 to `num_classes - 1`.
        num_classes: Number of classes.
        fraction: Share for validation, in [0, 1); 0 chooses nothing.
        seed: Non-negative integer.

    Returns:
        Boolean array `(N,)`, true where a row belongs to the validation part.

    Raises:
        ValueError: If `fraction` or `seed` is out of range, or no class has a row to spare.

    Example:

    >>> import numpy as np
    >>> from keras_isa.ops.splits import validation_mask
    >>> int(validation_mask(np.array([0, 0, 0, 0, 1, 1, 1, 1]), 2, 0.25).sum())
    2
    """
    fraction = check_share("fraction", fraction)
    seed = whole_number("seed", seed, 0)
    if fraction == 0:
        return np.zeros(len(y), bool)
    taken = _validation_counts(np.bincount(y, minlength=num_classes), fraction)
    if not taken.any():
        raise ValueError(
            "`y` must have a class with two images or more, one to fit and one to validate. "
            f"Received: {len(y)} labels"
        )
    generator = np.random.default_rng(seed)
    chosen = np.zeros(len(y), bool)
    for class_id, count in enumerate(taken):
        members = generator.permutation(np.flatnonzero(y == class_id))
        chosen[members[:count]] = True
    return chosen


def _validation_counts(counts: np.ndarray, fraction: float) -> np.ndarray:
    """Returns how many rows of each class to take; of equal remainders the lower class is first."""
    exact = fraction * counts
    most = np.maximum(counts - 1, 0)
    taken = np.minimum(np.floor(exact).astype(int), most)
    wanted = max(1, round(fraction * int(counts.sum())))
    for class_id in np.argsort(taken - exact, kind="stable"):
        if taken.sum() < wanted and taken[class_id] < most[class_id]:
            taken[class_id] += 1
    return taken
