"""RFAD: random features in place of an infinitely wide kernel, plain or with the module."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_isa import backend
from keras_isa.asset.distilled_data import DistilledData
from keras_isa.asset.ridge_predictor import RidgePredictor
from keras_isa.asset.scores import judged
from keras_isa.global_settings import in_standard_settings
from keras_isa.layers.crucial_losses import crucial_cross_entropy, crucial_squares
from keras_isa.layers.crucial_samples import CrucialSamples
from keras_isa.layers.infinite_semantic_augmentation import (
    SINGLE_PAIRINGS,
    InfiniteSemanticAugmentation,
)
from keras_isa.layers.kernel_ridge_regression import KernelRidgeRegression
from keras_isa.methods.base import Batch, DistillationTrainer
from keras_isa.methods.networks import extractor_of
from keras_isa.methods.registry import register
from keras_isa.methods.rfad_config import LOSSES, RFADConfig
from keras_isa.models.default import default_flops
from keras_isa.models.inspection import product_dtype
from keras_isa.models.random_features import RandomFeatures
from keras_isa.models.recorded_network import RecordedNetwork
from keras_isa.ops.arguments import instance_of, one_of, true_or_false
from keras_isa.ops.crucial_samples import check_fraction
from keras_isa.optimizers import AdaBelief
from keras_isa.planning.cost import Cost, Regression
from keras_isa.training.running_scores import SAMPLE_LOSSES

_TEMPERATURE, _TRANSFORM = "log_temperature", "pixel_transform"
# Up to so many numbers in an image a matrix between them is learned.
_MOST_NUMBERS = 4096


@register
@keras.saving.register_keras_serializable(package="keras_isa")
class RFADTrainer(DistillationTrainer):
    """Distils by kernel ridge regression on the features of random networks (RFAD).

    One step: random networks are drawn; the set, seen through a learned square matrix that mixes
    its pixels, predicts a batch of real images by ridge regression with the kernel that their
    features estimate; the loss is the cross-entropy at a learned temperature, or the squared error.
    After training the set is what was seen through the matrix. Source: Loo et al., "Efficient
    Dataset Distillation Using Random Feature Approximation", and the code released with it.

    Crucial samples are those of the greatest loss, ISA is exact for the squared error and by
    quadrature for the cross-entropy. Both are our reading, as the code of their paper has neither.

    While it trains, `val_accuracy` is that of the regression with networks that are always the
    same. Pictures that are drawn during training do not show the matrix, and `train_on_batch` does
    not apply it. Greyscale images of 28x28 are padded to 32x32, which RFAD's code does not do.

    Args:
        distilled: The set to train.
        feature_extractor: As for `keras_isa.FRePoTrainer`; networks that start as
            `keras_isa.models.ConvNet(initialization="nngp")` does suit it best.
        networks: Random networks of a step.
        judges: Random networks that look at held-out images.
        regularization: Ridge relative to the kernel's mean diagonal.
        loss: `"platt"` or `"squared_error"`.
        learn_transform: Whether the matrix is learned; `None` where the set stores its images as
            they are, of up to 4,096 numbers each.
        crucial_fraction: Share of each batch that is kept, in (0, 1].
        augmentation: An `InfiniteSemanticAugmentation`, by default none; its pairing may be "all"
            for the squared error only.
        seed: Seed of networks and batches.
        **kwargs: Further arguments of `keras.Model`.

    Raises:
        TypeError, ValueError: If an argument is not usable.

    Example:

    >>> import keras_isa
    >>> train, test = keras_isa.datasets.load("digits")
    >>> trainer = keras_isa.RFADTrainer.from_preset(
    ...     "digits", verbose=False, width=4, networks=2, judges=2, steps=2, epochs=1)
    >>> history = trainer.fit(train, verbose=0)
    >>> sorted(history.history)
    ['accuracy', 'loss', 'temperature']
    """

    Config = RFADConfig
    source = 'Loo et al., "Efficient Dataset Distillation Using Random Feature Approximation"'
    step_cost = "for each random network, a forward pass of the batch and two passes of the set"
    metric_names = ("loss", "accuracy", "temperature")
    scores_samples = True
    memory_settings = "`batch_size`, `width`, `networks` or `images_per_class`"

    @in_standard_settings
    def __init__(
        self,
        distilled: DistilledData,
        feature_extractor: Callable[[], keras.Model],
        *,
        networks: int = 8,
        judges: int = 16,
        regularization: float = 5e-3,
        loss: str = "platt",
        learn_transform: bool | None = None,
        crucial_fraction: float = 1.0,
        augmentation: InfiniteSemanticAugmentation | None = None,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(distilled, seed=seed, **kwargs)
        if augmentation is None:
            augmentation = InfiniteSemanticAugmentation((0.0, 0.0))
        self.augmentation = instance_of("augmentation", augmentation, InfiniteSemanticAugmentation)
        self.outer = one_of("loss", loss, LOSSES)
        if self.augmentation.interval != (0.0, 0.0) and self.outer == "platt":
            one_of("pairing", self.augmentation.pairing, SINGLE_PAIRINGS)
        self.crucial_samples = CrucialSamples(check_fraction(crucial_fraction, "crucial_fraction"))
        self.log_temperature = self.add_weight(
            shape=(), initializer="zeros", autocast=False, name=_TEMPERATURE
        )
        self.transform = self._made_transform(learn_transform)
        network = RecordedNetwork(feature_extractor, distilled.image_shape, distilled.num_classes)
        self.random_features = RandomFeatures(
            network, networks=networks, judges=judges, seed=self.seed + 1
        )
        self.predictor = TransformedPredictor(
            distilled, self.random_features, KernelRidgeRegression(regularization), self.transform
        )
        self.network_dtype = product_dtype(network.network)
        self.seed_generator = keras.random.SeedGenerator(self.seed + 2)

    def _made_transform(self, wanted: bool | None) -> keras.Variable | None:
        distilled = self.distilled
        as_they_are = str(distilled.parametrization) == "identity"
        size = math.prod(distilled.image_shape)
        if wanted is None:
            wanted = as_they_are and size <= _MOST_NUMBERS
        if not true_or_false("learn_transform", wanted):
            return None
        if not as_they_are:
            raise ValueError(
                "`learn_transform` must be False for a set that does not store its images as they "
                f"are. Received: learn_transform=True with {distilled.parametrization}"
            )
        return self.add_weight(
            shape=(size, size), initializer="identity", autocast=False, name=_TRANSFORM
        )

    @classmethod
    def from_config(cls, config: RFADConfig, distilled: DistilledData, seed: int) -> RFADTrainer:
        distilled.learn(config.learn_labels)
        return cls(
            distilled,
            extractor_of(config, distilled, constant_width=True, initialization="nngp"),
            networks=config.networks,
            judges=config.judges,
            regularization=config.regularization,
            loss=config.loss,
            learn_transform=config.learn_transform,
            crucial_fraction=config.crucial_fraction,
            augmentation=InfiniteSemanticAugmentation(
                config.isa_interval, config.pairing, seed=seed
            ),
            seed=seed,
        )

    @classmethod
    def optimizers(cls, config: RFADConfig) -> dict[str, keras.optimizers.Optimizer]:
        groups = keras.optimizers.OptimizerMap(AdaBelief(config.learning_rate, **config.averaging))
        groups[f".*{_TEMPERATURE}"] = AdaBelief(config.temperature_learning_rate)
        groups[f".*{_TRANSFORM}"] = AdaBelief(config.transform_learning_rate)
        return {"optimizer": keras.optimizers.MultiOptimizer(groups)}

    def learned_variables(self) -> dict[str, keras.Variable]:
        learned = super().learned_variables()
        if self.outer == "platt":
            learned[_TEMPERATURE] = self.log_temperature
        if self.transform is not None:
            learned[_TRANSFORM] = self.transform
        return learned

    def context(self, batch: Batch) -> tuple[Any, Any]:
        """Random networks and their features of the real images."""
        networks = self.random_features.fresh(self.seed_generator)
        features = self.random_features.features(networks, batch.images)
        return networks, ops.stop_gradient(features)

    def outer_loss(self, learned: dict[str, Any], batch: Batch, context: Any) -> tuple[Any, dict]:
        """The cross-entropy at the learned temperature, or half of the squared error with ISA."""
        networks, features = context
        images = seen_through(learned.get(_TRANSFORM), learned["images"])
        predicted = self.predictor.predict(features, networks, images, learned["labels"])
        class_ids, parts = batch.class_ids, (self.crucial_samples, self.augmentation)
        temperature = ops.exp(learned.get(_TEMPERATURE, ops.zeros(())))
        if self.outer == "platt":
            truth = ops.one_hot(class_ids, self.distilled.num_classes, dtype="float32")
            logits = temperature * predicted
            loss, each = crucial_cross_entropy(*parts, logits, truth, features, class_ids)
        else:
            # As the set's own labels are, which are fixed by default.
            residuals = predicted - self.distilled.encode(class_ids, scaled=True)
            loss, each = crucial_squares(*parts, residuals, features, class_ids)
            loss = 0.5 * loss
        metrics = {
            "loss": loss,
            **judged(self.distilled, predicted, class_ids),
            "temperature": temperature,
            SAMPLE_LOSSES: each,
        }
        return loss, metrics

    def fit(self, *args: Any, **kwargs: Any) -> keras.callbacks.History:
        """Trains the set, see `keras_isa.DistillationTrainer.fit`, and applies the matrix to it."""
        try:
            return super().fit(*args, **kwargs)
        finally:
            self._apply_transform()

    def _apply_transform(self) -> None:
        if self.transform is None or not (self.compiled and self.steps_taken):
            return
        stored = self.distilled.stored["images"]
        stored.assign(seen_through(*map(ops.convert_to_tensor, (self.transform, stored))))
        self.transform.assign(ops.eye(self.transform.shape[0], dtype="float32"))

    def cost(self) -> Cost:
        shape, classes = self.distilled.image_shape, self.distilled.num_classes
        config, features = self.settings, self.random_features
        image = default_flops(shape, classes, config.width, config.depth, constant_width=True)
        updates = self.updates_per_batch
        regression = Regression(features.length, classes, 1, self.network_dtype, updates)
        return Cost(features.networks * image, lambda rows: 2 * rows * updates, regression)

    def description(self) -> dict[str, Any]:
        return {
            **super().description(),
            "networks": self.random_features.networks,
            "judges": self.random_features.ensemble.size,
            "regularization": self.predictor.regression.regularization,
            "loss": self.outer,
            "learn_transform": self.transform is not None,
            "crucial_fraction": self.crucial_samples.fraction,
            "isa_interval": list(self.augmentation.interval),
            "pairing": self.augmentation.pairing,
        }


class TransformedPredictor(RidgePredictor):
    """Kernel ridge regression on a set that is seen through a learned matrix.

    Args:
        distilled: The set.
        networks: A `RandomFeatures`.
        regression: A `KernelRidgeRegression`.
        transform: The matrix, or `None`.
    """

    def __init__(
        self, distilled: DistilledData, networks: Any, regression: Any, transform: Any
    ) -> None:
        super().__init__(distilled, networks, regression)
        self.transform = transform

    def __call__(self, images: Any, member: Any) -> Any:
        """Predictions `(B, C)` of the set as it is seen.

        Args:
            images: `(B, ...)` in model space.
            member: Number of the networks, 0.
        """
        networks = self.networks.read(member)
        own, labels = map(ops.convert_to_tensor, self.distilled.decode())
        if self.transform is not None:
            own = seen_through(ops.convert_to_tensor(self.transform), own)
        return self.predict(self.networks.features(networks, images), networks, own, labels)


def seen_through(transform: Any, images: Any) -> Any:
    """Images `(n, ...)` times a matrix `(d, d)` that mixes their numbers; `None` leaves them."""
    if transform is None:
        return images
    flat = ops.reshape(images, (images.shape[0], -1))
    with backend.full_precision():
        return ops.reshape(ops.matmul(flat, transform), images.shape)
