"""Settings of a compiled step that can be turned without compiling it again."""

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


class Dials(keras.layers.Layer):
    """The settings as variables: what is a constant in an ordinary step is read here.

    None of them changes a shape. The share of crucial samples would: it becomes the number of rows,
    hardest first, that count, and the others stay with weight zero.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trainable=False, dtype="float32", **kwargs)
        self.regularization = self._dial("regularization")
        self.interval_low = self._dial("interval_low")
        self.interval_high = self._dial("interval_high")
        self.learning_rate = self._dial("learning_rate")
        self.final_share = self._dial("final_share")
        self.steps = self._dial("steps")
        self.kept = self._dial("kept", "int32")
        self.max_online_steps = self._dial("max_online_steps", "int32")
        self.built = True

    def turn(self, settings: Settings, batch_size: int) -> None:
        """Sets all dials.

        Args:
            settings: Where to.
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

    def _dial(self, name: str, dtype: str = "float32") -> keras.Variable:
        return self.add_weight(
            shape=(), initializer="ones", dtype=dtype, trainable=False, autocast=False, name=name
        )


@keras.saving.register_keras_serializable(package="keras_isa")
class DialledCosine(keras.optimizers.schedules.LearningRateSchedule):
    """`keras.optimizers.schedules.CosineDecay` whose numbers are dials."""

    def __init__(self, dials: Dials) -> None:
        self._dials = dials

    def __call__(self, step: Any) -> Any:
        dials = self._dials
        share = ops.minimum(ops.cast(step, "float32") / dials.steps, 1.0)
        left = 0.5 * (1.0 + ops.cos(math.pi * share))
        return dials.learning_rate * ((1.0 - dials.final_share) * left + dials.final_share)

    def get_config(self) -> dict:
        # For the identity of a run that goes on; a schedule is not made from it.
        dials = (self._dials.learning_rate, self._dials.final_share, self._dials.steps)
        return {"dials": [float(ops.convert_to_numpy(dial)) for dial in dials]}


class DialledRegression(KernelRidgeRegression):
    """Kernel ridge regression whose ridge is a dial."""

    def __init__(self, dials: Dials) -> None:
        super().__init__()
        self.dials = dials

    def call(self, inputs: tuple[Any, Any, Any]) -> Any:
        return kernel_regression(*inputs, ops.convert_to_tensor(self.dials.regularization))


class DialledAugmentation(InfiniteSemanticAugmentation):
    """ISA whose interval and number of crucial samples are dials.

    It is given the whole batch, hardest first, and averages over the first `kept` rows, which are
    each other's partners. The result is that of `InfiniteSemanticAugmentation` on these rows alone;
    random partners are drawn from the same distribution by other numbers.
    """

    def __init__(self, dials: Dials, pairing: str, reduction: str, seed: int | None) -> None:
        super().__init__(pairing=pairing, reduction=reduction, seed=seed)
        self.dials = dials

    def call(self, residuals: Any, features: Any = None, class_ids: Any = None) -> Any:
        kept = ops.convert_to_tensor(self.dials.kept)
        inside = ops.less(ops.arange(residuals.shape[0], dtype="int32"), kept)
        weights = ops.cast(inside, "float32") / ops.cast(kept, "float32")
        low, high = self.dials.interval_low, self.dials.interval_high
        interval = ops.convert_to_tensor(low), ops.convert_to_tensor(high)
        if self.pairing == "all":
            return isa_loss_all_pairs(residuals, interval, self.reduction, weights)
        partners = self._kept_partners(features, class_ids, inside)
        partner_residuals = ops.take(residuals, partners, axis=0)
        losses = isa_loss(residuals, partner_residuals, interval, self.reduction)
        return ops.sum(losses * weights)

    def _kept_partners(self, features: Any, class_ids: Any, inside: Any) -> Any:
        if self.pairing == "nearest":
            return nearest_partners(features, inside)
        if self.pairing == "same_class":
            return same_class_partners(features, class_ids, inside)
        # Sorted by random numbers, the kept rows come first and in random order.
        numbers = keras.random.uniform(inside.shape, seed=self.seed_generator)
        return ops.cast(ops.argsort(ops.where(inside, numbers, 2.0)), "int32")
