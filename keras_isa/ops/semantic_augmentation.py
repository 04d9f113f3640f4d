"""Infinite Semantic Augmentation: the mean loss over a segment in feature space, in closed form.

Kernel regression on features is affine in the feature vector. The residual of the virtual sample
`z_i + a (z_i - z_j)` with label `y_i + a (y_i - y_j)` is therefore exactly `r_i + a (r_i - r_j)`,
and its mean square over `a ~ U[lo, hi]` is

    (A + m B)^2 + w^2 / 12 B^2,   A = r_i,  B = r_i - r_j,  m = (lo + hi) / 2,  w = hi - lo.

Interval (0, e) extrapolates away from the partner; (-1, 0) interpolates between the two.
"""

from typing import Any

from keras import ops

from keras_isa.ops.arguments import finite_number, float_tensor, integer_tensor, one_of
from keras_isa.ops.parts import in_parts
from keras_isa.types import Tensor

# The greatest number of similarities in memory at a time, 256 MB of float32.
_MOST_SIMILARITIES = 2**26
# Below every cosine similarity. It is finite, so that a search for infinite values passes it.
_NO_PARTNER = -2.0
REDUCTIONS = ("class_mean", "half_sum")


def check_interval(interval: tuple[float, float], name: str = "interval") -> tuple[float, float]:
    """Return `interval` as two floats, or raise when it is not two finite numbers lo <= hi.

    A pair of scalar tensors, whose values a compiled step does not know, is returned as it is.
    """
    if isinstance(interval, tuple) and len(interval) == 2 and all(map(ops.is_tensor, interval)):
        return interval
    try:
        low, high = (finite_number(name, end) for end in interval)
        if low > high:
            raise ValueError("its ends are in the wrong order")
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"`{name}` must be two finite numbers (lo, hi) with lo <= hi. "
            f"Received: {name}={interval!r}"
        ) from error
    return low, high


def nearest_partners(features: Tensor, allowed: Tensor | None = None) -> Tensor:
    """Return, for each row, the index of the other row at the least cosine distance.

    A row is never its own partner unless it is the only one. Of equally similar rows the lower
    index is the partner. A row of zeros is equally far from all others. No gradient flows.

    Source: "Boosting Dataset Distillation with the Assistance of Crucial Samples", the pairing of
    Infinite Semantic Augmentation in the authors' released code.

    Args:
        features: `(B, d)` features of the samples to pair.
        allowed: `(B,)` booleans, the rows that may be partners; by default all.

    Returns:
        Partner indices, `(B,)` int32.

    Raises:
        TypeError: If `features` are not real numbers.
        ValueError: If `features` is not a matrix.

    Example:

    >>> import numpy as np
    >>> from keras_isa import ops
    >>> print(np.asarray(ops.nearest_partners([[1.0, 0.0], [0.0, 1.0], [5.0, 1.0]])))
    [2 2 0]
    """
    return _partners(float_tensor("features", features, "B, d"), allowed)


def same_class_partners(
    features: Tensor, class_ids: Tensor, allowed: Tensor | None = None
) -> Tensor:
    """Return, for each row, the index of the nearest other row of the same class.

    This is `nearest_partners` within each class. A row that is alone in its class is its own
    partner and is not augmented. Partners have the same label, so the augmentation changes the
    predictions only.

    Source: a variation on Infinite Semantic Augmentation, "Boosting Dataset Distillation with the
    Assistance of Crucial Samples".

    Args:
        features: `(B, d)` features of the samples to pair.
        class_ids: `(B,)` integer class of each.
        allowed: `(B,)` booleans, the rows that may be partners; by default all.

    Returns:
        Partner indices, `(B,)` int32.

    Raises:
        TypeError: If `features` are not real numbers or `class_ids` are not integers.
        ValueError: If `features` is not a matrix or `class_ids` is not a vector of as many rows.

    Example:

    >>> import numpy as np
    >>> from keras_isa import ops
    >>> features = [[1.0, 0.0], [0.0, 1.0], [5.0, 1.0]]
    >>> print(np.asarray(ops.same_class_partners(features, [3, 3, 8])))
    [1 0 2]
    """
    features = float_tensor("features", features, "B, d")
    class_ids = ops.convert_to_tensor(integer_tensor("class_ids", class_ids))
    count = features.shape[0]
    if len(class_ids.shape) != 1 or (count is not None and class_ids.shape[0] not in (None, count)):
        raise ValueError(
            "`class_ids` must be a vector with one class per row of `features`. "
            f"Received shape: {tuple(class_ids.shape)} for {count} rows"
        )
    return _partners(features, allowed, class_ids)


