"""Settings of a compiled step as variables, which can change without another compilation."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from keras_isa.layers.infinite_semantic_augmentation import InfiniteSemanticAugmentation
from keras_isa.layers.kernel_ridge_regression import KernelRidgeRegression
from keras_isa.ops.crucial_samples import crucial_count
from keras_isa.ops.kernel_regression import kernel_regression
from keras_isa.ops.semantic_augmentation import (
    isa_loss,
    isa_loss_all_pairs,
    nearest_partners,
    same_class_partners,
)
from keras_isa.presets.settings import Settings
from keras_isa.types import Tensor


class Hyperparameters(keras.layers.Layer):
    """The settings as variables; in an ordinary step they are constants.

    None of them changes a shape. The share of crucial samples would change one, so the step keeps
    all rows, hardest first, and this share becomes the number of rows whose weight is not zero.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trainable=False, dtype="float32", **kwargs)
        self.regularization = self._variable("regularization")
        self.interval_low = self._variable("interval_low")
        self.interval_high = self._variable("interval_high")
        self.learning_rate = self._variable("learning_rate")
        self.final_share = self._variable("final_share")
        self.steps = self._variable("steps")
        self.kept = self._variable("kept", "int32")
        self.max_online_steps = self._variable("max_online_steps", "int32")
        self.built = True

    def assign(self, settings: Settings, batch_size: int) -> None:
        """Assigns all variables.

        Args:
            settings: The values.
            batch_size: Rows of a target batch.
        """
        self.regularization.assign(settings.regularization)
        self.interval_low.assign(settings.isa_interval[0])
        self.interval_high.assign(settings.isa_interval[1])
        self.learning_rate.assign(settings.learning_rate)
        self.final_share.assign(settings.final_learning_rate)
        self.steps.assign(settings.steps)
        self.kept.assign(crucial_count(batch_size, settings.crucial_fraction))
        self.max_online_steps.assign(settings.max_online_steps)

    def _variable(self, name: str, dtype: str = "float32") -> keras.Variable:
        return self.add_weight(
            shape=(), initializer="ones", dtype=dtype, trainable=False, autocast=False, name=name
        )


@keras.saving.register_keras_serializable(package="keras_isa")
class TunableCosineDecay(keras.optimizers.schedules.LearningRateSchedule):
    """A `keras.optimizers.schedules.CosineDecay` whose numbers are variables."""

    def __init__(self, hyperparameters: Hyperparameters) -> None:
        self._hyperparameters = hyperparameters

    def __call__(self, step: Tensor) -> Tensor:
        own = self._hyperparameters
        share = ops.minimum(ops.cast(step, "float32") / own.steps, 1.0)
        left = 0.5 * (1.0 + ops.cos(math.pi * share))
        return own.learning_rate * ((1.0 - own.final_share) * left + own.final_share)

    def get_config(self) -> dict:
        # This identifies the run when it is resumed. No schedule is made from it.
        own = self._hyperparameters
        values = {
            "learning_rate": own.learning_rate,
            "final_share": own.final_share,
            "steps": own.steps,
        }
        return {name: float(ops.convert_to_numpy(value)) for name, value in values.items()}


class TunableRidgeRegression(KernelRidgeRegression):
    """Kernel ridge regression whose ridge is a variable."""

    def __init__(self, hyperparameters: Hyperparameters) -> None:
        super().__init__()
        self.hyperparameters = hyperparameters

    def call(self, inputs: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        return kernel_regression(
            *inputs, ops.convert_to_tensor(self.hyperparameters.regularization)
        )


class TunableSemanticAugmentation(InfiniteSemanticAugmentation):
    """ISA whose interval and number of crucial samples are variables.

    It gets the whole batch, hardest first, and averages over the first `kept` rows, whose partners
    are among them. The result is that of `InfiniteSemanticAugmentation` on these rows alone, except
    that random partners are drawn by other random numbers.
    """

    def __init__(
        self, hyperparameters: Hyperparameters, pairing: str, reduction: str, seed: int | None
    ) -> None:
        super().__init__(pairing=pairing, reduction=reduction, seed=seed)
        self.hyperparameters = hyperparameters

    def call(
        self, residuals: Tensor, features: Tensor | None = None, class_ids: Tensor | None = None
    ) -> Tensor:
        kept = ops.convert_to_tensor(self.hyperparameters.kept)
        inside = ops.less(ops.arange(residuals.shape[0], dtype="int32"), kept)
        weights = ops.cast(inside, "float32") / ops.cast(kept, "float32")
        low, high = self.hyperparameters.interval_low, self.hyperparameters.interval_high
        interval = ops.convert_to_tensor(low), ops.convert_to_tensor(high)
        if self.pairing == "all":
            return isa_loss_all_pairs(residuals, interval, self.reduction, weights)
        partners = self._kept_partners(features, class_ids, inside)
        partner_residuals = ops.take(residuals, partners, axis=0)
        losses = isa_loss(residuals, partner_residuals, interval, self.reduction)
        return ops.sum(losses * weights)

    def _kept_partners(
        self, features: Tensor | None, class_ids: Tensor | None, inside: Tensor
    ) -> Tensor:
        if self.pairing == "nearest":
            return nearest_partners(features, inside)
        if self.pairing == "same_class":
            return same_class_partners(features, class_ids, inside)
        # Sorting by these numbers puts the kept rows first, in random order.
        numbers = keras.random.uniform(inside.shape, seed=self.seed_generator)
        return ops.cast(ops.argsort(ops.where(inside, numbers, 2.0)), "int32")
