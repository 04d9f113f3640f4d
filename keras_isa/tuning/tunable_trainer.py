"""A trainer that is compiled once and runs many trials, as its settings are variables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_isa.asset.distilled_data import DistilledData
from keras_isa.inputs.arrays import to_numpy
from keras_isa.layers.crucial_samples import CrucialSamples
from keras_isa.layers.infinite_semantic_augmentation import InfiniteSemanticAugmentation
from keras_isa.layers.kernel_ridge_regression import KernelRidgeRegression
from keras_isa.methods.base import DistillationTrainer
from keras_isa.methods.frepo import FRePoTrainer
from keras_isa.methods.registry import method
from keras_isa.ops import semantic_augmentation as isa
from keras_isa.ops.crucial_samples import crucial_count
from keras_isa.ops.kernel_regression import kernel_regression
from keras_isa.presets.config import Config
from keras_isa.presets.settings import Settings
from keras_isa.training.device_data import BatchSampler
from keras_isa.training.run_state import state_variables
from keras_isa.types import Tensor

# These settings change shapes or operations of the step, and need another compiled program.
STATIC = ("pool_size", "pairing", "learn_labels")


class Hyperparameters(keras.layers.Layer):
    """The settings as variables; in an ordinary step they are constants.

    None of them changes a shape. The share of crucial samples would change one, so the step keeps
    all rows, hardest first, and this share becomes the number of rows whose weight is not zero.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trainable=False, dtype="float32", **kwargs)
        self.regularization = self._variable("regularization")
        self.interval = self._variable("interval", shape=(2,))
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
        self.interval.assign(settings.isa_interval)
        self.learning_rate.assign(settings.learning_rate)
        self.final_share.assign(settings.final_learning_rate)
        self.steps.assign(settings.updates)
        self.kept.assign(crucial_count(batch_size, settings.crucial_fraction))
        self.max_online_steps.assign(settings.max_online_steps)

    def _variable(self, name: str, dtype: str = "float32", shape: tuple = ()) -> keras.Variable:
        options = {"initializer": "ones", "trainable": False, "autocast": False}
        return self.add_weight(shape=shape, dtype=dtype, name=name, **options)


@keras.saving.register_keras_serializable(package="keras_isa")
class TunableCosineDecay(keras.optimizers.schedules.CosineDecay):
    """Keras's cosine decay with variables for its numbers."""

    def __init__(self, hyperparameters: Hyperparameters) -> None:
        own = hyperparameters
        super().__init__(own.learning_rate, own.steps, own.final_share)

    def get_config(self) -> dict:
        # This identifies the run when it is resumed. No schedule is made from it.
        numbers = {"learning_rate": self.initial_learning_rate, "final_share": self.alpha}
        numbers["steps"] = self.decay_steps
        return {name: float(to_numpy(number)) for name, number in numbers.items()}


class TunableRidgeRegression(KernelRidgeRegression):
    """Kernel ridge regression whose ridge is a variable."""

    def __init__(self, hyperparameters: Hyperparameters) -> None:
        super().__init__()
        self.hyperparameters = hyperparameters

    def call(self, inputs: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        ridge = ops.convert_to_tensor(self.hyperparameters.regularization)
        return kernel_regression(*inputs, ridge)


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
        ends = ops.convert_to_tensor(self.hyperparameters.interval)
        interval = ends[0], ends[1]
        if self.pairing == "all":
            return isa.isa_loss_all_pairs(residuals, interval, self.reduction, weights)
        partners = self._kept_partners(features, class_ids, inside)
        partner_residuals = ops.take(residuals, partners, axis=0)
        losses = isa.isa_loss(residuals, partner_residuals, interval, self.reduction)
        return ops.sum(losses * weights)

    def _kept_partners(
        self, features: Tensor | None, class_ids: Tensor | None, inside: Tensor
    ) -> Tensor:
        if self.pairing == "nearest":
            return isa.nearest_partners(features, inside)
        if self.pairing == "same_class":
            return isa.same_class_partners(features, class_ids, inside)
        # Sorting by these numbers puts the kept rows first, in random order.
        numbers = keras.random.uniform(inside.shape, seed=self.seed_generator)
        return ops.cast(ops.argsort(ops.where(inside, numbers, 2.0)), "int32")


class TunableTrainer(FRePoTrainer):
    """A `FRePoTrainer` whose settings are variables and which `reset` prepares for another run.

    `from_settings` makes it. `reset` can change all settings but those in `STATIC` without another
    compilation.
    """

    def __init__(
        self, distilled: DistilledData, feature_extractor: Callable[[], keras.Model], **options: Any
    ) -> None:
        super().__init__(distilled, feature_extractor, **options)
        self.hyperparameters = own = Hyperparameters()
        self.kernel_regression = self.predictor.regression = TunableRidgeRegression(own)
        self.crucial_samples = CrucialSamples(1.0)  # it keeps all rows, hardest first
        given = self.augmentation
        self.augmentation = TunableSemanticAugmentation(
            own, given.pairing, given.reduction, given.seed
        )
        self.pool.max_online_steps = own.max_online_steps
        self._beginning: list[np.ndarray] | None = None

    def compile(self, optimizer: keras.optimizers.Optimizer | None = None, **kwargs: Any) -> None:
        if optimizer is not None:
            optimizer.learning_rate = TunableCosineDecay(self.hyperparameters)
        super().compile(optimizer, **kwargs)

    def reset(self, settings: Settings, rows: int) -> None:
        """Restores the state before the first step, with other settings; the images are zero.

        Args:
            settings: Settings of the next run; those in `STATIC` are the same as before.
            rows: Training images.
        """
        batch_size = min(settings.batch_size, rows)
        if self._beginning is None:
            self.sampler = BatchSampler(rows, batch_size, self.seed)
            self._beginning = [to_numpy(variable) for variable in state_variables(self)]
        for variable, value in zip(state_variables(self), self._beginning, strict=True):
            variable.assign(value)
        self.hyperparameters.assign(settings, batch_size)
        for rate in self.pool.shared:
            rate.assign(settings.inner_learning_rate)
        size = self.pool.size
        self.pool.ages.assign((settings.max_online_steps // size) * np.arange(size, dtype="int32"))
        self.settings = settings
        self.distilled.provenance.clear()
        self.start = None  # the next run has its own

    def predictor_config(self) -> dict:
        return {**super().predictor_config(), "regularization": self.settings.regularization}

    def description(self) -> dict:
        settings = self.settings.to_dict()
        names = ("max_online_steps", "regularization", "crucial_fraction", "isa_interval")
        return {**super().description(), **{name: settings[name] for name in names}}


def trainer_of(config: type[Config]) -> type[DistillationTrainer]:
    """Returns the class that trains trials; only FRePo's can run several trials.

    Args:
        config: The class of the settings.

    Raises:
        ValueError: If no registered method has such settings.
    """
    trainer = method(config.method)
    if trainer.Config is not config:
        raise ValueError(
            "`settings` must be those of a registered method, see `keras_isa.methods.register`. "
            f"Received: {config.__name__}"
        )
    return TunableTrainer if issubclass(TunableTrainer, trainer) else trainer
