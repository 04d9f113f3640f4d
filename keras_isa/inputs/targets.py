"""Checks that turn the targets of a regression into an array of numbers."""

from __future__ import annotations

import numpy as np

from keras_isa.inputs.values import columns_of, refuse_where, to_array, wrong_dtype

# What the labels of a data set are.
TASKS = ("classification", "regression")


def check_targets(
    targets: object, num_rows: int, argument: str, num_targets: int | None = None
) -> np.ndarray:
    """Returns `targets` as numbers `(N, K)` float64, or raises an error.

    Args:
        targets: array-like of `num_rows` numbers `(N,)`, or of K numbers each `(N, K)`; integers
            are numbers here, and no classes.
        num_rows: how many rows there must be.
        argument: the caller's name for `targets`, used in the error.
        num_targets: K, if it is known.

    Raises:
        TypeError: the values are not numbers. Bools are refused too, as they are classes.
        ValueError: a number is missing, NaN or infinite, the number of rows or of targets differs,
            or there are other axes.

    Example:

    >>> from keras_isa.inputs.targets import check_targets
    >>> check_targets([3, 0.5], 2, "y").tolist()
    [[3.0], [0.5]]
    """
    columns = columns_of(targets)
    targets = to_array(targets, argument)
    if targets.dtype.kind not in "uif":
        raise wrong_dtype(targets, argument, "hold numbers for task='regression'", columns)
    if targets.ndim == 1:
        targets = targets[:, None]
    if targets.ndim != 2 or not targets.shape[1]:
        raise ValueError(
            f"`{argument}` must hold targets of shape (N,) or (N, K) for task='regression'. "
            f"Received: shape={targets.shape}"
        )
    if len(targets) != num_rows:
        raise ValueError(
            f"`{argument}` must hold one row of targets per row of the data. Received: "
            f"{len(targets)} rows of targets for {num_rows}"
        )
    if num_targets is not None and targets.shape[1] != num_targets:
        raise ValueError(
            f"`{argument}` must hold {num_targets} targets per row. Received: {targets.shape[1]}"
        )
    needed = "hold finite targets; repair or remove the rows with others"
    refuse_where(~np.isfinite(targets), targets, argument, needed, columns)
    return targets.astype(np.float64)


def target_names(targets: object) -> tuple[str, ...] | None:
    """Returns the names of the columns of a data frame, or the name of a series, if it has one.

    Args:
        targets: Targets of any kind.

    Example:

    >>> from keras_isa.inputs.targets import target_names
    >>> target_names([0.5, 1.5]) is None
    True
    """
    columns = columns_of(targets)
    if columns is not None:
        return tuple(columns)
    name = None if isinstance(targets, np.ndarray) else getattr(targets, "name", None)
    return (name,) if isinstance(name, str) and hasattr(targets, "__array__") else None


def group_ids(labels: np.ndarray) -> np.ndarray:
    """Returns the group of each row within which rows are drawn and divided, `(N,)` integers.

    Args:
        labels: Class numbers `(N,)`, which are the groups, or targets `(N, K)`, whose rows all
            belong to group 0.

    Example:

    >>> import numpy as np
    >>> from keras_isa.inputs.targets import group_ids
    >>> group_ids(np.array([1, 0])).tolist(), group_ids(np.array([[0.5], [0.1]])).tolist()
    ([1, 0], [0, 0])
    """
    return labels if labels.ndim == 1 else np.zeros(len(labels), np.int32)
