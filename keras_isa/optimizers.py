"""Optimizers as the authors of methods have them, with corrected averages, and schedules."""

from typing import Any, Self

import keras
from keras import ops

from keras_isa.global_settings import SHORT_FLOATS
from keras_isa.types import Tensor


class CorrectedAverage:
    """A base of optimizers: `use_ema=True` keeps averages that are corrected for their start.

    After t steps the values of step k have the weight `(1 - m) m**(t - k) / (1 - m**t)`, with m the
    `ema_momentum`. In Keras those of the first step have `m**(t - 1)`, more than a third after 100
    steps at 0.99, so that a short run keeps much of what it started from. Source: the code released
    with RCIG (Loo et al. 2023), which keeps the corrected average of its set.
    """

    def _update_model_variables_moving_average(self, variables: list[keras.Variable]) -> None:
        # Keras calls it at the end of each step, before it counts the step.
        step = ops.cast(self.iterations + 1, "float32")
        weights = 1 - ops.power(ops.cast(self.ema_momentum, "float32"), step)
        share = (1 - self.ema_momentum) / weights
        for variable, average in zip(variables, averages_of(self), strict=True):
            change = ops.cast(share, variable.dtype) * (variable - average)
            average.assign(average + change)


@keras.saving.register_keras_serializable(package="keras_isa")
class Lamb(CorrectedAverage, keras.optimizers.Lamb):
    """`keras.optimizers.Lamb` with corrected averages, see `CorrectedAverage`.

    Arguments are those of `keras.optimizers.Lamb`.

    Example:

    >>> import keras
    >>> from keras_isa.optimizers import Lamb
    >>> weight = keras.Variable([1.0])
    >>> Lamb(0.1).apply([keras.ops.ones((1,))], [weight])
    >>> round(float(weight[0]), 4)
    0.9
    """


@keras.saving.register_keras_serializable(package="keras_isa")
class Adam(CorrectedAverage, keras.optimizers.Adam):
    """`keras.optimizers.Adam` with `epsilon` added after the bias correction.

    Algorithm 1 of Kingma and Ba (2015) divides by `sqrt(v / (1 - beta_2**t)) + epsilon`. Keras adds
    its epsilon before the correction, which makes the epsilon `1 / sqrt(1 - beta_2**t)` times as
    strong, 32 times in the first step. Published results of FRePo and its successors use the
    original form. Arguments are those of `keras.optimizers.Adam`.

    Example:

    >>> import keras
    >>> from keras_isa.optimizers import Adam
    >>> weight = keras.Variable([1.0])
    >>> Adam(0.1, epsilon=1.0).apply([keras.ops.ones((1,))], [weight])
    >>> round(float(weight[0]), 4)  # 1 - 0.1 * 1 / (1 + 1)
    0.95
    """

    def update_step(
        self, gradient: Tensor, variable: keras.Variable, learning_rate: Tensor
    ) -> None:
        """Updates one variable `(...)` by its gradient `(...)`."""
        # It computes in float32 for every variable: in bfloat16 0.999 becomes 1, and the correction
        # 1 - 0.999**t would be zero.
        step = ops.cast(self.iterations + 1, "float32")
        beta_1, beta_2, rate = (
            ops.cast(value, "float32") for value in (self.beta_1, self.beta_2, learning_rate)
        )
        first, second = 1 - ops.power(beta_1, step), 1 - ops.power(beta_2, step)
        gradient = ops.cast(gradient, "float32")
        index = self._get_variable_index(variable)
        momentum, velocity = self._momentums[index], self._velocities[index]
        mean = _float32(momentum)
        mean = mean + (gradient - mean) * (1 - self.beta_1)
        square = _float32(velocity)
        square = square + (ops.square(gradient) - square) * (1 - self.beta_2)
        self.assign(momentum, ops.cast(mean, momentum.dtype))
        self.assign(velocity, ops.cast(square, velocity.dtype))
        if self.amsgrad:
            largest = self._velocity_hats[index]
            square = ops.maximum(_float32(largest), square)
            self.assign(largest, ops.cast(square, largest.dtype))
        # Numerator and denominator are both multiplied by the root of the second correction, so
        # epsilon is multiplied by it too.
        root = ops.sqrt(second)
        change = mean * (rate * root / first) / (ops.sqrt(square) + self.epsilon * root)
        self.assign_sub(variable, ops.cast(change, variable.dtype))


