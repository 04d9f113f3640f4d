"""tf.data on request; nothing else in the library needs tensorflow."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np


def leave_accelerators_alone() -> None:
    """Keeps tensorflow, where it only reads data, from reserving the memory of the accelerators."""
    import keras
    import tensorflow as tf

    if keras.backend.backend() == "tensorflow":
        return
    # Too late where tensorflow is at work already: then its user has decided.
    with contextlib.suppress(RuntimeError):
        tf.config.set_visible_devices([], "GPU")


def from_arrays(images: np.ndarray, labels: np.ndarray, batch_size: int) -> Any:
    """Returns a batched `tf.data.Dataset` over images `(n, H, W, C)` and labels `(n, C)`.

    Raises:
        ImportError: If tensorflow is not installed.
    """
    try:
        import tensorflow as tf
    except ImportError as error:
        raise ImportError("to_tf() needs tensorflow: pip install tensorflow") from error
    return tf.data.Dataset.from_tensor_slices((images, labels)).batch(batch_size)
