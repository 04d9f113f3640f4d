"""Work on a large batch, part after part."""

import math
from collections.abc import Callable
from typing import Any

from keras import ops


def in_parts(function: Callable[[Any], Any], batch: Any, most: int) -> Any:
    """Applies a function of rows to a batch, to few rows at a time where there are many.

    The parts run one after the other, in a compiled loop: next to each other a compiler may start
    them all at once, and all of their memory is taken.

    Args:
        function: Maps `(n, ...)` to `(n, ...)`, each row by itself.
        batch: Tensor `(B, ...)`.
        most: Rows of a part, at most; where B is not known, the batch goes as a whole.

    Returns:
        What the function gives for the batch, `(B, ...)`.

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
    # Equal parts where there is a way; a rest would be compiled for itself.
    number = next((n for n in range(least, 2 * least) if count % n == 0), least)
    size = count // number
    parts, rest = divmod(count, size)
    even = ops.reshape(batch[: parts * size], (parts, size, *batch.shape[1:]))
    results = ops.map(function, even)
    results = ops.reshape(results, (parts * size, *results.shape[2:]))
    if not rest:
        return results
    return ops.concatenate([results, function(batch[parts * size :])], axis=0)
