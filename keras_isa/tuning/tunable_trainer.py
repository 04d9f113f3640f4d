"""A trainer that is compiled once and runs many trials."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_isa.asset.distilled_data import DistilledData
from keras_isa.inputs.arrays import to_numpy
from keras_isa.layers.crucial_samples import CrucialSamples
from keras_isa.methods.frepo import FRePoTrainer
from keras_isa.presets.settings import Settings
from keras_isa.training.device_data import BatchSampler
from keras_isa.training.run_state import state_variables
from keras_isa.tuning.hyperparameters import (
    Hyperparameters,
    TunableCosineDecay,
    TunableRidgeRegression,
    TunableSemanticAugmentation,
)

# These settings change shapes or operations of the step, and need another compiled program.
STATIC = ("pool_size", "pairing", "learn_labels")


class TunableTrainer(FRePoTrainer):
    """A `FRePoTrainer` whose settings are variables and which `reset` prepares for another run.

    `from_settings` makes it. `reset` can change all settings but those in `STATIC` without another
    compilation.
    """

    def __init__(
        self, distilled: DistilledData, feature_extractor: Callable[[], keras.Model], **options: Any
    ) -> None:
        super().__init__(distilled, feature_extractor, **options)
        self.hyperparameters = Hyperparameters()
        given = self.augmentation
        self.kernel_regression = self.predictor.regression = TunableRidgeRegression(
            self.hyperparameters
        )
        self.crucial_samples = CrucialSamples(1.0)  # it keeps all rows, hardest first
        self.augmentation = TunableSemanticAugmentation(
            self.hyperparameters, given.pairing, given.reduction, given.seed
        )
        self.pool.max_online_steps = self.hyperparameters.max_online_steps
        self._beginning: list[np.ndarray] | None = None

    def compile(
        self,
        optimizer: keras.optimizers.Optimizer | None = None,
        inner_optimizer: keras.optimizers.Optimizer | None = None,
        **kwargs: Any,
    ) -> None:
        if optimizer is not None:
            optimizer.learning_rate = TunableCosineDecay(self.hyperparameters)
        super().compile(optimizer, inner_optimizer, **kwargs)

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

    def predictor_config(self) -> dict:
        return {**super().predictor_config(), "regularization": self.settings.regularization}

    def description(self) -> dict:
        settings = self.settings
        return {
            **super().description(),
            "max_online_steps": settings.max_online_steps,
            "regularization": settings.regularization,
            "crucial_fraction": settings.crucial_fraction,
            "isa_interval": list(settings.isa_interval),
        }
