"""Labels for regression: their encoding, and the margin that keeps learned labels apart."""

import numpy as np
from keras import ops

from keras_isa.ops.arguments import float_tensor, integer_tensor, whole_number
from keras_isa.types import Tensor


def encode_labels(class_ids: Tensor, num_classes: int, scaled: bool = False) -> Tensor:
    """Encode classes as one-hot rows with mean zero.

    Target labels are `one_hot - 1 / C`. Synthetic labels start from the same rows divided by
    `sqrt(C / 10)` (`scaled=True`).

    Source: FRePo ("Dataset Distillation using Neural Feature Regression"), its released code.

    Args:
        class_ids: `(B,)` integers in [0, C).
        num_classes: The number of classes C, at least 2.
        scaled: Whether to divide by `sqrt(C / 10)`.

    Returns:
        Labels, `(B, C)` float32.

    Raises:
        TypeError: If `class_ids` are not integers.
        ValueError: If `num_classes` is not an integer >= 2, `class_ids` is not a vector, or NumPy
            or Python values in it are out of range.

    Example:

    >>> import numpy as np
    >>> from keras_isa import ops
    >>> print(np.asarray(ops.encode_labels([0, 3], 4)))
    [[ 0.75 -0.25 -0.25 -0.25]
     [-0.25 -0.25 -0.25  0.75]]
    """
    num_classes = whole_number("num_classes", num_classes, least=2)
    class_ids = integer_tensor("class_ids", class_ids, "B")
    # A class out of range would become a row of zeros. A compiled step cannot look at values.
    if isinstance(class_ids, np.ndarray) and class_ids.size:
        low, high = class_ids.min(), class_ids.max()
        if low < 0 or high >= num_classes:
            raise ValueError(
                f"`class_ids` must be in [0, {num_classes}). Received values from {low} to {high}"
            )
    labels = ops.one_hot(ops.cast(class_ids, "int32"), num_classes, dtype="float32")
    labels = labels - 1.0 / num_classes
    return labels / (num_classes / 10) ** 0.5 if scaled else labels


def label_margin(labels: Tensor, limit: float | None = None) -> Tensor:
    """Return the mean margin between the two greatest entries of each row, up to a limit.

    Subtracted from the loss, it keeps the greatest class of each learned label apart from the
    second one. Beyond a margin of the limit the gradient is zero.

    Source: FRePo ("Dataset Distillation using Neural Feature Regression"), the label loss of its
    released code.

    Args:
        labels: `(n, C)` learned labels, C at least 2.
        limit: The greatest margin that counts; by default 1 / C.

    Returns:
        The margin, a float32 scalar.

    Raises:
        TypeError: If `labels` are not real numbers.
        ValueError: If `labels` is not a matrix with at least two columns.

    Example:

    >>> from keras_isa import ops
    >>> print(float(ops.label_margin([[0.75, 0.5], [2.0, 1.0]])))
    0.375
    """
    labels = float_tensor("labels", labels)
    if len(labels.shape) != 2 or labels.shape[1] is None or labels.shape[1] < 2:
        raise ValueError(
            f"`labels` must be a matrix (n, C) with C >= 2. Received shape: {tuple(labels.shape)}"
        )
    top, _ = ops.top_k(labels, 2)
    limit = 1.0 / labels.shape[1] if limit is None else limit
    return ops.mean(ops.minimum(top[:, 0] - top[:, 1], limit))


def hits(predictions: Tensor, class_ids: Tensor) -> Tensor:
    """Returns 1 for each right prediction, 0 for each wrong one and NaN for one that is not finite.

    Args:
        predictions: Scores of the classes, `(B, C)`.
        class_ids: True classes, `(B,)` int32.

    Returns:
        The numbers, `(B,)` float32.

    Example:

    >>> from keras import ops
    >>> from keras_isa.ops.labels import hits
    >>> ops.convert_to_numpy(hits(ops.array([[0.9, 0.1], [0.8, 0.2]]), ops.array([0, 1]))).tolist()
    [1.0, 0.0]
    """
    right = ops.cast(ops.equal(ops.argmax(predictions, axis=-1), class_ids), "float32")
    return right + 0.0 * ops.sum(predictions, axis=-1)
