"""How much of the real data lies within reach of synthetic samples."""

from __future__ import annotations

import math

import numpy as np
from keras import ops

from keras_isa import backend
from keras_isa.ops.arguments import whole_number
from keras_isa.types import Tensor

# Distances that are computed at a time.
_AT_ONCE = 2**23


def manifold_recall(real: Tensor, synthetic: Tensor, k: int = 5) -> Tensor:
    """Returns the share of real samples that lie in a ball around a synthetic one.

    The ball around a synthetic sample reaches to its `k`-th nearest other synthetic sample, so
    their union is an estimate of the manifold of the synthetic samples. Source: equations 8 and 9
    of "Boosting Dataset Distillation with the Assistance of Crucial Samples", after Kynkäänniemi et
    al., "Improved Precision and Recall Metric for Assessing Generative Models" (2019). Neither says
    which features a distilled set is compared in: recall is a number of these samples and the space
    that they are given in.

    Args:
        real: Features of real samples, `(N, ...)`, float.
        synthetic: Features of synthetic samples in the same space, `(M, ...)`, M > k.
        k: Which neighbour the balls reach to; a sample is not its own neighbour.

    Returns:
        The share, a float32 scalar in [0, 1].

    Raises:
        ValueError: If there are not more than `k` synthetic samples, no real ones, or the two have
            features of different lengths.

    Example:

    >>> import numpy as np
    >>> from keras_isa import ops
    >>> real, synthetic = np.array([[0.5], [2.9], [9.0]]), np.array([[0.0], [1.0], [2.0]])
    >>> round(float(ops.manifold_recall(real, synthetic, k=1)), 4)
    0.6667
    """
    whole_number("k", k)
    real, synthetic = (_rows(values) for values in (real, synthetic))
    count, size = synthetic.shape
    if count <= k:
        raise ValueError(
            f"`synthetic` must hold more than k={k} samples, as the k-th nearest other one is the "
            f"radius of a ball. Received: {count}"
        )
    if not real.shape[0] or real.shape[1] != size:
        raise ValueError(
            "`real` must hold samples with as many features as `synthetic`. Received shapes: "
            f"{tuple(real.shape)} and {tuple(synthetic.shape)}"
        )
    # Distances about a common centre keep more digits.
    centre = ops.mean(synthetic, axis=0)
    real, synthetic = real - centre, synthetic - centre
    others = _squared_distances(synthetic, synthetic)
    others = ops.where(ops.eye(count, dtype="bool"), np.float32(np.inf), others)
    radii = ops.sort(others, axis=1)[:, k - 1]
    step = max(1, _AT_ONCE // count)
    inside = [
        ops.any(_squared_distances(real[start : start + step], synthetic) <= radii, axis=1)
        for start in range(0, real.shape[0], step)
    ]
    return ops.mean(ops.cast(ops.concatenate(inside), "float32"))


def _rows(values: Tensor) -> Tensor:
    values = ops.cast(ops.convert_to_tensor(values), "float32")
    return ops.reshape(values, (values.shape[0], math.prod(values.shape[1:])))


def _squared_distances(rows: Tensor, others: Tensor) -> Tensor:
    """Squared distances `(n, m)` of rows `(n, d)` and `(m, d)`."""
    with backend.full_precision():
        products = ops.matmul(rows, ops.transpose(others))
    squares = (ops.sum(ops.square(values), axis=1) for values in (rows, others))
    own, their = squares
    return ops.expand_dims(own, 1) + their - 2 * products
