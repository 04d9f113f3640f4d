"""Keras's serialization without its import of TensorFlow, which takes seconds."""

import contextlib
import sys
from collections.abc import Iterator

from keras.src.utils import module_utils


@contextlib.contextmanager
def without_importing_tensorflow() -> Iterator[None]:
    """Returns a context in which Keras serializes without importing TensorFlow.

    Keras checks for each object whether it belongs to TensorFlow, and imports TensorFlow for this
    check, which takes seconds and hundreds of megabytes. As long as TensorFlow is not imported, no
    object can belong to it, so the check is not needed.
    """
    if "tensorflow" in sys.modules:
        yield
        return
    # Keras's lazy module records here whether TensorFlow can be imported.
    state = vars(module_utils.tensorflow)
    before = dict(state)
    state["_available"] = False
    try:
        yield
    finally:
        state.update(before)
