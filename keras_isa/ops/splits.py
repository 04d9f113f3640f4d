"""Stratified splits, the same on every machine."""

import hashlib

import numpy as np

from keras_isa.ops.arguments import finite_number, whole_number
from keras_isa.ops.counts import rounded_shares


def check_share(name: str, share: float, zero: bool = True) -> float:
    """Returns `share` as a float; raises a ValueError outside of [0, 1), or at 0 without `zero`."""
    words = "in [0, 1)" if zero else "above 0 and below 1"
    return finite_number(name, share, lambda number: 0 <= number < 1 and (number or zero), words)


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
    counts = np.bincount(y, minlength=num_classes)
    wanted = max(1, round(fraction * len(y)))
    taken = rounded_shares(fraction * counts, wanted, least=0, most=np.maximum(counts - 1, 0))
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


def rows_fingerprint(mask: np.ndarray) -> str:
    """Tells which rows a split has chosen, so that others can check that theirs are the same.

    Args:
        mask: Boolean array `(N,)`, true where a row was chosen.

    Returns:
        SHA-256, in hexadecimal, of the numbers of these rows as little-endian int64, in order.

    Example:

    >>> import numpy as np
    >>> from keras_isa.ops.splits import rows_fingerprint
    >>> rows_fingerprint(np.array([False, True, True]))[:12]
    '0c730b69905c'
    """
    return hashlib.sha256(np.flatnonzero(mask).astype("<i8").tobytes()).hexdigest()
