"""The regression of linearised networks against float64 NumPy."""

import numpy as np
import pytest

from keras_isa import backend
from keras_isa.inputs.arrays import to_numpy
from keras_isa.ops.linearized_regression import dual_weights, implicit_term, predictions

RNG = np.random.default_rng(0)
FEATURES, CHANGES, ADJOINT, LABELS = (
    RNG.normal(size=shape).astype("float32") for shape in ((4, 6), (4, 3), (4, 3), (4, 3))
)
TARGETS, MOVED = (RNG.normal(size=shape).astype("float32") for shape in ((5, 6), (5, 3)))
RIDGE = 0.3


def solved(features, right):
    kernel = features.astype("float64") @ features.T
    return np.linalg.solve(kernel + RIDGE * np.eye(len(features)), right)


def test_the_ridge_is_not_relative_to_the_kernel():
    found = to_numpy(dual_weights(FEATURES, LABELS, RIDGE))
    np.testing.assert_allclose(found, solved(FEATURES, LABELS), atol=1e-5)
    np.testing.assert_allclose(to_numpy(dual_weights(0 * FEATURES, LABELS, 2.0)), LABELS / 2)


def test_predictions():
    arrays = map(backend.current().to_device, (TARGETS, MOVED, FEATURES, CHANGES, LABELS))
    found = predictions(*arrays, RIDGE)
    expected = MOVED + TARGETS @ FEATURES.T @ solved(FEATURES, LABELS - CHANGES)
    np.testing.assert_allclose(to_numpy(found), expected, atol=1e-4)


@pytest.mark.parametrize("place", range(4))
def test_derivatives_of_the_implicit_term(place):
    arrays = [FEATURES, CHANGES, ADJOINT, LABELS]

    def exact(arrays):
        features, changes, adjoint, labels = arrays
        kernel = features @ features.T + RIDGE * np.eye(len(features))
        return np.sum(adjoint * np.linalg.solve(kernel, labels - changes))

    engine = backend.current()
    with backend.freely_differentiable():
        run = engine.value_and_grad(lambda arrays: (implicit_term(*arrays, RIDGE), ()))
        (value, _), gradients = run([engine.to_device(one) for one in arrays])
    assert float(to_numpy(value)) == pytest.approx(exact(arrays), abs=1e-4)
    along = np.random.default_rng(place).normal(size=arrays[place].shape)
    ends = []
    for step in (1e-5, -1e-5):
        moved = [one.astype("float64") for one in arrays]
        moved[place] = moved[place] + step * along
        ends.append(exact(moved))
    slope = float(np.sum(to_numpy(gradients[place]) * along))
    assert slope == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-3, abs=1e-3)
