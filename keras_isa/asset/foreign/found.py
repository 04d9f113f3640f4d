"""What the readers of foreign files return."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from keras_isa.inputs.text import one_line


@dataclasses.dataclass(frozen=True)
class Found:
    """Images and labels as they lie in a file.

    Args:
        images: Numbers of any axes, one image per row.
        labels: Classes `(n,)` or a row for each image `(n, C)`; `None` where a folder says it.
        unused: What else is in the file, in words.
    """

    images: np.ndarray
    labels: np.ndarray
    unused: tuple[str, ...] = ()


def shown_names(names: Sequence[object]) -> str:
    """Returns names out of a file for a message, the first ten of them.

    Example:

    >>> from keras_isa.asset.foreign.found import shown_names
    >>> shown_names(["a", "b"]), shown_names([])
    ('a, b', 'nothing')
    """
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return (", ".join(map(one_line, names[:10])) or "nothing") + more
