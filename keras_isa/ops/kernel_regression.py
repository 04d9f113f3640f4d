"""Kernel ridge regression from a small synthetic set to a batch of targets.

It takes features, whose products are the kernel, or a kernel that is known already. Derivatives
come from solutions of the same system, without another factor: by default the first ones, in
`backend.freely_differentiable()` the second ones too.
"""

from typing import Any

from keras import ops

from keras_isa import backend
from keras_isa.ops.arguments import finite_number, float_tensor

# The rounding of float32, where a ridge that does not suffice is raised to at first; from the mean
# of the diagonal on, only features that are not finite are without a solution.
_LEAST_RAISED = 1.2e-7
_MOST = 1.0


def check_regularization(regularization: Any) -> Any:
    """Return `regularization` as a float, or raise when it is not finite and >= 0.

    A scalar tensor, whose value a compiled step does not know, is returned as it is.
    """
    if ops.is_tensor(regularization):
        return regularization
    words = "a finite number >= 0"
    return finite_number("regularization", regularization, lambda number: number >= 0, words)


def fit_kernel_regression(
    synthetic_features: Any, synthetic_labels: Any, regularization: float = 1e-6
) -> Any:
    """Fit kernel ridge regression with a linear kernel on features.

    Solves `(K + regularization * trace(K) / n * I) A = labels` with `K = Z Z^T`. The ridge is
    relative to the mean diagonal, so it means the same whatever the scale of the features. The
    gradient flows through labels and features, through the latter into the ridge as well. Second
    derivatives are exact in `backend.freely_differentiable()`, and wrong outside of it; third ones
    are wrong.

    Where float32 finds no solution (equal rows, more rows than features, a ridge that drowns in
    rounding) the ridge is raised tenfold until it does. Where all features are zero, as those of a
    dead network, the regression predicts zero.

    Source: FRePo ("Dataset Distillation using Neural Feature Regression"), the meta-training
    loss; Eq. 4 of "Boosting Dataset Distillation with the Assistance of Crucial Samples".

    Args:
        synthetic_features: `(n, d)` features of the synthetic images.
        synthetic_labels: `(n, C)` their labels.
        regularization: Ridge relative to `trace(K) / n`, `>= 0`; a number or a scalar tensor.

    Returns:
        The dual weights `A`, `(n, C)` float32. A prediction is `z @ (Z^T A)`.

    Raises:
        ValueError: If `regularization` is negative or not finite, or the shapes do not fit.
        TypeError: If features or labels are not real numbers.

    Example:

    >>> import numpy as np
    >>> from keras_isa import ops
    >>> weights = ops.fit_kernel_regression(np.eye(2), [[1.0, 0.0], [0.0, 1.0]], 1.0)
    >>> print(np.round(weights, 3))
    [[0.5 0. ]
     [0.  0.5]]
    """
    regularization = check_regularization(regularization)
    features, labels = _rows("synthetic_features", "(n, d)", synthetic_features, synthetic_labels)
    with backend.full_precision():
        kernel = _gram(features)
        # The mean of the diagonal is trace(K) / n, taken here without gathering the diagonal.
        mean = ops.mean(ops.sum(ops.square(features), axis=1))
        return _fitted(kernel, mean, labels, regularization)


def fit_kernel_regression_from_kernel(
    synthetic_kernel: Any, synthetic_labels: Any, regularization: float = 1e-6
) -> Any:
    """Fit kernel ridge regression with a kernel that is known already.

    It solves the system of `fit_kernel_regression`, with `K` as it is given: for kernels of
    infinitely wide networks, say, or sums of the kernels of several networks.

    Source: KIP ("Dataset Meta-Learning from Kernel Ridge-Regression", Nguyen et al. 2021), here
    with the ridge relative to `trace(K) / n`.

    Args:
        synthetic_kernel: `(n, n)`, symmetric and positive semi-definite, between synthetic images.
        synthetic_labels: `(n, C)` their labels.
        regularization: Ridge relative to `trace(K) / n`, `>= 0`; a number or a scalar tensor.

    Returns:
        The dual weights `A`, `(n, C)` float32. A prediction is `k @ A`, with the kernel `k` `(n,)`
        between an image and the synthetic ones.

    Raises:
        ValueError: If `regularization` is negative or not finite, or the shapes do not fit.
        TypeError: If kernel or labels are not real numbers.

    Example:

    >>> import numpy as np
    >>> from keras_isa import ops
    >>> labels = [[1.0, 0.0], [0.0, 1.0]]
    >>> print(np.round(ops.fit_kernel_regression_from_kernel(4 * np.eye(2), labels, 1.0), 3))
    [[0.125 0.   ]
     [0.    0.125]]
    """
    regularization = check_regularization(regularization)
    kernel, labels = _rows("synthetic_kernel", "(n, n)", synthetic_kernel, synthetic_labels)
    if _differ(kernel.shape[0], kernel.shape[1]):
        raise ValueError(
            "`synthetic_kernel` must be a square matrix (n, n). "
            f"Received shape: {tuple(kernel.shape)}"
        )
    with backend.full_precision():
        return _fitted(kernel, ops.mean(ops.diagonal(kernel)), labels, regularization)


