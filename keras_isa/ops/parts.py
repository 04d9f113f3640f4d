"""Large batches that are computed in parts, to save memory."""

import math
from collections.abc import Callable

from keras import ops

from keras_isa.types import Tensor


def in_parts(function: Callable[[Tensor], Tensor], batch: Tensor, most: int) -> Tensor:
    """Applies a function of rows to a batch, and to few rows at a time if the batch is large.

    The parts run one after the other in a compiled loop. Without the loop a compiler may start all
    parts at once, which takes the memory of all of them.

    Args:
        function: Maps `(n, ...)` to `(n, ...)`, each row by itself.
        batch: Tensor `(B, ...)`.
        most: The greatest number of rows of a part. A batch of unknown B is one part.

    Returns:
        The results of the function for all rows, `(B, ...)`.

    Example:

    >>> import numpy as np
    >>> from keras import ops
    >>> from keras_isa.ops.parts import in_parts
    >>> print(np.asarray(in_parts(ops.square, ops.arange(5), most=2)))
    [ 0  1  4  9 16]
    """
    count = batch.shape[0]
    if count is None or count <= most:
        return function(batch)
    least = math.ceil(count / most)
    # Equal parts are better, because a rest of another size would be compiled too.
    number = next((n for n in range(least, 2 * least) if count % n == 0), least)
    size = count // number
    parts, rest = divmod(count, size)
    even = ops.reshape(batch[: parts * size], (parts, size, *batch.shape[1:]))
    results = ops.map(function, even)
    results = ops.reshape(results, (parts * size, *results.shape[2:]))
    if not rest:
        return results
    return ops.concatenate([results, function(batch[parts * size :])], axis=0)
