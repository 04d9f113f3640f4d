"""The distance of gradients against a loop over units."""

import numpy as np
import pytest
from keras import ops as keras_ops

from keras_isa import ops
from keras_isa.inputs.arrays import to_numpy


def by_units(found, wanted):
    total = 0.0
    for one, other in zip(found, wanted, strict=True):
        if one.ndim < 2:
            continue
        for unit in range(one.shape[-1]):
            a, b = (each[..., unit].astype("float64").ravel() for each in (one, other))
            total += 1 - a @ b / (np.linalg.norm(a) * np.linalg.norm(b) + 1e-6)
    return total


def test_units_are_compared_one_by_one():
    rng = np.random.default_rng(0)
    shapes = (3, 3, 2, 5), (5,), (7, 4), (4,)
    found, wanted = ([rng.normal(size=one).astype("float32") for one in shapes] for _ in range(2))
    distance = float(to_numpy(ops.gradient_distance(found, wanted)))
    assert distance == pytest.approx(by_units(found, wanted), rel=1e-5)
    assert float(to_numpy(ops.gradient_distance(found, [3 * one for one in found]))) < 1e-4
    opposite = float(to_numpy(ops.gradient_distance(found, [-one for one in found])))
    assert opposite == pytest.approx(2 * (5 + 4), rel=1e-4)


def test_a_unit_without_gradient_has_distance_one_and_a_finite_slope(gradients):
    still = np.zeros((3, 2), "float32")
    still[:, 1] = 1.0
    wanted = np.ones((3, 2), "float32")
    assert float(to_numpy(ops.gradient_distance([still], [wanted]))) == pytest.approx(1, abs=1e-5)
    (found,) = gradients(lambda one: ops.gradient_distance([one], [wanted]), still)
    assert np.isfinite(found).all()


def test_gradients_of_other_networks_are_refused():
    one, two = keras_ops.ones((2, 2)), keras_ops.ones((2, 3))
    with pytest.raises(ValueError, match="argument 2"):
        ops.gradient_distance([one, two], [one])
