"""A learning rate that can be lowered while a compiled run goes on."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_isa")
class AdjustableRate(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule of learning rates, times a variable.

    Args:
        rate: A `LearningRateSchedule`.
        scale: Scalar variable of the trainer, so that it is saved and restored with its state.

    Example:

    >>> import keras
    >>> from keras_isa.training.adjustable_rate import AdjustableRate
    >>> schedule = keras.optimizers.schedules.CosineDecay(0.5, 10)
    >>> float(AdjustableRate(schedule, keras.Variable(0.5))(0))
    0.25
    """

    def __init__(self, rate: Any, scale: Any = 1.0) -> None:
        self.rate = rate.rate if isinstance(rate, AdjustableRate) else rate
        self.scale = scale

    def __call__(self, step: Any) -> Any:
        return self.rate(step) * ops.convert_to_tensor(self.scale)

    def get_config(self) -> dict:
        return {"rate": keras.saving.serialize_keras_object(self.rate)}

    @classmethod
    def from_config(cls, config: dict) -> AdjustableRate:
        return cls(keras.saving.deserialize_keras_object(config["rate"]))
