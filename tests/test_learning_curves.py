"""Metrics after each epoch, for the record."""

import numpy as np

from keras_isa.learning_curves import LearningCurves


def test_rows_are_added_with_finite_values():
    rows = [{"epoch": 1, "loss": 2.0}]  # of an earlier process
    curves = LearningCurves(rows)
    curves.on_epoch_end(1, {"loss": np.float32(0.5), "accuracy": np.inf})
    curves.on_epoch_end(2, None)
    assert rows == [{"epoch": 1, "loss": 2.0}, {"epoch": 2, "loss": 0.5}, {"epoch": 3}]
    assert type(rows[1]["loss"]) is float
