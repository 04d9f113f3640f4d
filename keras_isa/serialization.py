"""Keras's serialization, which is slow where TensorFlow is installed and not used."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from keras.src.utils import module_utils


@contextlib.contextmanager
def without_importing_tensorflow() -> Iterator[None]:
    """A context in which Keras serializes without importing TensorFlow.

    It asks of each object whether it is one of TensorFlow's, and imports TensorFlow to ask: seconds
    and hundreds of megabytes. Where nobody has imported it, nothing can be an object of it.
    """
    if "tensorflow" in sys.modules:
        yield
        return
    # What Keras has for TensorFlow until it is imported, and whether it can be.
    state = vars(module_utils.tensorflow)
    before = dict(state)
    state["_available"] = False
    try:
        yield
    finally:
        state.update(before)