def _rows(name: str, axes: str, rows: Any, labels: Any) -> tuple[Any, Any]:
    """Both as float32 matrices, or a refusal: empty, or with other numbers of rows."""
    rows, labels = float_tensor(name, rows), float_tensor("synthetic_labels", labels)
    matrices = len(rows.shape) == len(labels.shape) == 2
    if not matrices or 0 in (*rows.shape, *labels.shape) or _differ(rows.shape[0], labels.shape[0]):
        raise ValueError(
            f"`{name}` {axes} and `synthetic_labels` (n, C) must be matrices with the same number "
            f"of rows. Received shapes: {tuple(rows.shape)}, {tuple(labels.shape)}"
        )
    return rows, labels


def _targets(name: str, targets: Any, other: str, width: int | None) -> Any:
    """The targets as a float32 matrix, or a refusal of another width than that of the other."""
    targets = float_tensor(name, targets)
    if len(targets.shape) != 2 or _differ(targets.shape[1], width):
        raise ValueError(
            f"`{name}` must be a matrix as wide as `{other}`. "
            f"Received shape: {tuple(targets.shape)}, in place of {width} columns"
        )
    return targets


def _differ(first: int | None, second: int | None) -> bool:
    """Whether two static sizes are known and different."""
    return first is not None and second is not None and first != second


def _fitted(kernel: Any, mean: Any, labels: Any, regularization: Any) -> Any:
    """The dual weights for a kernel and the mean of its diagonal."""
    ridge, factor = _factorized(ops.stop_gradient(kernel), ops.stop_gradient(mean), regularization)
    return _solve(_with_ridge(kernel, mean, ridge), labels, factor)


def _with_ridge(kernel: Any, mean: Any, ridge: Any) -> Any:
    identity = ops.eye(ops.shape(kernel)[0], dtype="float32")
    return kernel + ops.where(mean > 0, ridge * mean, 1.0) * identity


def _factorized(kernel: Any, mean: Any, regularization: Any) -> tuple[Any, Any]:
    """The least ridge, relative to the mean of the diagonal, that float32 can solve with, and the
    Cholesky factor of the kernel with it."""

    def factor_with(ridge: Any) -> Any:
        return backend.current().cholesky(_with_ridge(kernel, mean, ridge))

    def too_small(ridge: Any, factor: Any) -> Any:
        solved = ops.all(ops.isfinite(factor))
        return ops.logical_not(solved | (mean <= 0) | (ridge >= _MOST))

    def raised(ridge: Any, factor: Any) -> tuple:
        ridge = ops.maximum(10 * ridge, _LEAST_RAISED)
        return ridge, factor_with(ridge)

    start = ops.stop_gradient(ops.convert_to_tensor(regularization, dtype="float32"))
    return ops.while_loop(too_small, raised, (start, factor_with(start)))


def _gram(features: Any) -> Any:
    """`Z Z^T`, whose gradient `(U + U^T) Z` takes one product here and would take two."""
    if backend.is_freely_differentiable():
        return ops.matmul(features, ops.transpose(features))
    product = ops.matmul(features, ops.transpose(ops.stop_gradient(features)))
    return product + (ops.transpose(product) - ops.stop_gradient(product))


