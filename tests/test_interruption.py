"""Ctrl-C, and the signal of a batch queue, during training."""

import os
import signal

import keras
import numpy as np
import pytest

from keras_isa import backend

LOOPS = backend.current().LOOPS  # whether a call takes several steps
SHORT = {"batch_size": 24, "steps_per_epoch": 4, "verbose": 0}


class Send(keras.callbacks.Callback):
    def __init__(self, number):
        super().__init__()
        self.number = number

    def on_train_batch_end(self, batch, logs=None):
        os.kill(os.getpid(), self.number)


@pytest.mark.parametrize(
    ("number", "validation_split"),
    [(signal.SIGINT, 0.0), (signal.SIGINT, 0.25), (signal.SIGTERM, 0.25)],
)
def test_a_signal_ends_training_and_loses_nothing(make_trainer, problem, number, validation_split):
    trainer = make_trainer(steps_per_execution=2)
    start = trainer.distilled.to_numpy()[0]
    handler = signal.getsignal(number)
    options = {**SHORT, "validation_split": validation_split}
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(*problem, callbacks=[Send(number)], epochs=5, **options)
    assert signal.getsignal(number) is handler
    steps = int(trainer.optimizer.iterations.value)
    assert (2 if LOOPS else 1) <= steps <= 4
    images, labels = trainer.distilled.to_numpy()
    assert np.isfinite(images).all() and np.isfinite(labels).all()
    assert np.abs(images - start).max() > 1e-3
    assert trainer.distilled.provenance["method"]
    # It can go on.
    trainer.fit(*problem, **options)
    assert int(trainer.optimizer.iterations.value) == steps + 4


def test_the_handler_is_restored_after_an_error(make_trainer, problem):
    class Fail(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            assert signal.getsignal(signal.SIGINT) is not handler
            raise RuntimeError("from the user")

    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(RuntimeError, match="from the user"):
        make_trainer().fit(*problem, callbacks=[Fail()], **SHORT)
    assert signal.getsignal(signal.SIGINT) is handler
