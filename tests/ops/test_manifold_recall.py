import sys

import numpy as np
import pytest

from keras_isa import ops

module = sys.modules["keras_isa.ops.manifold_recall"]


def brute_force(real, synthetic, k):
    real, synthetic = (np.asarray(v, "float64").reshape(len(v), -1) for v in (real, synthetic))
    radii = []
    for j, one in enumerate(synthetic):
        distances = sorted(
            np.sqrt(np.sum((one - other) ** 2)) for i, other in enumerate(synthetic) if i != j
        )
        radii.append(distances[k - 1])
    inside = [
        any(np.sqrt(np.sum((one - s) ** 2)) <= r for s, r in zip(synthetic, radii, strict=True))
        for one in real
    ]
    return np.mean(inside)


@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("offset", [0.0, 50.0])
def test_recall_is_that_of_a_loop(k, offset):
    rng = np.random.default_rng(k)
    real = rng.normal(size=(60, 2, 3)) + offset
    synthetic = 0.7 * rng.normal(size=(9, 2, 3)) + offset
    found = float(ops.manifold_recall(real.astype("float32"), synthetic.astype("float32"), k))
    assert found == pytest.approx(brute_force(real, synthetic, k), abs=1e-6)
    assert 0 < found < 1


def test_many_samples_are_compared_a_part_at_a_time(monkeypatch):
    rng = np.random.default_rng(0)
    real, synthetic = rng.normal(size=(50, 4)), rng.normal(size=(8, 4))
    whole = float(ops.manifold_recall(real, synthetic, 2))
    monkeypatch.setattr(module, "_AT_ONCE", 24)
    assert float(ops.manifold_recall(real, synthetic, 2)) == whole


def test_all_and_none():
    synthetic = np.eye(6)
    assert float(ops.manifold_recall(synthetic, synthetic)) == 1
    assert float(ops.manifold_recall(synthetic + 100, synthetic)) == 0


def test_too_few_samples_and_other_features_are_refused():
    with pytest.raises(ValueError, match="more than k=5 samples.*Received: 5"):
        ops.manifold_recall(np.zeros((3, 2)), np.zeros((5, 2)))
    with pytest.raises(ValueError, match="as many features"):
        ops.manifold_recall(np.zeros((3, 2)), np.zeros((7, 4)))
    with pytest.raises(ValueError, match="as many features"):
        ops.manifold_recall(np.zeros((0, 2)), np.zeros((7, 2)))
    with pytest.raises(ValueError, match="`k` must be a positive integer"):
        ops.manifold_recall(np.zeros((3, 2)), np.zeros((7, 2)), 0)
