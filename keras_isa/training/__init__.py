"""The training loop that all methods share."""

from keras_isa.training.training_loop import TrainingLoop as TrainingLoop
