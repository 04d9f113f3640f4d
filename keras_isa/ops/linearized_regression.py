"""Regression on a linearised network with a kernel ridge regression as its last layer.

A network at fixed weights has features `h` `(n, F)`; a change d of its weights before the last
layer changes its outputs by `J d`, to first order. The last layer is solved for: with
`M = (h h^T + ridge I)^-1` the set predicts `J_T d + h_T h^T M (Y - J d)`.
"""

from __future__ import annotations

from keras import ops

from keras_isa import backend
from keras_isa.ops.kernel_regression import fit_kernel_regression_from_kernel
from keras_isa.types import Tensor


def dual_weights(features: Tensor, labels: Tensor, ridge: Tensor) -> Tensor:
    """Solves `(h h^T + ridge I) A = labels`.

    Unlike in `fit_kernel_regression` the ridge is not relative to the kernel.

    Args:
        features: Features h of the set `(n, F)`.
        labels: `(n, C)`.
        ridge: A positive number or scalar tensor.

    Returns:
        The weights A, `(n, C)` float32.

    Example:

    >>> import numpy as np
    >>> from keras_isa.ops.linearized_regression import dual_weights
    >>> one = np.ones((1, 1), "float32")
    >>> print(round(float(dual_weights(one, one, 1.0)[0, 0]), 4))
    0.5
    """
    features = ops.cast(features, "float32")
    with backend.full_precision():
        kernel = ops.matmul(features, ops.transpose(features))
    identity = ops.eye(features.shape[0], dtype="float32")
    return fit_kernel_regression_from_kernel(kernel + ridge * identity, labels, 0.0)


def predictions(
    target_features: Tensor,
    target_changes: Tensor,
    features: Tensor,
    changes: Tensor,
    labels: Tensor,
    ridge: Tensor,
) -> Tensor:
    """Predicts labels of real images.

    Source: RCIG (Loo et al., "Dataset Distillation with Convexified Implicit Gradients", 2023) and
    the code released with it.

    Args:
        target_features: `(B, F)`.
        target_changes: `J_T d`, `(B, C)`.
        features: Those of the set `(n, F)`.
        changes: `J d`, `(n, C)`.
        labels: Labels Y of the set `(n, C)`.
        ridge: As for `dual_weights`.

    Returns:
        Predictions `(B, C)`.
    """
    weights = dual_weights(features, labels - changes, ridge)
    with backend.full_precision():
        maps = ops.matmul(ops.transpose(features), weights)
        return target_changes + ops.matmul(target_features, maps)


def implicit_term(
    features: Tensor, changes: Tensor, adjoint: Tensor, labels: Tensor, ridge: Tensor
) -> Tensor:
    """The scalar whose gradient is the implicit part of that of an outer loss.

    The change d minimises `((Y - J d)^T M (Y - J d) + |d|^2) / 2`, so that
    `d = J^T M (Y - J d)`. Where q is the gradient of the outer loss with respect to d, and
    `(I + J^T M J) u = q`, the outer loss changes through d as `(J u)^T M (Y - J d)` does with d and
    u held fixed (the implicit function theorem).

    Args:
        features: Features of the set `(n, F)`.
        changes: `J d`, `(n, C)`, with d held fixed.
        adjoint: `J u`, `(n, C)`, with u held fixed.
        labels: Labels Y of the set `(n, C)`.
        ridge: As for `dual_weights`.

    Returns:
        The scalar.
    """
    return ops.sum(adjoint * dual_weights(features, labels - changes, ridge))
