"""Writing a distilled set to its file."""

from __future__ import annotations

import os

import keras
import numpy as np

from keras_isa.files import atomic_path, check_writable, checked_path
from keras_isa.layers.preprocessing import check_registered
from keras_isa.serialization import without_importing_tensorflow


def save(distilled: keras.layers.Layer, path: str | os.PathLike, overwrite: bool = True) -> None:
    """Writes a `DistilledData` to a `.keras` file, whole or not at all.

    Args:
        distilled: The set.
        path: File ending in `.keras`.
        overwrite: Whether an existing file may be replaced.

    Raises:
        TypeError: If `path` is neither a string nor a path.
        ValueError: If the file cannot be written there, the set is not finite, or the class of its
            preprocessing is not registered with Keras, so that nobody could load it.
    """
    path = checked_path(path)
    if path.suffix != ".keras":
        raise ValueError(f"`path` must end in .keras. Received: path={str(path)!r}")
    check_writable(path, overwrite=overwrite)
    if distilled.preprocessing is not None:
        check_registered(distilled.preprocessing)
    if not all(np.isfinite(array).all() for array in distilled.to_numpy()):
        raise ValueError("`images` and `labels` must be finite to be saved; training diverged")
    with atomic_path(path) as temporary, without_importing_tensorflow():
        keras.saving.save_model(distilled, temporary)
