"""Distribution matching (DM): real and synthetic images have the same mean features."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from keras_isa.asset.distilled_data import DistilledData
from keras_isa.asset.ridge_predictor import RidgePredictor
from keras_isa.layers.kernel_ridge_regression import KernelRidgeRegression
from keras_isa.layers.siamese_augmentation import (
    OPERATIONS,
    SiameseAugmentation,
    checked_operations,
    suited_operations,
)
from keras_isa.methods.base import Batch, DistillationTrainer
from keras_isa.methods.equal_classes import EqualClasses, EqualClassesConfig
from keras_isa.methods.networks import extractor_of
from keras_isa.methods.registry import register
from keras_isa.models.default import default_flops
from keras_isa.models.ensemble import Ensemble, Member
from keras_isa.models.inspection import product_dtype
from keras_isa.models.recorded_network import RecordedNetwork
from keras_isa.ops.arguments import one_of, positive_number, whole_number
from keras_isa.ops.counts import checked_counts, simplest
from keras_isa.ops.crucial_samples import check_fraction
from keras_isa.ops.distribution_matching import class_means, class_ranks, crucial_in_class
from keras_isa.ops.semantic_augmentation import check_interval, isa_loss, nearest_partners
from keras_isa.optimizers import SGD
from keras_isa.planning.cost import Cost
from keras_isa.presets.config import (
    Choices,
    Range,
    described,
    setting,
    words,
)
from keras_isa.presets.module_settings import fraction, interval
from keras_isa.types import Tensor

PAIRINGS = ("nearest", "halves")
# So many random networks judge the set on held-out images, by kernel ridge regression.
_JUDGES = 3


@described
@dataclasses.dataclass(frozen=True)
class DMConfig(EqualClassesConfig):
    """Settings of one distillation by DM.

    The defaults are those published for DM on CIFAR-10, without crucial samples and ISA. The set
    takes SGD with momentum 0.5; its labels are the classes. Source: Zhao and Bilen, "Dataset
    Condensation with Distribution Matching", and the code released with it.

    Example:

    >>> from keras_isa.methods import DMConfig
    >>> DMConfig(images_per_class=10).batch_size
    2560
    """

    method = "dm"
    searched = ("learning_rate", "crucial_fraction")
    no_regression = "it matches the means of classes, and rows with targets have none"

    steps: int = setting(20_000, whole_number, "Distillation steps, a batch each.")
    learning_rate: float = setting(
        1.0, positive_number, "Learning rate of the set.", Range(0.1, 30.0, log=True)
    )
    augmentation: tuple[str, ...] = setting(
        OPERATIONS,
        checked_operations,
        "Operations of the Siamese augmentation, one of which is drawn in each step; leave flip "
        "out for digits.",
    )
    crucial_fraction: float = setting(
        1.0,
        fraction,
        "Share of each class's images that is kept: those farthest from the class's synthetic "
        "mean. 1 is plain DM.",
        Range(0.3, 1.0),
    )
    isa_interval: tuple[float, float] = setting(
        (0.0, 0.0),
        interval,
        "Interval of the semantic augmentation of class means; 0 0 is plain DM.",
        Choices(((0.0, 0.0), (0.0, 0.5), (-1.0, 0.0))),
    )
    pairing: str = setting(
        "halves",
        words(*PAIRINGS),
        "Direction in which ISA moves a class mean: from the mean of its images' nearest "
        "neighbours (nearest), or from the mean of one half of the class (halves).",
        Choices(PAIRINGS),
    )

    @classmethod
    def derived(
        cls,
        image_shape: Sequence[int],
        num_classes: int,
        train_size: int,
        images_per_class: int | Sequence[int],
        accelerated: bool,
    ) -> DMConfig:
        counts = simplest(checked_counts(images_per_class, num_classes))
        operations = suited_operations(image_shape)
        normalization = "instance" if len(image_shape) > 1 else "identity"
        recipe = {"augmentation": operations, "normalization": normalization}
        # Two cores take narrower networks and fewer images of each class.
        quick = {} if accelerated else {"width": 32, "steps": 1000}
        return cls(
            images_per_class=counts,
            normalization=normalization,
            batch_size=num_classes * (256 if accelerated else 32),
            augmentation=operations,
            recipe={**recipe, "width": quick.get("width", 128)},
            **quick,
        )


@register
@keras.saving.register_keras_serializable(package="keras_isa")
class DistributionMatchingTrainer(EqualClasses, DistillationTrainer):
    """Distils by matching the mean features of each class in fresh random networks (DM).

    One step: a random network is drawn; real images, as many of each class, and the set go through
    one transformation (Siamese augmentation) and through the network; the set takes a step on the
    squared distances of the class means of both features, summed over classes. DM draws a
    transformation for each class; here one serves all classes of a step. Source: Zhao and Bilen,
    "Dataset Condensation with Distribution Matching".

    Crucial samples and ISA in it are our reading, as the code of their paper does not have them: of
    each class the real images farthest from the synthetic mean are kept, and the square of the
    difference d of the means becomes the mean of `|d + a B|**2` over a in the interval, where B
    leads to the mean from that of the nearest neighbours ("nearest") or of one half of the class
    ("halves"). Per image it would change nothing: pairs at random leave the mean as it is.

    Batches of a stream, and of images too large for the device, are taken as they come; a class
    that a batch does not have is left out of that step.

    While it trains, `val_accuracy` is that of kernel ridge regression on three random networks.

    Args:
        distilled: The set to train; its labels stay as they are.
        feature_extractor: As for `keras_isa.FRePoTrainer`.
        augmentation: Operations of `keras_isa.layers.SiameseAugmentation`; none for sequences and
            flat features.
        crucial_fraction: Share of each class's real images that is kept, in (0, 1].
        isa_interval: Interval of a; (0, 0) is plain DM.
        pairing: `"nearest"` or `"halves"`.
        seed: Seed of networks, draws and batches.
        **kwargs: Further arguments of `keras.Model`.

    Raises:
        TypeError, ValueError: If an argument is not usable.

    Example:

    >>> import keras_isa
    >>> train, test = keras_isa.datasets.load("digits")
    >>> trainer = keras_isa.DistributionMatchingTrainer.from_preset(
    ...     "digits", verbose=False, width=4, steps=2, epochs=1)
    >>> history = trainer.fit(train, verbose=0)
    >>> sorted(history.history)
    ['loss']
    """

    Config = DMConfig
    source = 'Zhao and Bilen, "Dataset Condensation with Distribution Matching"'
    step_cost = "a forward pass of the batch, two passes of the set"
    metric_names = ("loss",)

    def __init__(
        self,
        distilled: DistilledData,
        feature_extractor: Callable[[], keras.Model],
        *,
        augmentation: Sequence[str] = OPERATIONS,
        crucial_fraction: float = 1.0,
        isa_interval: tuple[float, float] = (0.0, 0.0),
        pairing: str = "halves",
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(distilled, seed=seed, **kwargs)
        self.crucial_fraction = check_fraction(crucial_fraction, "crucial_fraction")
        self.isa_interval = check_interval(isa_interval, "isa_interval")
        self.pairing = one_of("pairing", pairing, PAIRINGS)
        operations = checked_operations("augmentation", augmentation)
        self.augmentation = SiameseAugmentation(operations, self.seed) if operations else None
        self.network = RecordedNetwork(
            feature_extractor, distilled.image_shape, distilled.num_classes
        )
        self.judges = Ensemble(self.network, size=_JUDGES, seed=self.seed + 1)
        self.predictor = RidgePredictor(distilled, self.judges, KernelRidgeRegression())
        self.network_dtype = product_dtype(self.network.network)
        self.seed_generator = keras.random.SeedGenerator(self.seed + 2)

    @classmethod
    def from_config(
        cls, config: DMConfig, distilled: DistilledData, seed: int
    ) -> DistributionMatchingTrainer:
        distilled.learn(False)
        return cls(
            distilled,
            extractor_of(config, distilled, constant_width=True),
            augmentation=config.augmentation,
            crucial_fraction=config.crucial_fraction,
            isa_interval=config.isa_interval,
            pairing=config.pairing,
            seed=seed,
        )

    @classmethod
    def optimizers(cls, config: DMConfig) -> dict[str, keras.optimizers.Optimizer]:
        return {"optimizer": SGD(config.learning_rate, 0.5, **config.averaging)}

    def context(self, batch: Batch) -> tuple[Any, Any, Member]:
        """Features of the real images, the key of their transformation, and the network."""
        member = self.judges.fresh(self.seed_generator.next())
        key = self.seed_generator.next()
        images = self._augmented(batch.images, key)
        return ops.stop_gradient(self.judges.features(member, images)), key, member

    def outer_loss(self, learned: dict[str, Any], batch: Batch, context: Any) -> tuple[Any, dict]:
        """The squared distances of class means, summed over classes."""
        real, key, member = context
        classes, class_ids = self.distilled.num_classes, batch.class_ids
        features = self.judges.features(member, self._augmented(learned["images"], key))
        synthetic, _ = class_means(features, self.distilled.class_ids, classes)
        own = ops.take(ops.stop_gradient(synthetic), class_ids, axis=0)
        hardness = ops.sum(ops.square(real - own), axis=1)
        kept = crucial_in_class(hardness, class_ids, classes, self.crucial_fraction)
        means, counts = class_means(real, class_ids, classes, kept)
        plain = self.isa_interval == (0.0, 0.0)
        others = means if plain else self._partner_means(real, class_ids, kept, hardness, means)
        # `isa_loss` gives half of the squared distance, and DM has the whole.
        losses = 2.0 * isa_loss(
            means - synthetic, others - synthetic, self.isa_interval, "half_sum"
        )
        loss = ops.sum(ops.where(counts > 0, losses, 0.0))
        return loss, {"loss": loss}

    def _partner_means(
        self, real: Tensor, class_ids: Tensor, kept: Tensor, hardness: Tensor, whole: Tensor
    ) -> Tensor:
        classes = self.distilled.num_classes
        if self.pairing == "nearest":
            partners = nearest_partners(real, kept > 0)
            return class_means(ops.take(real, partners, axis=0), class_ids, classes, kept)[0]
        odd = ops.cast(class_ranks(hardness, class_ids) % 2, "float32")
        means, counts = class_means(real, class_ids, classes, kept * odd)
        return ops.where(ops.expand_dims(counts > 0, 1), means, whole)

    def _augmented(self, images: Tensor, key: Tensor) -> Tensor:
        return images if self.augmentation is None else self.augmentation.augment(images, key)

    def cost(self) -> Cost:
        shape, classes = self.distilled.image_shape, self.distilled.num_classes
        image = default_flops(
            shape, classes, self.settings.width, self.settings.depth, constant_width=True
        )
        return Cost(image, lambda rows: 2 * rows * self.updates_per_batch)
