"""DD-Ranking's scores, which take the gain of labels and of augmentation out of an accuracy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from keras_isa.ops.arguments import finite_number, true_or_false


def label_robust_score(
    synthetic_hard: Any,
    real_hard: Any,
    synthetic: Any,
    random: Any,
    *,
    weight: float = 0.5,
    as_ddranking: bool = False,
) -> Any:
    """Returns the label-robust score (LRS) of a distilled set.

    With the recovery gap `HLR = real_hard - synthetic_hard`, the gain `IOR = synthetic - random`
    and `a = weight * IOR - (1 - weight) * HLR` it is `(exp(a) - exp(-1)) / (exp(1) - exp(-1))`:
    0.269 for a set that is as good as real images by both, and higher for a better one. Source:
    DD-Ranking (Li et al. 2025), whose documentation gives accuracies as fractions.

    Args:
        synthetic_hard: Accuracy of networks trained on the set with hard labels, a fraction or an
            array of them.
        real_hard: Accuracy of networks trained on all real data.
        synthetic: Accuracy of networks trained on the set with its own labels.
        random: Accuracy of networks trained on as many random real images by the same recipe.
        weight: Weight of the gain, in [0, 1].
        as_ddranking: Whether the score is that of the package ddranking 0.2.0, which puts
            accuracies in percent into the same formula, so that scores leave [0, 1]. Accuracies
            are fractions all the same.

    Returns:
        The score, a float, or a float64 array where an accuracy is one.

    Raises:
        ValueError: If an accuracy is no fraction, or the weight is outside of [0, 1].

    Example:

    >>> from keras_isa import ops
    >>> round(ops.label_robust_score(0.40, 0.85, 0.48, 0.20), 4)
    0.2343
    """
    fractions = _fractions(
        synthetic_hard=synthetic_hard, real_hard=real_hard, synthetic=synthetic, random=random
    )
    weight = _weight(weight)
    recovery = fractions["real_hard"] - fractions["synthetic_hard"]
    gain = fractions["synthetic"] - fractions["random"]
    return _score(weight * gain - (1 - weight) * recovery, as_ddranking)


def augmentation_robust_score(
    synthetic_augmented: Any,
    random_augmented: Any,
    synthetic_plain: Any,
    random_plain: Any,
    *,
    weight: float = 0.5,
    as_ddranking: bool = False,
) -> Any:
    """Returns the augmentation-robust score (ARS) of a distilled set.

    With `b = weight * (synthetic_augmented - random_augmented) + (1 - weight) * (synthetic_plain -
    random_plain)` it is `(exp(b) - exp(-1)) / (exp(1) - exp(-1))`. Source: as for
    `label_robust_score`.

    Args:
        synthetic_augmented: Accuracy of networks trained on the set with augmentation, a fraction
            or an array of them.
        random_augmented: The same of as many random real images.
        synthetic_plain: Accuracy of networks trained on the set without augmentation.
        random_plain: The same of as many random real images.
        weight: Weight of the gain with augmentation, in [0, 1].
        as_ddranking: As for `label_robust_score`.

    Returns:
        The score, a float, or a float64 array where an accuracy is one.

    Raises:
        ValueError: If an accuracy is no fraction, or the weight is outside of [0, 1].

    Example:

    >>> from keras_isa import ops
    >>> round(ops.augmentation_robust_score(0.48, 0.20, 0.45, 0.15), 4)
    0.4121
    """
    fractions = _fractions(
        synthetic_augmented=synthetic_augmented,
        random_augmented=random_augmented,
        synthetic_plain=synthetic_plain,
        random_plain=random_plain,
    )
    weight = _weight(weight)
    augmented = fractions["synthetic_augmented"] - fractions["random_augmented"]
    plain = fractions["synthetic_plain"] - fractions["random_plain"]
    return _score(weight * augmented + (1 - weight) * plain, as_ddranking)


def _fractions(**accuracies: Any) -> dict[str, np.ndarray]:
    found = {name: np.asarray(value, dtype="float64") for name, value in accuracies.items()}
    for name, value in found.items():
        if not ((value >= 0) & (value <= 1)).all():
            raise ValueError(
                f"`{name}` must be a fraction in [0, 1]; divide percent by 100. Received: "
                f"{name}={accuracies[name]!r}"
            )
    return found


def _weight(weight: float) -> float:
    weight = finite_number("weight", weight)
    if not 0 <= weight <= 1:
        raise ValueError(f"`weight` must be in [0, 1]. Received: weight={weight!r}")
    return weight


def _score(difference: np.ndarray, as_ddranking: bool) -> Any:
    percent = true_or_false("as_ddranking", as_ddranking)
    low, high = math.exp(-1), math.exp(1)
    score = (np.exp(100 * difference if percent else difference) - low) / (high - low)
    return score if score.ndim else float(score)