@keras.saving.register_keras_serializable(package="keras_isa")
class SGD(CorrectedAverage, keras.optimizers.SGD):
    """`keras.optimizers.SGD` with the weight decay and the momentum of PyTorch.

    The velocity is `momentum * velocity + gradient + weight_decay * weight`, and each step
    subtracts the learning rate times the velocity from the weight. Keras instead applies the weight
    decay outside of the velocity, and multiplies by the learning rate inside of it, so that a lower
    rate takes effect later. Published results of DC and its successors use PyTorch's form.
    Arguments are those of `keras.optimizers.SGD`, without `nesterov`.

    Example:

    >>> import keras
    >>> from keras_isa.optimizers import SGD
    >>> weight, optimizer = keras.Variable([1.0]), SGD(0.1, momentum=0.5, weight_decay=1.0)
    >>> for _ in range(2):
    ...     optimizer.apply([keras.ops.ones((1,))], [weight])
    >>> round(float(weight[0]), 4)  # 1 - 0.1 * 2 - 0.1 * (0.5 * 2 + 1 + 0.8)
    0.52
    """

    def update_step(
        self, gradient: Tensor, variable: keras.Variable, learning_rate: Tensor
    ) -> None:
        """Updates one variable `(...)` by its gradient `(...)`."""
        weight = ops.convert_to_tensor(variable)
        change = ops.cast(gradient, variable.dtype)
        if self.weight_decay:
            change = change + self.weight_decay * weight
        if self.momentum:
            velocity = self.momentums[self._get_variable_index(variable)]
            change = self.momentum * ops.convert_to_tensor(velocity) + change
            self.assign(velocity, change)
        self.assign_sub(variable, ops.cast(learning_rate, variable.dtype) * change)

    def _apply_weight_decay(self, variables: list[keras.Variable]) -> None:
        """Does nothing: `update_step` adds the weight decay to the gradient."""


