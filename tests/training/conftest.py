"""What several tests of training share."""

import keras
import numpy as np
import pytest


@pytest.fixture(scope="session")
def networks():
    """`networks(trainer)` gives copies of the weights of its pool."""
    return lambda trainer: [np.array(v) for v in trainer.pool.stacked_weights]


@pytest.fixture
def make_recorder():
    """A callback class that keeps the set, and everything that Keras says, after each epoch."""

    class Recorder(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.epochs, self.logs, self.sets, self.calls = [], [], [], 0

        def on_train_batch_end(self, batch, logs=None):
            self.calls += 1

        def on_epoch_end(self, epoch, logs=None):
            self.epochs.append(epoch)
            self.logs.append(dict(logs))
            self.sets.append(self.model.distilled.to_numpy())

    return Recorder
