"""Losses of the crucial samples of a batch, augmented semantically."""

from __future__ import annotations

from keras import ops

from keras_isa.layers.crucial_samples import CrucialSamples
from keras_isa.layers.infinite_semantic_augmentation import InfiniteSemanticAugmentation
from keras_isa.ops.crucial_samples import residual_losses
from keras_isa.ops.semantic_cross_entropy import cross_entropy, isa_cross_entropy
from keras_isa.types import Tensor


def crucial_squares(
    crucial: CrucialSamples,
    augmentation: InfiniteSemanticAugmentation,
    residuals: Tensor,
    features: Tensor,
    groups: Tensor,
    hardness: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """The squared error of the crucial samples, with ISA in closed form.

    Args:
        crucial: Chooses the samples.
        augmentation: ISA.
        residuals: Predictions minus labels `(B, C)`, affine in what ISA moves.
        features: By which samples find partners `(B, d)`.
        groups: Their classes `(B,)`.
        hardness: What samples are chosen by `(B,)`, by default half their squared error.

    Returns:
        The loss, a scalar, and half the squared error of each sample `(B,)`, without gradient.
    """
    each = ops.stop_gradient(residual_losses(residuals))
    rows = crucial(each if hardness is None else hardness)
    kept = (ops.take(one, rows, axis=0) for one in (residuals, features, groups))
    return augmentation(*kept), each


def crucial_cross_entropy(
    crucial: CrucialSamples,
    augmentation: InfiniteSemanticAugmentation,
    logits: Tensor,
    labels: Tensor,
    features: Tensor,
    groups: Tensor,
) -> tuple[Tensor, Tensor]:
    """The mean cross-entropy of the crucial samples, with ISA by quadrature.

    Args:
        crucial: Chooses the samples by their cross-entropy.
        augmentation: ISA, with another pairing than "all"; its `reduction` is not used.
        logits: `(B, C)`, affine in what ISA moves.
        labels: One-hot labels `(B, C)`.
        features: By which samples find partners `(B, d)`.
        groups: Their classes `(B,)`.

    Returns:
        The loss, a scalar, and the cross-entropy of each sample `(B,)`, without gradient.
    """
    each = ops.stop_gradient(cross_entropy(logits, labels))
    rows = crucial(each)
    logits, labels, features, groups = (
        ops.take(one, rows, axis=0) for one in (logits, labels, features, groups)
    )
    if augmentation.interval == (0.0, 0.0):
        return ops.mean(cross_entropy(logits, labels)), each
    partners = augmentation.partners(logits, ops.stop_gradient(features), groups)
    others = (ops.take(one, partners, axis=0) for one in (logits, labels))
    other_logits, other_labels = others
    moved = isa_cross_entropy(logits, other_logits, labels, other_labels, augmentation.interval)
    return ops.mean(moved), each
