import numpy as np
import pytest

from keras_isa import ops
from keras_isa.inputs.arrays import to_numpy


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    return rng.normal(size=(40, 5)).astype("float32"), rng.integers(0, 4, 40).astype("int32")


def test_means(rows):
    features, class_ids = rows
    weights = np.random.default_rng(1).integers(0, 2, 40).astype("float32")
    means, counts = map(to_numpy, ops.class_means(features, class_ids, 6, weights))
    for k in range(6):
        chosen = (class_ids == k) & (weights > 0)
        assert counts[k] == chosen.sum()
        expected = features[chosen].mean(axis=0) if chosen.any() else np.zeros(5)
        np.testing.assert_allclose(means[k], expected, atol=1e-6)


def test_ranks_and_the_hardest_of_each_class(rows):
    hardness, class_ids = rows[0][:, 0].copy(), rows[1]
    hardness[[3, 7]] = hardness[0]  # equal ones: in their order
    found = to_numpy(ops.class_ranks(hardness, class_ids))
    kept = to_numpy(ops.crucial_in_class(hardness, class_ids, 4, 0.6))
    for k in range(4):
        members = np.flatnonzero(class_ids == k)
        order = members[np.argsort(-hardness[members], kind="stable")]
        np.testing.assert_array_equal(found[order], np.arange(len(order)))
        count = max(1, int(0.6 * len(order)))
        np.testing.assert_array_equal(kept[order], np.arange(len(order)) < count)


@pytest.mark.parametrize("fraction", [0, 1.5, -1])
def test_bad_fractions_are_refused(rows, fraction):
    with pytest.raises(ValueError, match="`fraction` must be in"):
        ops.crucial_in_class(rows[0][:, 0], rows[1], 4, fraction)
