"""What methods with a pool of networks have in common."""

from __future__ import annotations

from typing import Any

import keras

from keras_isa.asset.distilled_data import DistilledData
from keras_isa.global_settings import in_standard_settings
from keras_isa.inputs.axes import kind_of
from keras_isa.methods.base import DistillationTrainer
from keras_isa.models.model_pool import ModelPool
from keras_isa.ops.arguments import true_or_false
from keras_isa.optimizers import Adam, Lamb
from keras_isa.planning.memory_estimate import bytes_of
from keras_isa.presets.config import Config


def checked_flip(flip: Any, distilled: DistilledData) -> bool:
    """Returns whether a set is joined by its mirror images.

    Args:
        flip: What was given.
        distilled: The set.

    Raises:
        TypeError: If it is neither `True` nor `False`.
        ValueError: If the set does not hold images.
    """
    if true_or_false("flip", flip) and len(distilled.image_shape) != 3:
        raise ValueError(
            f"`flip` must be False for {kind_of(distilled.image_shape)}: it mirrors images. "
            "Received: flip=True"
        )
    return flip


class PooledTrainer(DistillationTrainer):
    """A method whose networks are the members of `pool`, which train on the set."""

    pool: ModelPool
    memory_settings = "`batch_size`, `width`, `pool_size` or `images_per_class`"

    @classmethod
    def default_optimizer(cls) -> keras.optimizers.Optimizer:
        """The optimizer of the set where `compile` is given none."""
        return Lamb(3e-4, epsilon=1e-6)

    @classmethod
    def default_inner_optimizer(cls) -> keras.optimizers.Optimizer:
        """The optimizer of the networks where `compile` is given none."""
        return Adam(3e-4, epsilon=1e-8)

    @in_standard_settings
    def compile(
        self,
        optimizer: keras.optimizers.Optimizer | None = None,
        inner_optimizer: keras.optimizers.Optimizer | None = None,
        **kwargs: Any,
    ) -> None:
        """Configures training.

        Args:
            optimizer: Optimizer of the set; by default the one that is published for the method,
                for FRePo LAMB at 3e-4 with its epsilon, 1e-6.
            inner_optimizer: Optimizer of the networks; by default `keras_isa.optimizers.Adam` with
                the published learning rate, for FRePo 3e-4, and epsilon, 1e-8. Each network has its
                own moments.
            **kwargs: `steps_per_execution` and `run_eagerly`, as in `DistillationTrainer.compile`.

        Raises:
            TypeError: If an optimizer is no Keras optimizer.
            ValueError: If `steps_per_execution` is out of range.
        """
        if optimizer is None:
            optimizer = self.default_optimizer()
        if inner_optimizer is None:
            inner_optimizer = self.default_inner_optimizer()
        self.pool.set_optimizer(inner_optimizer)
        super().compile(optimizer, **kwargs)

    @classmethod
    def trial_settings(cls, settings: Config) -> Config:
        return settings.with_changes(pool_size=1)

    def held_bytes(self, settings: Config) -> dict[str, int]:
        pool, distilled = self.pool, self.distilled
        member = bytes_of(
            [*pool.stacked_weights, *pool.stacked_state, *pool.stacked_slots, pool.ages]
        )
        # One more network describes the members, and one optimizer serves them all.
        described = bytes_of([*pool.network.weights, *pool.network.state, *pool.stacked_slots])
        learned = [*distilled.stored.values(), *self.optimizer.variables]
        return {
            "pool": settings.pool_size * member + described,
            "set": bytes_of([*learned, *self.best.variables]),
        }
