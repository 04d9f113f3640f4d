"""What `fit` is given beside data."""

from __future__ import annotations

import sys
from typing import Any

import keras


def checked_callbacks(callbacks: Any) -> list[keras.callbacks.Callback]:
    """The callbacks as a list; one may come alone.

    Raises:
        TypeError: If something else is among them.
        ValueError: If one of them saves the whole model: Keras could not load a trainer again.
    """
    if callbacks is None:
        return []
    found = list(callbacks) if isinstance(callbacks, tuple | list) else [callbacks]
    for callback in found:
        if not isinstance(callback, keras.callbacks.Callback):
            raise TypeError(f"`callbacks` must be Keras callbacks. Received: {callback!r}")
        saves = isinstance(callback, keras.callbacks.ModelCheckpoint)
        if saves and not callback.save_weights_only:
            raise ValueError(
                "`callbacks` cannot save a trainer whole: give ModelCheckpoint "
                "save_weights_only=True, or `fit` a folder to `resume` from, and save the set with "
                "`trainer.distilled.save`."
            )
    return found


def resolved_verbosity(verbose: Any) -> Any:
    """`"auto"` becomes 1, a live bar, on a terminal or in a notebook, and 2, a line, elsewhere."""
    if verbose != "auto":
        return verbose
    return 1 if sys.stdout.isatty() or "ipykernel" in sys.modules else 2
