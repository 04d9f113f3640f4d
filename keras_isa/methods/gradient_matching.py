"""Gradient matching (DC and DSA): the set teaches networks what the real images would."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from keras_isa import backend
from keras_isa.asset.distilled_data import DistilledData
from keras_isa.asset.ridge_predictor import RidgePredictor
from keras_isa.layers.crucial_losses import crucial_cross_entropy
from keras_isa.layers.crucial_samples import CrucialSamples
from keras_isa.layers.infinite_semantic_augmentation import InfiniteSemanticAugmentation
from keras_isa.layers.kernel_ridge_regression import KernelRidgeRegression
from keras_isa.layers.siamese_augmentation import (
    OPERATIONS,
    SiameseAugmentation,
    checked_operations,
)
from keras_isa.methods.base import Batch
from keras_isa.methods.equal_classes import EqualClasses
from keras_isa.methods.gradient_config import DSAConfig, check_inner_steps
from keras_isa.methods.networks import check_no_statistics, extractor_of
from keras_isa.methods.pooled import PooledTrainer
from keras_isa.methods.registry import register
from keras_isa.models.default import default_flops
from keras_isa.models.ensemble import Ensemble, Member
from keras_isa.models.inspection import product_dtype
from keras_isa.models.model_pool import ModelPool
from keras_isa.ops.arguments import whole_number
from keras_isa.ops.crucial_samples import check_fraction
from keras_isa.ops.gradient_distance import gradient_distance
from keras_isa.ops.random import KeySequence, some_rows
from keras_isa.ops.semantic_augmentation import check_interval
from keras_isa.ops.semantic_cross_entropy import cross_entropy
from keras_isa.optimizers import SGD
from keras_isa.planning.cost import Cost
from keras_isa.planning.memory_estimate import bytes_of
from keras_isa.presets.config import MOST_INNER_ROWS, Config
from keras_isa.types import Tensor

# So many random networks judge the set on held-out images, by kernel ridge regression.
_JUDGES = 3


class Context(NamedTuple):
    """What one step holds fixed.

    Attributes:
        index: Number of the network.
        member: The network.
        keys: Seeds of the transformations, one for each class `(C, 2)`.
        gradients: Those of the real images of each class, `(C, ...)` for each of its weights.
        present: 1 for a class that the batch has, 0 for another `(C,)`.
    """

    index: Tensor
    member: Member
    keys: Tensor
    gradients: list
    present: Tensor


class Classifiers(ModelPool):
    """A pool of networks that learn the classes of a set by the cross-entropy."""

    def _loss(self, weights: list, state: list, images: Any, labels: Any) -> tuple:
        logits, _, state = self.network.apply(weights, state, images, training=True)
        truth = ops.one_hot(ops.argmax(labels, axis=-1), logits.shape[-1], dtype="float32")
        return ops.mean(cross_entropy(logits, truth)), state


@register
@keras.saving.register_keras_serializable(package="keras_isa")
class GradientMatchingTrainer(EqualClasses, PooledTrainer):
    """Distils by matching the gradients of networks, class by class (DC, and DSA by augmentation).

    One step: for each class, real images and those of the set go through one transformation
    (Siamese augmentation) and through a network; the set takes a step on the distance of the
    gradients of both cross-entropies, see `keras_isa.ops.gradient_distance`, summed over classes.
    Then the network takes steps on the whole set, or is replaced by a random one. Sources: Zhao,
    Mopuri and Bilen, "Dataset Condensation with Gradient Matching"; Zhao and Bilen, "Dataset
    Condensation with Differentiable Siamese Augmentation".

    Crucial samples and ISA in it are our reading, as the code of their paper does not have them: of
    each class the real images of the greatest cross-entropy are kept, and ISA moves each along the
    line through its nearest one in the features, in which the logits are affine.

    The released code trains networks in batches of 256 images that are transformed too; here a
    network's step sees the whole set as it is, or 1,000 random images of a larger one.

    Of a batch of B images each of C classes gives B / C; a class with fewer in the batch gives some
    of them again, and one that a batch of a stream does not have is left out of that step.

    While it trains, `val_accuracy` is that of kernel ridge regression on three random networks.

    Args:
        distilled: The set to train; its labels stay as they are.
        feature_extractor: As for `keras_isa.FRePoTrainer`, without batch normalisation.
        pool_size: Number of networks; the published one is 1.
        max_online_steps: A network that has taken so many steps itself is replaced.
        inner_steps: Steps that a network takes on the set after each step of the set.
        augmentation: Operations of `keras_isa.layers.SiameseAugmentation`; none for DC's loss, and
            for sequences and flat features.
        crucial_fraction: Share of each class's real images that is kept, in (0, 1].
        isa_interval: Interval of ISA; (0, 0) for none.
        seed: Seed of networks, draws and batches.
        **kwargs: Further arguments of `keras.Model`.

    Raises:
        TypeError, ValueError: If an argument is not usable.

    Example:

    >>> import keras_isa
    >>> train, test = keras_isa.datasets.load("digits")
    >>> trainer = keras_isa.GradientMatchingTrainer.from_preset(
    ...     "digits", verbose=False, width=4, depth=1, steps=2, epochs=1)
    >>> history = trainer.fit(train, verbose=0)
    >>> sorted(history.history)
    ['loss']
    """

    Config = DSAConfig
    source = (
        'Zhao, Mopuri and Bilen, "Dataset Condensation with Gradient Matching"; Zhao and Bilen, '
        '"Dataset Condensation with Differentiable Siamese Augmentation"'
    )
    step_cost = "a network's gradient of the batch, its gradient's gradient of the set, its steps"
    metric_names = ("loss",)

    def __init__(
        self,
        distilled: DistilledData,
        feature_extractor: Callable[[], keras.Model],
        *,
        pool_size: int = 1,
        max_online_steps: int = 1,
        inner_steps: int = 1,
        augmentation: Sequence[str] = OPERATIONS,
        crucial_fraction: float = 1.0,
        isa_interval: tuple[float, float] = (0.0, 0.0),
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(distilled, seed=seed, **kwargs)
        self.inner_steps = whole_number("inner_steps", inner_steps)
        check_inner_steps(inner_steps, whole_number("max_online_steps", max_online_steps))
        self.crucial_samples = CrucialSamples(check_fraction(crucial_fraction, "crucial_fraction"))
        # Random partners would be drawn inside of the loop over classes, which cannot be.
        self.semantic_augmentation = InfiniteSemanticAugmentation(
            check_interval(isa_interval, "isa_interval"), "nearest"
        )
        operations = checked_operations("augmentation", augmentation)
        self.augmentation = SiameseAugmentation(operations, self.seed) if operations else None
        self.pool = Classifiers(
            feature_extractor,
            distilled.image_shape,
            distilled.num_classes,
            size=whole_number("pool_size", pool_size),
            max_online_steps=max_online_steps,
            seed=self.seed + 1,
        )
        check_no_statistics(self.pool.network, "a set's gradient is that of its images alone")
        self.judges = Ensemble(self.pool.network, size=_JUDGES, seed=self.seed + 3)
        self.predictor = RidgePredictor(distilled, self.judges, KernelRidgeRegression())
        self.network_dtype = product_dtype(self.pool.network.network)
        self.seed_generator = keras.random.SeedGenerator(self.seed + 2)
        self._rows, self._shares = _rows_by_class(distilled.class_ids, distilled.num_classes)

    @classmethod
    def from_config(
        cls, config: DSAConfig, distilled: DistilledData, seed: int
    ) -> GradientMatchingTrainer:
        distilled.learn(False)
        return cls(
            distilled,
            extractor_of(config, distilled, constant_width=True),
            pool_size=config.pool_size,
            max_online_steps=config.max_online_steps,
            inner_steps=config.inner_steps,
            augmentation=config.augmentation,
            crucial_fraction=config.crucial_fraction,
            isa_interval=config.isa_interval,
            seed=seed,
        )

    @classmethod
    def default_optimizer(cls) -> keras.optimizers.Optimizer:
        return SGD(0.1, 0.5)

    @classmethod
    def default_inner_optimizer(cls) -> keras.optimizers.Optimizer:
        return SGD(0.01)

    @classmethod
    def optimizers(cls, config: DSAConfig) -> dict[str, keras.optimizers.Optimizer]:
        return {
            "optimizer": SGD(config.learning_rate, 0.5, **config.averaging),
            "inner_optimizer": SGD(config.inner_learning_rate),
        }

    def context(self, batch: Batch) -> Context:
        """A network, and the gradients of the real images of each class."""
        index = keras.random.randint((), 0, self.pool.size, seed=self.seed_generator)
        member, classes = self.pool.read(index), self.distilled.num_classes
        sequence = KeySequence(self.seed_generator.next())
        keys = ops.stack([sequence.next() for _ in range(classes)])
        rows_by_class, present = _drawn_by_class(batch.class_ids, classes)

        def gradient_of(one: tuple) -> list:
            number, key, rows = one
            images = self._augmented(ops.take(batch.images, rows, axis=0), key)

            def loss(weights: list) -> tuple[Tensor, tuple]:
                return self._loss_of_real(weights, member, images, number), ()

            return backend.current().value_and_grad(loss)(member.weights)[1]

        numbers = ops.arange(classes, dtype="int32")
        gradients = ops.map(gradient_of, (numbers, keys, rows_by_class))
        gradients = [ops.stop_gradient(one) for one in gradients]
        return Context(index, member, keys, gradients, present)

    def _loss_of_real(
        self, weights: list, member: Member, images: Tensor, number: Tensor
    ) -> Tensor:
        """The cross-entropy of the crucial real images of a class, with ISA."""
        logits, features, _ = self.pool.network.apply(weights, member.state, images, training=True)
        truth = _class_labels(number, logits)
        features = ops.reshape(features, (features.shape[0], -1))
        loss, _ = crucial_cross_entropy(
            self.crucial_samples,
            self.semantic_augmentation,
            logits,
            truth,
            features,
            ops.argmax(truth, axis=-1),
        )
        return loss

    def outer_loss(
        self, learned: dict[str, Any], batch: Batch, context: Context
    ) -> tuple[Any, dict]:
        """The distance of the gradients of the set and of the real images, summed over classes."""
        images = ops.take(ops.convert_to_tensor(learned["images"]), self._rows, axis=0)

        def distance_of(one: tuple) -> Tensor:
            images, shares, number, key, present, *wanted = one
            found = self._gradient_of_set(
                context.member, self._augmented(images, key), shares, number
            )
            return present * gradient_distance(found, wanted)

        numbers = ops.arange(self.distilled.num_classes, dtype="int32")
        about = images, ops.convert_to_tensor(self._shares), numbers, context.keys, context.present
        loss = ops.sum(ops.map(distance_of, (*about, *context.gradients)))
        return loss, {"loss": loss}

    def _gradient_of_set(
        self, member: Member, images: Tensor, shares: Tensor, number: Tensor
    ) -> list[Tensor]:
        """The gradient of the cross-entropy of the set's images of a class."""

        def loss(weights: list) -> tuple[Tensor, tuple]:
            logits, _, _ = self.pool.network.apply(weights, member.state, images, training=True)
            losses = cross_entropy(logits, _class_labels(number, logits))
            return ops.sum(shares * losses), ()

        return backend.current().value_and_grad(loss)(member.weights)[1]

    def inner_step(self, context: Context) -> dict[str, Any]:
        """`inner_steps` steps of the network on the set, or a new network."""
        rows = some_rows(self.distilled.decode(), MOST_INNER_ROWS, self.seed_generator)
        self.pool.advance_by(context.index, context.member, *rows, self.inner_steps)
        return {}

    def _augmented(self, images: Tensor, key: Tensor) -> Tensor:
        return images if self.augmentation is None else self.augmentation.augment(images, key)

    def held_bytes(self, settings: Config) -> dict[str, int]:
        return {**super().held_bytes(settings), "judges": bytes_of(self.judges.variables)}

    def cost(self) -> Cost:
        shape, classes = self.distilled.image_shape, self.distilled.num_classes
        image = default_flops(
            shape, classes, self.settings.width, self.settings.depth, constant_width=True
        )

        # A class of few images is computed as if it had as many as the largest.
        padding = self._rows.size / len(self.distilled.class_ids)

        def set_passes(rows: int) -> int:
            # A gradient takes three passes, and its gradient six more.
            inner = 3 * min(rows, MOST_INNER_ROWS) * self.inner_steps
            return round(9 * padding * rows * self.updates_per_batch) + inner

        return Cost(image, set_passes, batch_passes=3)

    def description(self) -> dict[str, Any]:
        return {
            **super().description(),
            "pool_size": self.pool.size,
            "max_online_steps": self.pool.max_online_steps,
            "inner_steps": self.inner_steps,
            "augmentation": [] if self.augmentation is None else list(self.augmentation.operations),
            "crucial_fraction": self.crucial_samples.fraction,
            "isa_interval": list(self.semantic_augmentation.interval),
        }


