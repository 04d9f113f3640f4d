"""FRePo with crucial samples and Infinite Semantic Augmentation."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
from keras import ops

from keras_isa.asset.distilled_data import DistilledData
from keras_isa.asset.ridge_predictor import RidgePredictor
from keras_isa.asset.scores import judged as judged_by
from keras_isa.global_settings import in_standard_settings
from keras_isa.layers.crucial_losses import crucial_squares
from keras_isa.layers.crucial_samples import CrucialSamples
from keras_isa.layers.infinite_semantic_augmentation import InfiniteSemanticAugmentation
from keras_isa.layers.kernel_ridge_regression import KernelRidgeRegression
from keras_isa.methods.base import Batch
from keras_isa.methods.networks import extractor_of
from keras_isa.methods.pooled import PooledTrainer, checked_flip
from keras_isa.methods.registry import register
from keras_isa.models.default import default_flops
from keras_isa.models.ensemble import Member
from keras_isa.models.feature_extractor import with_features
from keras_isa.models.inspection import product_dtype
from keras_isa.models.model_pool import ModelPool
from keras_isa.ops.arguments import instance_of, true_or_false, whole_number
from keras_isa.ops.crucial_samples import check_fraction
from keras_isa.ops.labels import label_margin
from keras_isa.ops.prefixes import Prefix, prefixes_of, whole_set
from keras_isa.ops.random import some_rows
from keras_isa.optimizers import Adam, Lamb
from keras_isa.planning.cost import Cost, Regression
from keras_isa.presets import Settings
from keras_isa.presets.config import MOST_INNER_ROWS
from keras_isa.training.running_scores import SAMPLE_LOSSES
from keras_isa.types import Tensor


class Context(NamedTuple):
    """What a step of FRePo holds fixed.

    Args:
        index: Number of the member of the pool.
        member: The member.
        features: Its features of the real images `(B, d)`.
        labels: What the set is to predict of them `(B, C)`.
    """

    index: Tensor
    member: Member
    features: Tensor
    labels: Tensor


@register
@keras.saving.register_keras_serializable(package="keras_isa")
class FRePoTrainer(PooledTrainer):
    """Distils by kernel ridge regression on the features of a pool of networks.

    One step: a member of the pool is drawn; the set predicts a batch of real images by kernel ridge
    regression on that member's features; the crucial (hardest) samples of the batch are kept and
    augmented without end between features (ISA, in closed form); the set takes one optimizer step
    on that loss minus the label margin, or several with the same features and crucial samples
    chosen anew (`updates_per_batch`, ours); the member takes one on the set. Source: FRePo (Zhou et
    al. 2022) for the pipeline, "Boosting Dataset Distillation with the Assistance of Crucial
    Samples" for crucial samples and ISA.

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
        prefixes: Whether the first k images of each class are to be a good set for every k (ours),
            see `DistilledData.first`. Every step then has a regression on 1, 2, 5, 10, ... images
            per class and on all. Each image is trained by the loss of the smallest of these sets
            that it belongs to, with the images before it held fixed.
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

    Config = Settings
    source = (
        'Zhou, Nezhadarya and Ba, "Dataset Distillation using Neural Feature Regression"; '
        '"Boosting Dataset Distillation with the Assistance of Crucial Samples"'
    )
    step_cost = "a forward pass of the batch, two passes of the set, a regression, a network's step"
    metric_names = ("loss", "accuracy", "label_margin", "inner_loss")
    scores_samples = True

    @in_standard_settings
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
        prefixes: bool = False,
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
        self.flip = checked_flip(flip, distilled)
        self.prefixes = true_or_false("prefixes", prefixes)
        self._prefixes = self._prefixes_of_regression()
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
        self.predictor = RidgePredictor(self.distilled, self.pool, self.kernel_regression, flip)
        self.network_dtype = product_dtype(self.pool.network.network)
        self.seed_generator = keras.random.SeedGenerator(self.seed + 2)

    @classmethod
    def from_config(cls, config: Settings, distilled: DistilledData, seed: int) -> FRePoTrainer:
        distilled.learn(config.learn_labels)
        return cls(
            distilled,
            extractor_of(config, distilled),
            pool_size=config.pool_size,
            max_online_steps=config.max_online_steps,
            regularization=config.regularization,
            crucial_fraction=config.crucial_fraction,
            augmentation=InfiniteSemanticAugmentation(
                config.isa_interval, config.pairing, config.reduction, seed=seed
            ),
            flip=config.flip,
            prefixes=config.prefixes,
            seed=seed,
        )

    @classmethod
    def optimizers(cls, config: Settings) -> dict[str, keras.optimizers.Optimizer]:
        def lamb(initial_rate: float) -> keras.optimizers.Optimizer:
            rate = keras.optimizers.schedules.CosineDecay(
                initial_rate, config.updates, alpha=config.final_learning_rate
            )
            return Lamb(rate, epsilon=1e-6, **config.averaging)

        optimizer = lamb(config.learning_rate)
        if config.label_learning_rate is not None and not config.learn_labels:
            warnings.warn(
                "`label_learning_rate` has no effect, as `learn_labels` is False", stacklevel=2
            )
        elif config.label_learning_rate is not None:
            groups = keras.optimizers.OptimizerMap(optimizer)
            groups[".*labels"] = lamb(config.label_learning_rate)
            optimizer = keras.optimizers.MultiOptimizer(groups)
        inner = Adam(config.inner_learning_rate, epsilon=1e-8)
        return {"optimizer": optimizer, "inner_optimizer": inner}

    def context(self, batch: Batch) -> Context:
        """A member of the pool, its number, its features of the batch, and labels."""
        index = keras.random.randint((), 0, self.pool.size, seed=self.seed_generator)
        member = self.pool.read(index)
        features = ops.stop_gradient(self.pool.features(member, batch.images))
        return Context(index, member, features, self.distilled.encode(batch.class_ids))

    def outer_loss(
        self, learned: dict[str, Any], batch: Batch, context: Context
    ) -> tuple[Any, dict]:
        """The kernel loss, less the label margin where labels are classes.

        With `prefixes` it is the sum over them, of which each image has a gradient from one.
        """
        rows = self.predictor.fitted_rows(context.member, learned["images"], learned["labels"])
        hardness, losses = self.hardness(learned, context), []
        for prefix in self._prefixes:
            part = (prefix.of(values) for values in rows)
            predictions = self.predictor.regression((context.features, *part))
            residuals = predictions - context.labels
            about = residuals, context.features, self.distilled.groups(batch.class_ids)
            loss, each = crucial_squares(self.crucial_samples, self.augmentation, *about, hardness)
            losses.append(loss)
        judged = judged_by(self.distilled, predictions, batch.class_ids)
        metrics = {"loss": losses[-1], **judged, SAMPLE_LOSSES: each}
        if self.distilled.is_regression:  # targets are numbers, of which none has to stand out
            return sum(losses), metrics
        margin = label_margin(learned["labels"])
        return sum(losses) - margin, {**metrics, "label_margin": margin}

    def hardness(self, learned: dict[str, Any], context: Context) -> Tensor | None:
        """What chooses the crucial samples `(B,)`; `None` for half their squared error.

        Args:
            learned: Images and labels of the set.
            context: What the step holds fixed.
        """
        del learned, context
        return None

    def inner_step(self, context: Context) -> dict[str, Any]:
        """One step of the member on the set."""
        about = context.index, context.member
        return {"inner_loss": self.pool.advance(*about, *self.inner_rows())}

    def inner_rows(self) -> list[Tensor]:
        """Images and labels of the set for a step of a member."""
        return some_rows(self.distilled.decode(), MOST_INNER_ROWS, self.seed_generator)

    def cost(self) -> Cost:
        shape, classes = self.distilled.image_shape, self.distilled.num_classes
        copies, updates = 2 if self.flip else 1, self.updates_per_batch

        def set_passes(rows: int) -> int:
            # The forward and the backward pass of each update, and the step of a member.
            return 2 * copies * rows * updates + 3 * min(rows, MOST_INNER_ROWS)

        image = default_flops(shape, classes, self.settings.width, self.settings.depth)
        features = math.prod(self.pool.network.network.outputs[1].shape[1:])
        times = updates * len(self._prefixes)  # at most: smaller prefixes take less
        regression = Regression(features, classes, copies, self.network_dtype, times)
        return Cost(image, set_passes, regression)

    def description(self) -> dict[str, Any]:
        return {
            **super().description(),
            "pool_size": self.pool.size,
            "max_online_steps": self.pool.max_online_steps,
            "regularization": self.kernel_regression.regularization,
            "crucial_fraction": self.crucial_samples.fraction,
            "isa_interval": list(self.augmentation.interval),
            "pairing": self.augmentation.pairing,
            "reduction": self.augmentation.reduction,
            "flip": self.flip,
            "prefixes": self.prefixes,
        }

    def _prefixes_of_regression(self) -> tuple[Prefix, ...]:
        """Those of the rows of the regression; without `prefixes` all rows are the only one."""
        counts, rows = self.distilled.class_counts, self.distilled.row_counts
        each = rows[0] // counts[0]
        found = prefixes_of(counts, each) if self.prefixes else (whole_set(sum(rows)),)
        return tuple(one.joined_by_copies(sum(rows)) for one in found) if self.flip else found
