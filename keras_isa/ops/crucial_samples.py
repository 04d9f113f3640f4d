"""The choice of the target samples that matter most for the next update."""

from keras import ops

from keras_isa.ops.arguments import finite_number, float_tensor, one_of
from keras_isa.types import Tensor

KEEP = ("hardest", "easiest")


def check_fraction(fraction: float, name: str = "fraction") -> float:
    """Return `fraction` as a float, or raise when it is not in (0, 1]."""
    return finite_number(name, fraction, lambda number: 0 < number <= 1, "in (0, 1]")


def crucial_count(rows: int, fraction: float) -> int:
    """Return how many of `rows` samples are kept: `max(1, int(fraction * rows))`."""
    return max(1, int(fraction * rows))


def residual_losses(residuals: Tensor) -> Tensor:
    """Return the loss of each sample, half its squared residual summed over classes.

    Source: the kernel loss of FRePo ("Dataset Distillation using Neural Feature Regression").

    Args:
        residuals: `(B, C)` predictions minus labels.

    Returns:
        Losses, `(B,)` float32.

    Raises:
        TypeError: If `residuals` are not real numbers.
        ValueError: If they are not a matrix.

    Example:

    >>> import numpy as np
    >>> from keras_isa import ops
    >>> print(np.asarray(ops.residual_losses([[1.0, -1.0], [0.0, 2.0]])))
    [1. 2.]
    """
    residuals = float_tensor("residuals", residuals, "B, C")
    return 0.5 * ops.sum(ops.square(residuals), axis=-1)


def crucial_indices(losses: Tensor, fraction: float, keep: str = "hardest") -> Tensor:
    """Return the indices of the crucial samples of a batch, hardest first.

    Of equal losses the one with the lower index comes first, on every backend. No gradient flows
    through the choice. The number kept depends on the batch size only, so a compiled step keeps
    its shapes.

    Source: "Boosting Dataset Distillation with the Assistance of Crucial Samples", the selection
    of the samples with the greatest meta-training loss; `"easiest"` is its control that discards
    the hardest ones.

    Args:
        losses: `(B,)` loss of each sample.
        fraction: Share to keep, in (0, 1]. `max(1, int(fraction * B))` samples are kept.
        keep: `"hardest"` keeps the greatest losses, `"easiest"` the least: the tail of the same
            descending order.

    Returns:
        Indices into the batch, `(k,)` int32, in descending order of loss.

    Raises:
        ValueError: If `fraction` is not in (0, 1], `keep` is not one of the words, or `losses`
            is not a vector of known length >= 1.
        TypeError: If `losses` are not real numbers.

    Example:

    >>> import numpy as np
    >>> from keras_isa import ops
    >>> print(np.asarray(ops.crucial_indices([0.1, 3.0, 2.0, 3.0], 0.5)))
    [1 3]
    >>> print(np.asarray(ops.crucial_indices([0.1, 3.0, 2.0, 3.0], 0.5, keep="easiest")))
    [2 0]
    """
    fraction = check_fraction(fraction)
    one_of("keep", keep, KEEP)
    losses = float_tensor("losses", losses)
    if len(losses.shape) != 1 or not losses.shape[0]:
        raise ValueError(
            "`losses` must be a non-empty vector of known length, one loss per sample. "
            f"Received shape: {tuple(losses.shape)}"
        )
    rows = losses.shape[0]
    count = crucial_count(rows, fraction)
    # The negated losses are sorted stably: `top_k` orders ties differently from backend to backend.
    order = ops.argsort(-ops.stop_gradient(losses))
    kept = order[:count] if keep == "hardest" else order[rows - count :]
    return ops.cast(kept, "int32")
