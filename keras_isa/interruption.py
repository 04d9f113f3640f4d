"""Ctrl-C, or the end of a job in a batch queue, that loses nothing."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Any

import keras

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption(keras.callbacks.Callback):
    """Remembers a signal and ends training after the running call."""

    # Keras may call it from another thread, as it only reads a flag.
    async_safe = True

    def __init__(self) -> None:
        super().__init__()
        self.happened = False

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        # Keras clears `stop_training` when `fit` starts, after a signal may have come.
        if self.happened:
            self.model.stop_training = True


@contextlib.contextmanager
def stop_at_interrupt(model: keras.Model) -> Iterator[Interruption]:
    """Turns Ctrl-C, or a SIGTERM, into the end of training after the running call.

    A batch queue sends SIGTERM before it ends a job. A second signal ends the process at once. A
    compiled call owns the memory of the state that it was given, so an interruption inside of one
    would lose the state. Python allows handlers in the main thread only; in another thread nothing
    changes.

    Args:
        model: Model in `fit`.

    Yields:
        An `Interruption`; the caller raises `KeyboardInterrupt` if it happened.
    """
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    previous = {number: signal.getsignal(number) for number in _SIGNALS}

    def restore() -> None:
        for number, handler in previous.items():
            if handler is not None:  # one that Python did not install cannot be put back
                signal.signal(number, handler)

    def handle(number: int, frame: Any) -> None:
        interruption.happened = True
        model.stop_training = True
        restore()

    for number in _SIGNALS:
        signal.signal(number, handle)
    try:
        yield interruption
    finally:
        restore()