@keras.saving.register_keras_serializable(package="keras_isa")
class AdaBelief(CorrectedAverage, keras.optimizers.Optimizer):
    """AdaBelief, which divides by the root of how much gradients differ from their mean.

    With `m` the moving average of the gradients g and `s` that of `(g - m)^2 + epsilon`, both
    corrected for their start, a step subtracts `rate * m / (sqrt(s) + epsilon)`. RFAD and RCIG
    train their sets with it. Source: Zhuang et al., "AdaBelief Optimizer" (2020), Algorithm 2.

    Args:
        learning_rate: A number or a `keras.optimizers.schedules.LearningRateSchedule`.
        beta_1: Momentum of the mean of the gradients.
        beta_2: Momentum of the mean of the squares.
        epsilon: A small number.
        **kwargs: Further arguments of a Keras optimizer.

    Example:

    >>> import keras
    >>> from keras_isa.optimizers import AdaBelief
    >>> weight = keras.Variable([1.0])
    >>> AdaBelief(0.09).apply([keras.ops.ones((1,))], [weight])
    >>> round(float(weight[0]), 4)  # 1 - 0.09 * 1 / sqrt((1 - 0.1)**2)
    0.9
    """

    def __init__(
        self,
        learning_rate: Any = 1e-3,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-16,
        name: str = "adabelief",
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def build(self, variables: list[keras.Variable]) -> None:
        """Makes the moments of the variables."""
        if self.built:
            return
        super().build(variables)
        self._momentums = self.add_optimizer_variables(variables, "momentum")
        self._deviations = self.add_optimizer_variables(variables, "deviation")

    def update_step(
        self, gradient: Tensor, variable: keras.Variable, learning_rate: Tensor
    ) -> None:
        """Updates one variable `(...)` by its gradient `(...)`."""
        step = ops.cast(self.iterations + 1, "float32")
        index = self._get_variable_index(variable)
        momentum, deviation = self._momentums[index], self._deviations[index]
        gradient = ops.cast(gradient, "float32")
        mean = _float32(momentum)
        mean = mean + (gradient - mean) * (1 - self.beta_1)
        spread = _float32(deviation)
        spread = spread + (ops.square(gradient - mean) - spread) * (1 - self.beta_2) + self.epsilon
        self.assign(momentum, ops.cast(mean, momentum.dtype))
        self.assign(deviation, ops.cast(spread, deviation.dtype))
        mean = mean / (1 - ops.power(ops.cast(self.beta_1, "float32"), step))
        spread = spread / (1 - ops.power(ops.cast(self.beta_2, "float32"), step))
        change = ops.cast(learning_rate, "float32") * mean / (ops.sqrt(spread) + self.epsilon)
        self.assign_sub(variable, ops.cast(change, variable.dtype))

    def get_config(self) -> dict:
        own = {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="keras_isa")
class AdjustableRate(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule of learning rates times a variable, with which a running `fit` can lower it.

    Args:
        rate: A `LearningRateSchedule`.
        scale: Scalar variable. It belongs to the trainer, which saves and restores it.

    Example:

    >>> import keras
    >>> from keras_isa.optimizers import AdjustableRate
    >>> schedule = keras.optimizers.schedules.CosineDecay(0.5, 10)
    >>> float(AdjustableRate(schedule, keras.Variable(0.5))(0))
    0.25
    """

    def __init__(self, rate: Any, scale: Any = 1.0) -> None:
        self.rate = rate.rate if isinstance(rate, AdjustableRate) else rate
        self.scale = scale

    def __call__(self, step: Tensor) -> Tensor:
        """Returns the learning rate of a step, a scalar."""
        return self.rate(step) * ops.convert_to_tensor(self.scale)

    def get_config(self) -> dict:
        return {"rate": keras.saving.serialize_keras_object(self.rate)}

    @classmethod
    def from_config(cls, config: dict) -> Self:
        return cls(keras.saving.deserialize_keras_object(config["rate"]))


def optimizer_groups(
    optimizer: keras.optimizers.Optimizer,
) -> list[keras.optimizers.Optimizer]:
    """Returns the optimizers of a built `keras.optimizers.MultiOptimizer`, or the optimizer alone.

    Args:
        optimizer: A Keras optimizer.

    Example:

    >>> import keras
    >>> from keras_isa.optimizers import optimizer_groups
    >>> len(optimizer_groups(keras.optimizers.SGD(0.1)))
    1
    """
    return list(getattr(optimizer, "optimizers", [optimizer]))


def averages_of(optimizer: keras.optimizers.Optimizer) -> list[keras.Variable]:
    """Returns the averages of what an optimizer trains, in the order of its variables.

    Args:
        optimizer: A built optimizer with `use_ema=True`.

    Example:

    >>> import keras
    >>> from keras_isa.optimizers import SGD, averages_of
    >>> weight = keras.Variable([2.0])
    >>> optimizer = SGD(1.0, use_ema=True, ema_momentum=0.75)
    >>> for _ in range(2):  # to 1, and to 0
    ...     optimizer.apply([keras.ops.ones((1,))], [weight])
    >>> round(float(averages_of(optimizer)[0][0]), 4)  # 0.75 * 1 / (0.75 + 1)
    0.4286
    """
    return optimizer._model_variables_moving_average


def make_adjustable(optimizer: keras.optimizers.Optimizer, scale: keras.Variable) -> None:
    """Multiplies every schedule of a built optimizer by a variable.

    Args:
        optimizer: A Keras optimizer, such as a `keras.optimizers.MultiOptimizer`.
        scale: Scalar variable.

    Raises:
        ValueError: If a learning rate is stored in a float format of 16 bits.
    """
    for one in optimizer_groups(optimizer):
        check_learning_rate("optimizer", one)
        rate = getattr(one, "_learning_rate", None)
        if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
            one.learning_rate = AdjustableRate(rate, scale)


def rate_variables(optimizer: keras.optimizers.Optimizer) -> list[keras.Variable]:
    """Returns what lowers the learning rates of an optimizer that `make_adjustable` was called on.

    Args:
        optimizer: A Keras optimizer.

    Returns:
        The variables of fixed rates, and the scale of the schedules.

    Example:

    >>> import keras
    >>> from keras_isa.optimizers import rate_variables
    >>> [float(rate) for rate in rate_variables(keras.optimizers.SGD(0.5))]
    [0.5]
    """
    rates = [one._learning_rate for one in optimizer_groups(optimizer)]
    found = [rate.scale if isinstance(rate, AdjustableRate) else rate for rate in rates]
    return list({id(variable): variable for variable in found}.values())


def check_learning_rate(argument: str, optimizer: keras.optimizers.Optimizer) -> None:
    """Raises a ValueError if an optimizer stores its learning rate in 16 bits, which round it.

    Args:
        argument: Name of the argument.
        optimizer: A Keras optimizer.

    Raises:
        ValueError: If the learning rate is stored in a float format of 16 bits.
    """
    dtype = getattr(getattr(optimizer, "_learning_rate", None), "dtype", "float32")
    if dtype in SHORT_FLOATS:
        raise ValueError(
            f"`{argument}` must be made while Keras's float type is float32, because the optimizer "
            "stores its learning rate in that type: call keras.config.set_floatx('float32') first. "
            f"Received: a {type(optimizer).__name__} with the learning rate in {dtype}"
        )


def _float32(variable: keras.Variable) -> Tensor:
    return ops.cast(ops.convert_to_tensor(variable), "float32")
