"""Infinite Semantic Augmentation of the cross-entropy, by Gauss-Legendre quadrature.

Predictions that are affine in what is augmented stay affine along the segment to a partner: those
of the virtual sample at `a` are `p_i + a (p_i - p_j)`, and its label is `y_i + a (y_i - y_j)`. The
logarithm of the sum of exponentials has no closed integral over `a`, but is smooth.
"""

from __future__ import annotations

import numpy as np
from keras import ops

from keras_isa.ops.arguments import float_tensor, whole_number
from keras_isa.ops.semantic_augmentation import check_interval
from keras_isa.types import Tensor


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Returns the cross-entropy `log sum exp z - y z` of each row.

    Args:
        logits: z, `(B, C)`.
        labels: y, `(B, C)`, whose rows sum to 1; they may be negative.

    Returns:
        `(B,)` float32.

    Example:

    >>> from keras_isa.ops import cross_entropy
    >>> print(round(float(cross_entropy([[0.0, 0.0]], [[1.0, 0.0]])[0]), 4))
    0.6931
    """
    logits, labels = float_tensor("logits", logits, "B, C"), float_tensor("labels", labels, "B, C")
    return ops.logsumexp(logits, axis=-1) - ops.sum(labels * logits, axis=-1)


def isa_cross_entropy(
    logits: Tensor,
    partner_logits: Tensor,
    labels: Tensor,
    partner_labels: Tensor,
    interval: tuple[float, float] = (0.0, 0.5),
    points: int = 5,
) -> Tensor:
    """Return each sample's mean cross-entropy over the virtual samples on the line through its
    partner.

    It is the mean over `a ~ U[lo, hi]` of the cross-entropy of `z_i + a (z_i - z_j)` with the label
    `y_i + a (y_i - y_j)`, by the Gauss-Legendre rule. The part that is linear in the label is
    exact; of the logarithm of the sum of exponentials five points leave an error of less than 2e-4
    where logits move by up to 4 over the interval, and of less than 0.02 (3e-4 in the mean) where
    they move by up to 10.

    Source: "Boosting Dataset Distillation with the Assistance of Crucial Samples" has ISA for the
    squared error; for the cross-entropy it is ours.

    Args:
        logits: z of the samples `(B, C)`.
        partner_logits: Those of each row's partner `(B, C)`.
        labels: One-hot labels `(B, C)`.
        partner_labels: Those of the partners `(B, C)`.
        interval: Two finite numbers `lo <= hi`; (0, 0) gives the plain cross-entropy.
        points: Points of the rule, at least 1.

    Returns:
        Losses, `(B,)` float32.

    Raises:
        TypeError: If logits or labels are not real numbers.
        ValueError: If the interval or `points` is not valid, or shapes differ.

    Example:

    >>> from keras_isa import ops
    >>> loss = ops.isa_cross_entropy([[1.0, 0.0]], [[0.0, 1.0]], [[1.0, 0.0]], [[0.0, 1.0]])
    >>> print(round(float(loss[0]), 4))
    -0.209
    """
    low, high = check_interval(interval)
    points = whole_number("points", points)
    logits, labels = float_tensor("logits", logits, "B, C"), float_tensor("labels", labels, "B, C")
    others = float_tensor("partner_logits", partner_logits, "B, C")
    other_labels = float_tensor("partner_labels", partner_labels, "B, C")
    shapes = {tuple(one.shape) for one in (logits, others, labels, other_labels)}
    if len(shapes) != 1:
        raise ValueError(
            "`logits`, `partner_logits`, `labels` and `partner_labels` must have one shape. "
            f"Received shapes: {sorted(shapes)}"
        )
    if (low, high) == (0.0, 0.0):
        return cross_entropy(logits, labels)
    nodes, weights = np.polynomial.legendre.leggauss(points)
    middle, half = (low + high) / 2, (high - low) / 2
    change, label_change = logits - others, labels - other_labels
    total = 0.0
    for node, weight in zip(nodes, weights, strict=True):
        a = middle + half * float(node)
        total = total + float(weight) / 2 * cross_entropy(
            logits + a * change, labels + a * label_change
        )
    return total
