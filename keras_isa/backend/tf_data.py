"""tf.data, and the use of tensorflow while another backend computes."""

import contextlib
from typing import Any

import numpy as np


def leave_accelerators_alone() -> None:
    """Keeps tensorflow from reserving accelerator memory where another backend computes."""
    import keras
    import tensorflow as tf

    if keras.backend.backend() == "tensorflow":
        return
    # A tensorflow that has started to work cannot be changed any more, which is an error.
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
