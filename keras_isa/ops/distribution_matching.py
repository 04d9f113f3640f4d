"""Class means of features, which distribution matching compares, and ranks within classes."""

from keras import ops

from keras_isa.ops.crucial_samples import check_fraction
from keras_isa.types import Tensor


def class_means(
    features: Tensor, class_ids: Tensor, num_classes: int, weights: Tensor | None = None
) -> tuple:
    """Returns the mean feature and the number of rows of every class.

    Args:
        features: `(B, F)`.
        class_ids: Class of each row, `(B,)` int32.
        num_classes: Number of classes C.
        weights: Weight of each row in its mean, `(B,)`; by default 1.

    Returns:
        Means `(C, F)`, zero for a class without rows, and sums of the weights `(C,)`.

    Example:

    >>> import numpy as np
    >>> from keras_isa import ops
    >>> means, counts = ops.class_means([[1.0, 0.0], [3.0, 2.0], [5.0, 5.0]], [0, 0, 2], 3)
    >>> np.asarray(means).tolist(), np.asarray(counts).tolist()
    ([[2.0, 1.0], [0.0, 0.0], [5.0, 5.0]], [2.0, 0.0, 1.0])
    """
    features = ops.convert_to_tensor(features)
    members = ops.one_hot(ops.convert_to_tensor(class_ids), num_classes, dtype=features.dtype)
    if weights is not None:
        members = members * ops.expand_dims(weights, 1)
    counts = ops.sum(members, axis=0)
    sums = ops.matmul(ops.transpose(members), features)
    return sums / ops.expand_dims(ops.maximum(counts, 1.0), 1), counts


def class_ranks(hardness: Tensor, class_ids: Tensor) -> Tensor:
    """Returns the rank of each row among those of its class, 0 for the hardest.

    Args:
        hardness: `(B,)`.
        class_ids: Class of each row, `(B,)` int32.

    Returns:
        Ranks `(B,)` int32. Equal values are in the order of the rows.

    Example:

    >>> import numpy as np
    >>> from keras_isa import ops
    >>> np.asarray(ops.class_ranks([1.0, 5.0, 3.0, 2.0], [0, 1, 0, 0])).tolist()
    [2, 0, 0, 1]
    """
    class_ids = ops.cast(class_ids, "int32")
    hardest = ops.argsort(-ops.convert_to_tensor(hardness))
    # Sorting is stable, so that the rows of a class stay hardest first.
    order = ops.take(hardest, ops.argsort(ops.take(class_ids, hardest)))
    of_order = ops.take(class_ids, order)
    first = ops.searchsorted(of_order, of_order)
    places = ops.arange(class_ids.shape[0], dtype="int32") - ops.cast(first, "int32")
    return ops.take(places, ops.argsort(order))


def crucial_in_class(
    hardness: Tensor, class_ids: Tensor, num_classes: int, fraction: float
) -> Tensor:
    """Marks the rows that are among the hardest of their class.

    Args:
        hardness: `(B,)`.
        class_ids: Class of each row, `(B,)` int32.
        num_classes: Number of classes C.
        fraction: Share of each class, in (0, 1]; at least one row of a class is kept.

    Returns:
        1 for a row that is kept and 0 for another, `(B,)` float32.

    Raises:
        ValueError: If `fraction` is out of range.

    Example:

    >>> import numpy as np
    >>> from keras_isa import ops
    >>> np.asarray(ops.crucial_in_class([1.0, 5.0, 3.0, 2.0], [0, 1, 0, 0], 2, 0.7)).tolist()
    [0.0, 1.0, 1.0, 1.0]
    """
    fraction = check_fraction(fraction)
    counts = ops.sum(ops.one_hot(class_ids, num_classes, dtype="float32"), axis=0)
    kept = ops.maximum(ops.floor(fraction * counts), 1.0)
    ranks = ops.cast(class_ranks(hardness, class_ids), "float32")
    return ops.cast(ranks < ops.take(kept, class_ids), "float32")
