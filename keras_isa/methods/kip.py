"""KIP: ridge regression with the kernel of infinitely wide networks, plain or with the module."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_isa.asset.distilled_data import DistilledData
from keras_isa.asset.scores import judged
from keras_isa.global_settings import DTYPE_POLICIES, in_standard_settings
from keras_isa.layers.crucial_losses import crucial_squares
from keras_isa.layers.crucial_samples import CrucialSamples
from keras_isa.layers.infinite_semantic_augmentation import (
    PAIRINGS,
    InfiniteSemanticAugmentation,
)
from keras_isa.methods.base import Batch, DistillationTrainer
from keras_isa.methods.kernel_predictor import KernelPredictor
from keras_isa.methods.registry import register
from keras_isa.models.convnet import default_depth
from keras_isa.ops.arguments import (
    instance_of,
    one_of,
    positive_number,
    true_or_false,
    whole_number,
)
from keras_isa.ops.counts import checked_counts
from keras_isa.ops.crucial_samples import check_fraction
from keras_isa.ops.infinite_width import KINDS, infinite_width_kernel
from keras_isa.planning.cost import Cost
from keras_isa.presets.config import (
    Choices,
    Range,
    described,
    optional,
    setting,
    words,
)
from keras_isa.presets.module_settings import ModuleConfig
from keras_isa.training.running_scores import SAMPLE_LOSSES

ARCHITECTURES = ("convolutional", "fully_connected")
# Operations of a layer for one place of a pair of inputs, with its gradient, about.
_PLACE_FLOPS = 100
# Such places that two cores compute in a second, with their gradients.
_CPU_PLACES = 4e7
_CPU_SECONDS = 100.0
_CPU_BATCH = 256


@described
@dataclasses.dataclass(frozen=True)
class KIPConfig(ModuleConfig):
    """Settings of one distillation by KIP.

    The hyperparameters of KIP were not available to us: the defaults are ours. Source of the loss:
    Nguyen et al., "Dataset Meta-Learning from Kernel Ridge-Regression" (2021).

    Example:

    >>> from keras_isa.methods import KIPConfig
    >>> KIPConfig(images_per_class=1).kind
    'ntk'
    """

    method = "kip"
    searched = ("learning_rate", "regularization")
    no_regression = None
    not_used = ("width", "dtype_policy")
    for_regression = {"regularization": 1e-2}

    width: int = setting(
        128, whole_number, "Not used: the networks of the kernel are infinitely wide."
    )
    dtype_policy: str | None = setting(
        None, optional(words(*DTYPE_POLICIES)), "Not used: the kernel is computed in float32."
    )
    normalization: str = setting(
        "identity", words("identity"), "Normalisation of the networks: identity, as there is none."
    )
    steps: int = setting(5000, whole_number, "Distillation steps, a batch each.")
    learning_rate: float = setting(
        3e-3, positive_number, "Learning rate of the set.", Range(1e-3, 1e-1, log=True)
    )
    architecture: str = setting(
        "convolutional",
        words(*ARCHITECTURES),
        "Networks of the kernel: convolutional (without pooling; flat features go through dense "
        "layers) or fully_connected.",
        Choices(ARCHITECTURES),
    )
    kind: str = setting(
        "ntk", words(*KINDS), "Kernel: nngp, of fresh networks, or ntk, of trained ones.",
        Choices(KINDS),
    )  # fmt: skip
    regularization: float = setting(
        1e-3,
        positive_number,
        "Ridge relative to the kernel's mean diagonal.",
        Range(1e-6, 1e-1, log=True),
    )
    pairing: str = setting(
        "nearest",
        words(*PAIRINGS),
        f"Choice of partners in ISA: {', '.join(PAIRINGS)}.",
        Choices(PAIRINGS),
    )
    learn_labels: bool = setting(
        False, true_or_false, "Whether labels are trained.", Choices((True, False))
    )

    @classmethod
    def derived(
        cls,
        image_shape: Sequence[int],
        num_classes: int,
        train_size: int,
        images_per_class: int | Sequence[int],
        accelerated: bool,
        task: str = "classification",
    ) -> KIPConfig:
        about = image_shape, num_classes, train_size, images_per_class, accelerated
        found = super().derived(*about, task)
        if accelerated:
            return found
        rows = sum(checked_counts(images_per_class, 1 if task == "regression" else num_classes))
        batch_size = min(_CPU_BATCH, train_size)
        pairs = rows * (batch_size + rows)
        places = pairs * math.prod(image_shape[:-1]) * default_depth(image_shape)
        steps = round(_CPU_SECONDS * _CPU_PLACES / places / 100) * 100
        return found.with_changes(steps=max(100, min(steps, 2000)), batch_size=batch_size)


@register
@keras.saving.register_keras_serializable(package="keras_isa")
class KIPTrainer(DistillationTrainer):
    """Distils by ridge regression with the kernel of infinitely wide networks (KIP).

    One step: the set predicts a batch of real images by ridge regression with the kernel, and takes
    a step on the squared error. There are no networks. Source: Nguyen et al., "Dataset
    Meta-Learning from Kernel Ridge-Regression" (2021).

    The convolutional kernel is that of networks without pooling, whose cost grows with the pixels.
    KIP's own has average pooling, whose cost grows with their square; the library that KIP computed
    it with does not run on current versions of JAX. The kernel of finite networks with pooling is
    `keras_isa.RFADTrainer`.

    Crucial samples are those of the greatest error. ISA is exact, as a prediction is affine in the
    kernel's features; partners are nearest by the cosine of the images themselves.

    While it trains, `val_accuracy` is that of the same regression.

    Args:
        distilled: The set to train.
        architecture: `"convolutional"` or `"fully_connected"`.
        kind: `"ntk"` or `"nngp"`, see `keras_isa.ops.infinite_width_kernel`.
        depth: Layers with ReLU; by default the size of the images decides.
        regularization: Ridge relative to the kernel's mean diagonal.
        crucial_fraction: Share of each batch that is kept, in (0, 1].
        augmentation: An `InfiniteSemanticAugmentation`; by default none.
        seed: Seed of batches.
        **kwargs: Further arguments of `keras.Model`.

    Raises:
        TypeError, ValueError: If an argument is not usable.

    Example:

    >>> import keras_isa
    >>> train, test = keras_isa.datasets.load("digits")
    >>> trainer = keras_isa.KIPTrainer.from_preset("digits", verbose=False, steps=2, epochs=1)
    >>> history = trainer.fit(train, verbose=0)
    >>> sorted(history.history)
    ['accuracy', 'loss']
    """

    Config = KIPConfig
    source = 'Nguyen et al., "Dataset Meta-Learning from Kernel Ridge-Regression"'
    step_cost = "kernels between batch and set and within the set, with their gradients"
    scores_samples = True
    memory_settings = "`batch_size` or `images_per_class`"

    @in_standard_settings
    def __init__(
        self,
        distilled: DistilledData,
        *,
        architecture: str = "convolutional",
        kind: str = "ntk",
        depth: int | None = None,
        regularization: float = 1e-3,
        crucial_fraction: float = 1.0,
        augmentation: InfiniteSemanticAugmentation | None = None,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(distilled, seed=seed, **kwargs)
        if augmentation is None:
            augmentation = InfiniteSemanticAugmentation((0.0, 0.0))
        self.augmentation = instance_of("augmentation", augmentation, InfiniteSemanticAugmentation)
        self.crucial_samples = CrucialSamples(check_fraction(crucial_fraction, "crucial_fraction"))
        depth = default_depth(distilled.image_shape) if depth is None else depth
        self.depth = whole_number("depth", depth)
        self.architecture = one_of("architecture", architecture, ARCHITECTURES)
        self.kind = one_of("kind", kind, KINDS)
        about = {"architecture": self.architecture, "kernel": self.kind, "depth": self.depth}
        self.predictor = KernelPredictor(
            distilled, self.kernel, positive_number("regularization", regularization), about
        )

    @classmethod
    def from_config(cls, config: KIPConfig, distilled: DistilledData, seed: int) -> KIPTrainer:
        distilled.learn(config.learn_labels)
        return cls(
            distilled,
            architecture=config.architecture,
            kind=config.kind,
            depth=config.depth,
            regularization=config.regularization,
            crucial_fraction=config.crucial_fraction,
            augmentation=InfiniteSemanticAugmentation(
                config.isa_interval, config.pairing, seed=seed
            ),
            seed=seed,
        )

    def kernel(self, first: Any, second: Any) -> Any:
        """The kernel `(n, m)` between inputs `(n, ...)` and `(m, ...)` in model space."""
        if self.architecture == "fully_connected":
            first, second = map(_flat, (first, second))
        return infinite_width_kernel(first, second, self.depth, self.kind)

    def outer_loss(self, learned: dict[str, Any], batch: Batch, context: Any) -> tuple[Any, dict]:
        """The squared error of the predictions."""
        predicted = self.predictor.predict(batch.images, learned["images"], learned["labels"])
        # As the set's own labels are, which are fixed by default.
        residuals = predicted - self.distilled.encode(batch.class_ids, scaled=True)
        about = residuals, _flat(batch.images), self.distilled.groups(batch.class_ids)
        loss, each = crucial_squares(self.crucial_samples, self.augmentation, *about)
        scores = judged(self.distilled, predicted, batch.class_ids)
        return loss, {"loss": loss, **scores, SAMPLE_LOSSES: each}

    def cost(self) -> Cost:
        shape = self.distilled.image_shape
        is_flat = self.architecture == "fully_connected"
        places = 1 if is_flat else math.prod(shape[:-1])
        channels = math.prod(shape) // places
        pair = places * (self.depth * _PLACE_FLOPS + 6 * channels) * self.updates_per_batch
        return Cost(0, lambda rows: 0, pair=pair)

    def description(self) -> dict[str, Any]:
        return {
            **super().description(),
            **self.predictor.about,
            "regularization": self.predictor.regularization,
            "crucial_fraction": self.crucial_samples.fraction,
            "isa_interval": list(self.augmentation.interval),
            "pairing": self.augmentation.pairing,
        }


def _flat(images: Any) -> Any:
    return ops.reshape(images, (ops.shape(images)[0], math.prod(images.shape[1:])))