def _partners(features: Tensor, allowed: Tensor | None, class_ids: Tensor | None = None) -> Tensor:
    """The nearest partner of each row `(B, d)`, in its class where there are classes."""
    features = ops.stop_gradient(features)
    norms = ops.sqrt(ops.sum(ops.square(features), axis=1, keepdims=True))
    unit = features / ops.where(norms > 0, norms, 1.0)
    every = ops.arange(ops.shape(unit)[0], dtype="int32")

    def partners_of(rows: Tensor) -> Tensor:
        similarity = ops.matmul(ops.take(unit, rows, axis=0), ops.transpose(unit))
        possible = ops.not_equal(ops.expand_dims(rows, 1), ops.expand_dims(every, 0))
        if class_ids is not None:
            own = ops.expand_dims(ops.take(class_ids, rows, axis=0), 1)
            possible = ops.logical_and(possible, ops.equal(own, ops.expand_dims(class_ids, 0)))
        if allowed is not None:
            possible = ops.logical_and(possible, ops.expand_dims(allowed, 0))
        nearest = ops.argmax(ops.where(possible, similarity, _NO_PARTNER), axis=1)
        nearest = ops.cast(nearest, "int32")
        return nearest if class_ids is None else ops.where(ops.any(possible, 1), nearest, rows)

    # As many rows at a time as the memory allows.
    return in_parts(partners_of, every, max(_MOST_SIMILARITIES // (unit.shape[0] or 1), 1))


def isa_loss(
    residuals: Tensor,
    partner_residuals: Tensor,
    interval: tuple[float, float] = (0.0, 0.5),
    reduction: str = "class_mean",
) -> Tensor:
    """Return each sample's mean loss over the virtual samples on the line through its partner.

    This is the closed form of the mean of `|r_i + a (r_i - r_j)|^2` over `a ~ U[lo, hi]`, which the
    text of this module derives. An interval of width zero gives the loss at that single `a`, and
    (0, 0) gives the plain loss.

    Source: "Boosting Dataset Distillation with the Assistance of Crucial Samples", the loss of
    Infinite Semantic Augmentation, for any interval; its released code takes (0, e) and
    `"class_mean"`.

    Args:
        residuals: `(B, C)` predictions minus labels.
        partner_residuals: `(B, C)` residuals of each row's partner.
        interval: Two finite numbers `lo <= hi`, the range of `a`; or two scalar tensors.
        reduction: `"class_mean"` averages the squares over classes; `"half_sum"` takes half their
            sum, as FRePo does.

    Returns:
        Losses, `(B,)` float32.

    Raises:
        TypeError: If residuals are not real numbers.
        ValueError: If `interval` or `reduction` is not valid, or the residuals are not matrices of
            one shape.

    Example:

    >>> import numpy as np
    >>> from keras_isa import ops
    >>> loss = ops.isa_loss([[3.0, 0.0]], [[0.0, 3.0]], interval=(-1.0, 0.0))
    >>> print(np.asarray(loss))
    [3.]
    """
    residuals, middle, width = _checked(residuals, interval, reduction)
    partner_residuals = float_tensor("partner_residuals", partner_residuals)
    if tuple(residuals.shape) != tuple(partner_residuals.shape):
        raise ValueError(
            "`partner_residuals` must have the shape of `residuals`. "
            f"Received shapes: {tuple(partner_residuals.shape)}, {tuple(residuals.shape)}"
        )
    difference = residuals - partner_residuals
    squares = ops.square(residuals + middle * difference)
    squares = squares + (width**2 / 12) * ops.square(difference)
    return _reduce_classes(squares, reduction)


def isa_loss_all_pairs(
    residuals: Tensor,
    interval: tuple[float, float] = (0.0, 0.5),
    reduction: str = "class_mean",
    weights: Tensor | None = None,
) -> Tensor:
    """Return the mean of `isa_loss` over all ordered pairs of rows, each row with itself included.

    The mean of `r_i . r_j` over all pairs is `|mean r|^2`, so the whole sum takes O(B) time and
    carries no sampling noise:
    `((1 + m)^2 + m^2 + w^2 / 6) mean |r|^2 - (2 m (1 + m) + w^2 / 6) |mean r|^2`.

    Source: derived from Infinite Semantic Augmentation, "Boosting Dataset Distillation with the
    Assistance of Crucial Samples".

    Args:
        residuals: `(B, C)` predictions minus labels.
        interval: Two finite numbers `lo <= hi`, or two scalar tensors.
        reduction: `"class_mean"` or `"half_sum"`, as in `isa_loss`.
        weights: `(B,)` weight of each row in the means; they sum to 1. By default each is 1 / B.

    Returns:
        The loss, a float32 scalar.

    Raises:
        TypeError: If `residuals` are not real numbers.
        ValueError: If `interval` or `reduction` is not valid, or `residuals` is not a matrix.

    Example:

    >>> from keras_isa import ops
    >>> print(float(ops.isa_loss_all_pairs([[3.0, 0.0], [0.0, 3.0]], interval=(-1.0, 0.0))))
    3.75
    """
    residuals, middle, width = _checked(residuals, interval, reduction)
    mean_of_squares = _mean_of_rows(ops.square(residuals), weights)
    square_of_mean = ops.square(_mean_of_rows(residuals, weights))
    own = (1 + middle) ** 2 + middle**2 + width**2 / 6
    cross = 2 * middle * (1 + middle) + width**2 / 6
    return _reduce_classes(own * mean_of_squares - cross * square_of_mean, reduction)


def _checked(
    residuals: Tensor, interval: tuple[float, float], reduction: str
) -> tuple[Tensor, Any, Any]:
    """The residuals as a tensor, and the middle and the width of the interval."""
    low, high = check_interval(interval)
    one_of("reduction", reduction, REDUCTIONS)
    return float_tensor("residuals", residuals, "B, C"), (low + high) / 2, high - low


def _mean_of_rows(rows: Tensor, weights: Tensor | None) -> Tensor:
    if weights is None:
        return ops.mean(rows, axis=0)
    return ops.sum(rows * ops.expand_dims(weights, 1), axis=0)


def _reduce_classes(squares: Tensor, reduction: str) -> Tensor:
    if reduction == "class_mean":
        return ops.mean(squares, axis=-1)
    return 0.5 * ops.sum(squares, axis=-1)
