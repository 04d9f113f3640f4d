import math

import numpy as np
import pytest

from keras_isa import ops


def by_hand(a):
    return (math.exp(a) - math.exp(-1)) / (math.exp(1) - math.exp(-1))


def test_anchors():
    # Differences of 0, 1 and -1, the middle and the ends of the range.
    assert ops.label_robust_score(0.5, 0.5, 0.3, 0.3) == pytest.approx(0.26894, abs=1e-5)
    assert ops.label_robust_score(1, 0, 1, 0) == pytest.approx(1)
    assert ops.label_robust_score(0, 1, 0, 1) == pytest.approx(0)
    assert ops.augmentation_robust_score(0.55, 0.5, 0.55, 0.5) == pytest.approx(0.2908, abs=1e-4)
    assert ops.augmentation_robust_score(0.45, 0.5, 0.45, 0.5) == pytest.approx(0.2482, abs=1e-4)


@pytest.mark.parametrize("weight", [0, 0.3, 1])
def test_formulas(weight):
    found = ops.label_robust_score(0.41, 0.86, 0.47, 0.22, weight=weight)
    assert found == pytest.approx(by_hand(weight * 0.25 - (1 - weight) * 0.45))
    found = ops.augmentation_robust_score(0.5, 0.3, 0.4, 0.35, weight=weight)
    assert found == pytest.approx(by_hand(weight * 0.2 + (1 - weight) * 0.05))


def test_rounds_are_scored_each():
    hard, own, random = np.array([0.3, 0.4]), np.array([0.5, 0.45]), np.array([0.2, 0.25])
    found = ops.label_robust_score(hard, 0.8, own, random)
    wanted = [by_hand(0.5 * 0.3 - 0.5 * 0.5), by_hand(0.5 * 0.2 - 0.5 * 0.4)]
    np.testing.assert_allclose(found, wanted)
    assert ((found >= 0) & (found <= 1)).all()


def test_the_package_computes_with_percent():
    # 5 points below and above, as ddranking 0.2.0 prints them.
    kwargs = {"weight": 0.5, "as_ddranking": True}
    below = ops.label_robust_score(0.40, 0.45, 0.40, 0.45, **kwargs)
    above = ops.augmentation_robust_score(0.50, 0.45, 0.50, 0.45, **kwargs)
    assert below == pytest.approx(-0.154, abs=1e-3) and above == pytest.approx(63.0, abs=0.05)


def test_percent_is_refused():
    with pytest.raises(ValueError, match="`real_hard` must be a fraction .* divide percent by 100"):
        ops.label_robust_score(0.4, 85.0, 0.5, 0.2)
    with pytest.raises(ValueError, match="`random_plain` must be a fraction"):
        ops.augmentation_robust_score(0.4, 0.2, 0.5, float("nan"))
    with pytest.raises(ValueError, match="`weight` must be in"):
        ops.label_robust_score(0.4, 0.8, 0.5, 0.2, weight=2)


def test_scores_are_those_of_the_package_ddranking():
    """What ddranking 0.2.0 gave for these accuracies, in fractions and in percent."""
    hard = 0.40, 0.85, 0.40, 0.20
    assert ops.label_robust_score(*hard) == pytest.approx(0.21894866351247577, rel=1e-12)
    score = ops.label_robust_score(*hard, as_ddranking=True)
    assert score == pytest.approx(-0.15651605721129477, rel=1e-9)
    augmented = 0.48, 0.20, 0.45, 0.15
    assert ops.augmentation_robust_score(*augmented) == pytest.approx(0.4120775455694409, rel=1e-12)
    score = ops.augmentation_robust_score(*augmented, as_ddranking=True)
    assert score == pytest.approx(1672621810804.2722, rel=1e-9)