def _class_labels(number: Tensor, logits: Tensor) -> Tensor:
    """One-hot labels `(B, C)` of images that are all of one class."""
    class_ids = ops.tile(ops.expand_dims(number, 0), (logits.shape[0],))
    return ops.one_hot(class_ids, logits.shape[-1], dtype="float32")


def _rows_by_class(class_ids: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the set by class `(C, m)` int32, and the share of each in its class's mean."""
    counts = np.bincount(class_ids, minlength=classes)
    own = [np.flatnonzero(class_ids == number) for number in range(classes)]
    rows = np.stack([np.resize(one, counts.max()) for one in own])
    real = np.arange(counts.max()) < counts[:, None]
    return rows.astype("int32"), (real / counts[:, None]).astype("float32")


def _drawn_by_class(class_ids: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """Rows of a batch by class `(C, B // C)` int32, and 1 for each class that it has."""
    class_ids = ops.cast(class_ids, "int32")
    members = ops.one_hot(class_ids, classes, dtype="int32")
    counts = ops.maximum(ops.sum(members, axis=0), 1)
    order = ops.argsort(class_ids)
    starts = ops.searchsorted(ops.take(class_ids, order), ops.arange(classes, dtype="int32"))
    each = max(class_ids.shape[0] // classes, 1)
    places = ops.arange(each, dtype="int32") % ops.expand_dims(counts, 1)
    places = ops.minimum(
        ops.expand_dims(ops.cast(starts, "int32"), 1) + places, class_ids.shape[0] - 1
    )
    return ops.take(order, places, axis=0), ops.cast(ops.any(members > 0, axis=0), "float32")