def _solve(matrix: Any, labels: Any, factor: Any) -> Any:
    """Solves `matrix @ A = labels` by the factor of the symmetric matrix.

    With `H = matrix^-1 U`, the gradient of the labels, that of the matrix is `-H A^T`: systems of
    few columns, where a gradient through the factor would take two of as many columns as rows.
    """
    weights = ops.stop_gradient(_by_factor(factor, labels))
    # Each round makes one more order of derivatives exact.
    for _ in range(2 if backend.is_freely_differentiable() else 1):
        # It is zero, but its derivative is not: so the labels change where the matrix changes.
        change = ops.matmul(matrix - ops.stop_gradient(matrix), weights)
        weights = _by_factor(factor, labels - change)
    return weights


def _by_factor(factor: Any, right: Any) -> Any:
    half = ops.solve_triangular(factor, right, lower=True)
    return ops.solve_triangular(ops.transpose(factor), half, lower=False)


def kernel_regression(
    target_features: Any,
    synthetic_features: Any,
    synthetic_labels: Any,
    regularization: float = 1e-6,
) -> Any:
    """Predict target labels by kernel ridge regression fitted on the synthetic set.

    `Z_T Z_S^T (Z_S Z_S^T + regularization * trace / n * I)^-1 Y_S`, in float32 throughout:
    half precision cannot carry the solve, and products are not rounded to a shorter format either
    where an accelerator would do so.

    Source: Eq. 4 of "Boosting Dataset Distillation with the Assistance of Crucial Samples";
    FRePo's meta-training loss.

    Args:
        target_features: `(B, d)` features of the target batch.
        synthetic_features: `(n, d)` features of the synthetic images.
        synthetic_labels: `(n, C)` their labels.
        regularization: Ridge relative to `trace / n`, `>= 0`; a number or a scalar tensor.

    Returns:
        Predictions, `(B, C)` float32.

    Raises:
        ValueError: If `regularization` is negative or not finite, or the shapes do not fit.
        TypeError: If features or labels are not real numbers.

    Example:

    >>> import numpy as np
    >>> from keras_isa import ops
    >>> labels = [[0.5, -0.5], [-0.5, 0.5]]
    >>> predictions = ops.kernel_regression([[2.0, 0.0], [1.0, 1.0]], np.eye(2), labels)
    >>> print(np.round(predictions, 3))
    [[ 1. -1.]
     [ 0.  0.]]
    """
    weights = fit_kernel_regression(synthetic_features, synthetic_labels, regularization)
    features = float_tensor("synthetic_features", synthetic_features)
    targets = _targets("target_features", target_features, "synthetic_features", features.shape[1])
    rows, classes = weights.shape
    with backend.full_precision():
        if rows is not None and classes is not None and rows < classes:
            return ops.matmul(ops.matmul(targets, ops.transpose(features)), weights)
        # Same product, other order: with fewer classes than synthetic rows it never forms (B, n),
        # and both this pass and its gradient cost about C / n of the kernel's.
        return ops.matmul(targets, ops.matmul(ops.transpose(features), weights))


def kernel_regression_from_kernels(
    cross_kernel: Any,
    synthetic_kernel: Any,
    synthetic_labels: Any,
    regularization: float = 1e-6,
) -> Any:
    """Predict target labels by kernel ridge regression, with kernels that are known already.

    `K_TS (K_SS + regularization * trace / n * I)^-1 Y_S`, in float32 as `kernel_regression`.

    Source: as of `fit_kernel_regression_from_kernel`.

    Args:
        cross_kernel: `(B, n)`, between the target batch and the synthetic images.
        synthetic_kernel: `(n, n)`, symmetric and positive semi-definite, between synthetic images.
        synthetic_labels: `(n, C)` their labels.
        regularization: Ridge relative to `trace / n`, `>= 0`; a number or a scalar tensor.

    Returns:
        Predictions, `(B, C)` float32.

    Raises:
        ValueError: If `regularization` is negative or not finite, or the shapes do not fit.
        TypeError: If kernels or labels are not real numbers.

    Example:

    >>> import numpy as np
    >>> from keras_isa import ops
    >>> cross, labels = [[2.0, 0.0], [1.0, 1.0]], [[0.5, -0.5], [-0.5, 0.5]]
    >>> predictions = ops.kernel_regression_from_kernels(cross, np.eye(2), labels)
    >>> print(np.round(predictions, 3))
    [[ 1. -1.]
     [ 0.  0.]]
    """
    weights = fit_kernel_regression_from_kernel(synthetic_kernel, synthetic_labels, regularization)
    cross = _targets("cross_kernel", cross_kernel, "synthetic_kernel", weights.shape[0])
    with backend.full_precision():
        return ops.matmul(cross, weights)
