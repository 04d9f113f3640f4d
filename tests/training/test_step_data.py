"""What `fit` hands to Keras's loop."""

import pytest

from keras_isa.training.device_data import CountedBatches
from keras_isa.training.step_data import StepData


class Trainer(StepData):
    settings = None
    steps_per_execution = 5


def test_batches_of_the_methods_own_take_single_steps():
    trainer, own = Trainer(), CountedBatches(seed=0)
    assert trainer._training_data(None, None, 8, 2, 30, own) == (own, 30)
    assert trainer.steps_per_execution == 1 and trainer.drawn_rows is None
    with pytest.raises(ValueError, match="`steps_per_epoch` must be given"):
        trainer._training_data(None, None, 8, 2, None, own)
