"""FRePo with crucial samples and Infinite Semantic Augmentation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from keras_isa import backend
from keras_isa.arrays import StoredImages
from keras_isa.checks import check_images
from keras_isa.layers.crucial_samples import CrucialSamples
from keras_isa.layers.distilled_data import DEFAULT_PIXEL_RANGE, DistilledData
from keras_isa.layers.infinite_semantic_augmentation import InfiniteSemanticAugmentation
from keras_isa.layers.kernel_ridge_regression import KernelRidgeRegression
from keras_isa.layers.preprocessing import preprocessing_layer
from keras_isa.models.default import default_network
from keras_isa.models.feature_extractor import with_features
from keras_isa.models.inspection import product_dtype
from keras_isa.ops.arguments import instance_of, seed_number, true_or_false, whole_number
from keras_isa.ops.counts import simplest
from keras_isa.ops.crucial_samples import check_fraction, residual_losses
from keras_isa.ops.labels import label_margin
from keras_isa.optimizers import Adam
from keras_isa.presets import Recipe, Settings, read_preset
from keras_isa.presets.settings import MOST_INNER_ROWS
from keras_isa.trainers.distillation_trainer import DistillationTrainer
from keras_isa.trainers.model_pool import Member, ModelPool

if TYPE_CHECKING:  # it makes trainers itself
    from keras_isa.trainers.plan import Plan


@keras.saving.register_keras_serializable(package="keras_isa")
class FRePoTrainer(DistillationTrainer):
    """Distils by kernel ridge regression on the features of a pool of networks.

    One step: a member of the pool is drawn; the set predicts a batch of real images by kernel ridge
    regression on that member's features; the crucial (hardest) samples of the batch are kept and
    augmented without end between features (ISA, in closed form); the set takes one optimizer step
    on that loss minus the label margin; the member takes one on the set. Source: FRePo (Zhou et al.
    2022) for the pipeline, "Boosting Dataset Distillation with the Assistance of Crucial Samples"
    for crucial samples and ISA.

    With `crucial_fraction=1` and `InfiniteSemanticAugmentation((0, 0), reduction="half_sum")` it is
    plain FRePo.

    Args:
        distilled: The set to train.
        feature_extractor: Function without arguments that builds a Keras model with the outputs
            `[logits, features]`; with `feature_layer` any Keras model.
        feature_layer: Name of the layer of that model whose output is the feature; the model's
            output serves as logits where it has one number per class, otherwise a dense layer on
            the features does (see `keras_isa.models.with_features`).
        pool_size: Number m of networks.
        max_online_steps: Age K at which a network is replaced.
        regularization: Ridge, relative to the mean of the kernel's diagonal.
        crucial_fraction: Share p of each batch that is kept, in (0, 1].
        augmentation: An `InfiniteSemanticAugmentation`; by default the released setting, interval
            (0, 0.5), nearest.
        flip: Whether the set is joined by its mirror images (left to right) inside the regression,
            which doubles its rows there; FRePo does so for small sets of colour pictures.
        seed: Seed of pool, draws and batches.
        **kwargs: Further arguments of `keras.Model`.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If an argument is out of range.
        RuntimeError: If the active Keras backend is not supported.

    Example:

    >>> import keras_isa
    >>> train, test = keras_isa.datasets.load("digits")
    >>> distilled = keras_isa.DistilledData.from_samples(train.x, train.y, images_per_class=1)
    >>> trainer = keras_isa.FRePoTrainer(
    ...     distilled, lambda: keras_isa.models.ConvNet((8, 8, 1), 10, width=8), pool_size=2)
    >>> trainer.compile(keras.optimizers.Lamb(3e-3, epsilon=1e-6))
    >>> history = trainer.fit(train, batch_size=64, steps_per_epoch=2, verbose=0)
    >>> sorted(history.history)
    ['accuracy', 'inner_loss', 'label_margin', 'loss']
    """

    def __init__(
        self,
        distilled: DistilledData,
        feature_extractor: Callable[[], keras.Model],
        *,
        feature_layer: str | None = None,
        pool_size: int = 10,
        max_online_steps: int = 100,
        regularization: float = 1e-6,
        crucial_fraction: float = 0.8,
        augmentation: InfiniteSemanticAugmentation | None = None,
        flip: bool = False,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(distilled, seed=seed, **kwargs)
        pool_size = whole_number("pool_size", pool_size)
        if augmentation is None:
            augmentation = InfiniteSemanticAugmentation()
        self.kernel_regression = KernelRidgeRegression(regularization)
        self.crucial_samples = CrucialSamples(check_fraction(crucial_fraction, "crucial_fraction"))
        self.augmentation = instance_of("augmentation", augmentation, InfiniteSemanticAugmentation)
        self.flip = true_or_false("flip", flip)
        if self.flip and len(distilled.image_shape) != 3:
            raise ValueError("`flip` must be False for flat features. Received: flip=True")
        if feature_layer is not None:
            feature_extractor = with_features(
                feature_extractor, feature_layer, distilled.num_classes
            )
        self.pool = ModelPool(
            feature_extractor,
            distilled.image_shape,
            distilled.num_classes,
            size=pool_size,
            max_online_steps=max_online_steps,
            seed=self.seed + 1,
        )
        self.validation_members = pool_size
        self.network_dtype = product_dtype(self.pool.network.network)
        self.seed_generator = keras.random.SeedGenerator(self.seed + 2)
        self.loss_metric = keras.metrics.Mean(name="loss")
        self.accuracy_metric = keras.metrics.Mean(name="accuracy")
        self.margin_metric = keras.metrics.Mean(name="label_margin")
        self.inner_loss_metric = keras.metrics.Mean(name="inner_loss")

    @classmethod
    def from_preset(
        cls,
        preset: str,
        images_per_class: int | Sequence[int] = 1,
        *,
        seed: int = 0,
        verbose: bool = True,
        **changes: Any,
    ) -> FRePoTrainer:
        """Makes a compiled trainer from a named preset; `fit` draws the first images from its data.

        Args:
            preset: One of `keras_isa.presets.preset_names()`.
            images_per_class: Images per class of the set, one number or one for each class.
            seed: Seed of everything.
            verbose: Whether to print what the preset resolved to.
            **changes: Fields of `keras_isa.presets.Settings` to change.

        Returns:
            A trainer whose `fit` needs data only.

        Raises:
            ValueError: If the preset is unknown or a setting is out of range.

        Example:

        >>> import keras_isa
        >>> trainer = keras_isa.FRePoTrainer.from_preset("digits", verbose=False, steps=100)
        >>> trainer.distilled.images.shape
        (10, 8, 8, 1)
        """
        seed = seed_number(seed)
        settings, dataset = read_preset(preset, images_per_class)
        settings = Settings.from_dict({**settings.to_dict(), **changes})
        if verbose:
            print(f"preset {preset}:\n{settings}")
        image_shape = tuple(dataset["image_shape"])
        distilled = DistilledData(
            image_shape,
            dataset["num_classes"],
            images_per_class,
            preprocessing=preprocessing_layer(settings.preprocessing, image_shape),
            pixel_range=dataset.get("pixel_range", DEFAULT_PIXEL_RANGE),
        )
        trainer = cls.from_settings(settings, distilled, seed=seed)
        trainer._adapt_to_data = True
        return trainer

    @classmethod
    def from_settings(
        cls, settings: Settings, distilled: DistilledData, *, seed: int = 0
    ) -> FRePoTrainer:
        """Makes a compiled trainer with ConvNets, or with MLPs for flat features.

        Args:
            settings: All settings of the run; steps, epochs and batch size become the defaults of
                `fit`.
            distilled: The set to train; it takes label learning and recipe from the settings.
            seed: Seed of everything but the first images.

        Returns:
            The trainer.

        Raises:
            ValueError: If a setting is out of range.
        """
        instance_of("settings", settings, Settings)
        instance_of("distilled", distilled, DistilledData)
        distilled.learn(settings.learn_labels)
        # Complete, so that an asset does not depend on the defaults of the version that reads it.
        recipe = Recipe.from_dict(settings.recipe, distilled.image_shape)
        steps = recipe.steps_for(len(distilled.class_ids))
        distilled.recipe.update({**recipe.to_dict(), "steps": steps})
        trainer = cls(
            distilled,
            lambda: default_network(
                distilled.image_shape,
                distilled.num_classes,
                width=settings.width,
                depth=settings.depth,
                normalization=settings.normalization,
                dtype=settings.dtype_policy,
            ),
            pool_size=settings.pool_size,
            max_online_steps=settings.max_online_steps,
            regularization=settings.regularization,
            crucial_fraction=settings.crucial_fraction,
            augmentation=InfiniteSemanticAugmentation(
                settings.isa_interval, settings.pairing, settings.reduction, seed=seed
            ),
            flip=settings.flip,
            seed=seed,
        )
        trainer.settings = settings
        rate = keras.optimizers.schedules.CosineDecay(
            settings.learning_rate, settings.steps, alpha=settings.final_learning_rate
        )
        trainer.compile(
            keras.optimizers.Lamb(rate, epsilon=1e-6),
            Adam(settings.inner_learning_rate, epsilon=1e-8),
            steps_per_execution=settings.steps_per_execution,
        )
        return trainer

    def compile(
        self,
        optimizer: keras.optimizers.Optimizer | None = None,
        inner_optimizer: keras.optimizers.Optimizer | None = None,
        **kwargs: Any,
    ) -> None:
        """Configures training.

        Args:
            optimizer: Optimizer of the set; by default LAMB at 3e-4 with FRePo's epsilon, 1e-6.
            inner_optimizer: Optimizer of the networks; by default `keras_isa.optimizers.Adam` at
                3e-4 with FRePo's epsilon, 1e-8. Each network has its own moments.
            **kwargs: `steps_per_execution` and `run_eagerly`, as in `DistillationTrainer.compile`.

        Raises:
            TypeError: If an optimizer is no Keras optimizer.
            ValueError: If `steps_per_execution` is out of range.
        """
        if optimizer is None:
            optimizer = keras.optimizers.Lamb(3e-4, epsilon=1e-6)
        if inner_optimizer is None:
            inner_optimizer = Adam(3e-4, epsilon=1e-8)
        self.pool.set_optimizer(inner_optimizer)
        super().compile(optimizer, **kwargs)

    def plan(self, x: Any) -> Plan:
        """Forecasts memory and time of `fit(x)`, as `keras_isa.trainers.plan.forecast` does.

        Args:
            x: What `fit` will get, an array `(N, ...)` or a dataset with `.x`, or the number N of
                uint8 images where they are not here.

        Returns:
            The plan; printed, it is a table.

        Raises:
            ValueError: If the trainer was not made by `from_preset` or `from_settings`, or `x` is
                not one of these.
            RuntimeError: If the active Keras backend is not JAX.

        Example:

        >>> import keras_isa
        >>> trainer = keras_isa.FRePoTrainer.from_preset("digits", verbose=False, width=4)
        >>> trainer.plan(1797).fits
        True
        """
        from keras_isa.trainers.plan import forecast

        if self.settings is None:
            raise ValueError(
                "`plan` needs the settings of the run; make the trainer by `from_preset` or "
                "`from_settings`."
            )
        x = getattr(x, "x", x)
        about: dict[str, Any] = {}
        if hasattr(x, "shape") and len(x.shape):
            x = check_images(x, "x")
            stored = isinstance(x, StoredImages)
            about = {"pixel_bytes": x.dtype.itemsize, "stored": stored, "loaded": not stored}
        distilled, size = self.distilled, whole_number("x", len(x) if about else x)
        settings = self.settings.with_changes(images_per_class=simplest(distilled.class_counts))
        return forecast(settings, distilled.image_shape, distilled.num_classes, size, **about)

    def distillation_step(self, images: Any, class_ids: Any) -> None:
        index = keras.random.randint((), 0, self.pool.size, seed=self.seed_generator)
        member = self.pool.read(index)
        target_features = ops.stop_gradient(self.pool.features(member, images))
        trained = self.distilled.trainable_variables
        (_, parts), gradients = backend.current().value_and_grad(self._outer_loss)(
            [ops.convert_to_tensor(variable) for variable in trained],
            member,
            target_features,
            class_ids,
        )
        self.optimizer.apply(gradients, trained)
        rows = self._inner_rows()
        inner_loss = self.pool.advance(index, member, *rows)
        kernel_loss, accuracy, margin = parts
        self.loss_metric.update_state(kernel_loss)
        self.accuracy_metric.update_state(accuracy)
        self.margin_metric.update_state(margin)
        self.inner_loss_metric.update_state(inner_loss)

    def validation_step(self, images: Any, class_ids: Any, weights: Any, member: Any) -> None:
        member = self.pool.read(member)
        synthetic = ops.convert_to_tensor(self.distilled.images)
        predictions = self._predict(
            self.pool.features(member, images),
            member,
            synthetic,
            ops.convert_to_tensor(self.distilled.labels),
        )
        residuals = predictions - self.targets(class_ids)
        self.loss_metric.update_state(residual_losses(residuals), sample_weight=weights)
        self.accuracy_metric.update_state(_hits(predictions, class_ids), sample_weight=weights)

    def description(self) -> dict:
        return {
            "method": "FRePo + crucial samples + ISA",
            "pool_size": self.pool.size,
            "max_online_steps": self.pool.max_online_steps,
            "regularization": self.kernel_regression.regularization,
            "crucial_fraction": self.crucial_samples.fraction,
            "isa_interval": list(self.augmentation.interval),
            "pairing": self.augmentation.pairing,
            "reduction": self.augmentation.reduction,
            "flip": self.flip,
            "batch_size": None if self.sampler is None else self.sampler.batch_size,
            "settings": None if self.settings is None else self.settings.to_dict(),
        }

    def _outer_loss(
        self, trained: list, member: Member, target_features: Any, class_ids: Any
    ) -> tuple:
        """Loss of the set; for the metrics kernel loss, accuracy on the batch and label margin."""
        images = trained[0]
        labels = trained[1] if self.distilled.learn_labels else self.distilled.labels
        predictions = self._predict(target_features, member, images, labels)
        residuals = predictions - self.targets(class_ids)
        crucial = self.crucial_samples(ops.stop_gradient(residual_losses(residuals)))
        kernel_loss = self.augmentation(
            ops.take(residuals, crucial, axis=0),
            ops.take(target_features, crucial, axis=0),
            ops.take(class_ids, crucial, axis=0),
        )
        margin = label_margin(labels)
        accuracy = ops.mean(_hits(predictions, class_ids))
        return kernel_loss - margin, (kernel_loss, accuracy, margin)

    def _predict(self, target_features: Any, member: Member, images: Any, labels: Any) -> Any:
        if self.flip:
            images = ops.concatenate([images, ops.flip(images, axis=2)], axis=0)
            labels = ops.concatenate([labels, labels], axis=0)
        features = self.pool.features(member, images)
        return self.kernel_regression((target_features, features, labels))

    def _inner_rows(self) -> tuple[Any, Any]:
        images = ops.convert_to_tensor(self.distilled.images)
        labels = ops.convert_to_tensor(self.distilled.labels)
        if images.shape[0] < MOST_INNER_ROWS:
            return images, labels
        order = keras.random.shuffle(
            ops.arange(images.shape[0], dtype="int32"), seed=self.seed_generator
        )
        rows = order[:MOST_INNER_ROWS]
        return ops.take(images, rows, axis=0), ops.take(labels, rows, axis=0)


def _hits(predictions: Any, class_ids: Any) -> Any:
    return ops.cast(ops.equal(ops.argmax(predictions, axis=-1), class_ids), "float32")
