"""ISA of the cross-entropy against dense integration."""

import numpy as np
import pytest

from keras_isa import ops
from keras_isa.inputs.arrays import to_numpy

RNG = np.random.default_rng(0)
CLASSES = 4


def one_hot(rows):
    return np.eye(CLASSES)[RNG.integers(0, CLASSES, rows)].astype("float32")


def exact(logits, others, labels, other_labels, interval, nodes=100):
    """The integral in float64, by a rule of a hundred points."""
    low, high = interval
    total = 0.0
    for node, weight in zip(*np.polynomial.legendre.leggauss(nodes), strict=True):
        a = (low + high) / 2 + (high - low) / 2 * node
        z = (logits + a * (logits - others)).astype("float64")
        y = labels + a * (labels - other_labels)
        top = z.max(axis=1)
        entropy = top + np.log(np.exp(z - top[:, None]).sum(axis=1)) - (y * z).sum(axis=1)
        total = total + weight / 2 * entropy
    return total


@pytest.mark.parametrize("interval", [(0.0, 0.5), (-1.0, 0.0), (0.25, 0.25)])
def test_the_mean_over_the_segment(interval):
    logits, others = (RNG.normal(size=(64, CLASSES)).astype("float32") for _ in range(2))
    about = logits, others, one_hot(64), one_hot(64)
    found = to_numpy(ops.isa_cross_entropy(*about, interval))
    np.testing.assert_allclose(found, exact(*about, interval), atol=2e-5)
    plain = to_numpy(ops.cross_entropy(about[0], about[2]))
    assert np.abs(found - plain).max() > 0.1


@pytest.mark.parametrize(("move", "most"), [(4, 2e-4), (10, 0.02)])
def test_the_error_of_five_points_is_as_the_docstring_says(move, most):
    """Over the interval the logits move by up to `move`."""
    logits = RNG.uniform(-move, move, size=(2000, CLASSES)).astype("float32")
    others = logits + RNG.uniform(-2 * move, 2 * move, size=logits.shape).astype("float32")
    about = logits, others, one_hot(2000), one_hot(2000)
    errors = {
        points: np.abs(
            to_numpy(ops.isa_cross_entropy(*about, (0.0, 0.5), points)) - exact(*about, (0.0, 0.5))
        ).max()
        for points in (1, 3, 5)
    }
    assert errors[5] < errors[3] < errors[1] and errors[5] < most


def test_an_interval_of_nothing_is_the_plain_cross_entropy():
    logits, labels = RNG.normal(size=(5, CLASSES)), one_hot(5)
    found = ops.isa_cross_entropy(logits, -logits, labels, labels[::-1], (0.0, 0.0))
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(to_numpy(found), -np.log((labels * shares).sum(axis=1)), atol=1e-5)


def test_what_does_not_fit_is_refused():
    logits, labels = RNG.normal(size=(5, CLASSES)), one_hot(5)
    with pytest.raises(ValueError, match="must have one shape"):
        ops.isa_cross_entropy(logits, logits[:4], labels, labels)
    with pytest.raises(ValueError, match="`points`"):
        ops.isa_cross_entropy(logits, logits, labels, labels, points=0)
    with pytest.raises(ValueError, match="`interval`"):
        ops.isa_cross_entropy(logits, logits, labels, labels, (1.0, 0.0))
    with pytest.raises(TypeError, match="`labels`"):
        ops.cross_entropy(logits, [["a"] * CLASSES] * 5)
