"""Variants of trainers that the paper compares with, and nobody would distil with."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import keras
from keras import ops

from keras_isa.layers.crucial_samples import CrucialSamples
from keras_isa.layers.infinite_semantic_augmentation import InfiniteSemanticAugmentation
from keras_isa.methods.base import DistillationTrainer
from keras_isa.methods.frepo import Context, FRePoTrainer
from keras_isa.models.ensemble import Member
from keras_isa.ops.crucial_samples import residual_losses
from keras_isa.ops.semantic_augmentation import isa_loss
from keras_isa.types import Batch, Tensor

# Added to the seed of a trainer for what a variant draws.
_MIXING, _POSITIONS, _OTHERS = 11, 12, 13


@functools.cache
def without_hardest(kind: type[DistillationTrainer]) -> type[DistillationTrainer]:
    """Returns the class of trainers that drop the hardest samples of each batch, not the easiest.

    The control of Figure 5 of the paper: `crucial_fraction` is the share of easiest samples that is
    kept, as a negative `topk` is in the authors' released code.

    Args:
        kind: A class whose trainers choose samples by a `CrucialSamples` layer.

    Raises:
        ValueError: If they choose them in another way.
    """

    class WithoutHardest(kind):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            check_has_crucial_samples(self)
            self.crucial_samples = CrucialSamples(self.crucial_samples.fraction, keep="easiest")

        def description(self) -> dict[str, Any]:
            return {**super().description(), "crucial_keep": "easiest"}

    return WithoutHardest


def check_has_crucial_samples(trainer: DistillationTrainer) -> None:
    """Raises a ValueError for a trainer that has no `CrucialSamples` layer for its batch.

    Args:
        trainer: A trainer.
    """
    if not isinstance(getattr(trainer, "crucial_samples", None), CrucialSamples):
        raise ValueError(
            "`method` must be one that chooses crucial samples among all of a batch, such as "
            f"frepo. Received: {trainer.Config.method}"
        )


class SingleStepAugmentation(InfiniteSemanticAugmentation):
    """ISA with one virtual sample, drawn anew in each call, in place of the integral.

    The paper's comparator "single-step" (Figure 3c). The mean over all calls is ISA; a call has
    the noise of the draw. How the paper draws is not known: here each sample has a position of its
    own.

    Args:
        *args: As for `InfiniteSemanticAugmentation`.
        position_seed: Seed of the positions.
        **options: As for `InfiniteSemanticAugmentation`.

    Example:

    >>> import numpy as np
    >>> from keras_isa.studies.controls import SingleStepAugmentation
    >>> layer = SingleStepAugmentation((-1.0, 0.0))
    >>> bool(0 < layer(np.array([[3.0, 0.0], [0.0, 3.0]]), np.eye(2)) <= 4.5)
    True
    """

    def __init__(self, *args: Any, position_seed: int = 0, **options: Any) -> None:
        super().__init__(*args, **options)
        self.position_seeds = keras.random.SeedGenerator(position_seed)

    def call(
        self, residuals: Tensor, features: Tensor | None = None, class_ids: Tensor | None = None
    ) -> Tensor:
        partners = self.partners(residuals, features, class_ids)
        low, high = self.interval
        drawn = keras.random.uniform((residuals.shape[0], 1), seed=self.position_seeds)
        position = low + (high - low) * ops.cast(drawn, residuals.dtype)
        virtual = residuals + position * (residuals - ops.take(residuals, partners, axis=0))
        return ops.mean(isa_loss(virtual, virtual, (0.0, 0.0), self.reduction))


class SingleStepTrainer(FRePoTrainer):
    """FRePo with one drawn virtual sample in place of ISA's integral, see
    `SingleStepAugmentation`."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        given = self.augmentation
        self.augmentation = SingleStepAugmentation(
            *(given.interval, given.pairing, given.reduction),
            seed=given.seed,
            position_seed=self.seed + _POSITIONS,
        )

    def description(self) -> dict[str, Any]:
        return {**super().description(), "augmentation": "single step"}


class InputMixupTrainer(FRePoTrainer):
    """FRePo whose real images and their labels are mixed in pairs, as vanilla mixup does.

    Each image is mixed with one at random, with a share drawn uniformly for each pair (Beta(1, 1)).
    Source of mixup: Zhang et al., "mixup: Beyond Empirical Risk Minimization" (2018); the paper's
    shares are not known.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.mixing_seeds = keras.random.SeedGenerator(self.seed + _MIXING)

    def context(self, batch: Batch) -> Context:
        count, axes = batch.images.shape[0], len(batch.images.shape)
        order = keras.random.shuffle(ops.arange(count, dtype="int32"), seed=self.mixing_seeds)
        drawn = keras.random.uniform((count,), seed=self.mixing_seeds)

        def mixed(values: Tensor, axes: int) -> Tensor:
            share = ops.cast(ops.reshape(drawn, (count, *(1,) * (axes - 1))), values.dtype)
            return share * values + (1 - share) * ops.take(values, order, axis=0)

        found = super().context(Batch(mixed(batch.images, axes), batch.class_ids))
        return found._replace(labels=mixed(found.labels, 2))

    def description(self) -> dict[str, Any]:
        return {**super().description(), "augmentation": "mixup of inputs"}


class OtherContext(NamedTuple):
    """What a step of `OtherHardnessTrainer` holds fixed: a `Context` and another member.

    Args:
        index: As in `Context`.
        member: As in `Context`.
        features: As in `Context`.
        labels: As in `Context`.
        other: The member that says how hard the real images are.
        other_features: Its features of them `(B, d)`.
    """

    index: Tensor
    member: Member
    features: Tensor
    labels: Tensor
    other: Member
    other_features: Tensor


class OtherHardnessTrainer(FRePoTrainer):
    """FRePo whose crucial samples are those that are hard for another member of the pool.

    In the paper the same network says which samples are hard and trains the set on them, so that
    samples may be kept for what is peculiar to this network.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.pool.size < 2:
            raise ValueError(
                "`pool_size` must be at least 2: another network says which samples are hard. "
                f"Received: pool_size={self.pool.size}"
            )
        self.other_seeds = keras.random.SeedGenerator(self.seed + _OTHERS)

    def context(self, batch: Batch) -> OtherContext:
        found = super().context(batch)
        further = keras.random.randint((), 1, self.pool.size, seed=self.other_seeds)
        other = self.pool.read((found.index + further) % self.pool.size)
        features = ops.stop_gradient(self.pool.features(other, batch.images))
        return OtherContext(*found, other, features)

    def hardness(self, learned: dict[str, Any], context: OtherContext) -> Tensor:
        rows = self.predictor.fitted_rows(context.other, learned["images"], learned["labels"])
        predictions = self.predictor.regression((context.other_features, *rows))
        return ops.stop_gradient(residual_losses(predictions - context.labels))

    def description(self) -> dict[str, Any]:
        return {**super().description(), "hardness": "another member"}
