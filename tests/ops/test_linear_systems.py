"""Conjugate gradients and Adam on systems that NumPy solves."""

import numpy as np
import pytest
from keras import ops

from keras_isa.inputs.arrays import to_numpy
from keras_isa.ops.linear_systems import conjugate_gradients, descend_by_adam, inner

RNG = np.random.default_rng(0)
ROOT = RNG.normal(size=(6, 6))
MATRIX = ROOT @ ROOT.T + np.eye(6)
RIGHT = RNG.normal(size=6)


def halves(vector):
    return [ops.convert_to_tensor(part.astype("float32")) for part in np.split(vector, [2])]


def product(vector):
    whole = ops.matmul(ops.convert_to_tensor(MATRIX.astype("float32")), ops.concatenate(vector))
    return [whole[:2], whole[2:]]


def joined(vector):
    return np.concatenate([to_numpy(part) for part in vector])


def test_as_many_steps_as_unknowns_solve_a_system():
    found = joined(conjugate_gradients(product, halves(RIGHT), 8))
    np.testing.assert_allclose(found, np.linalg.solve(MATRIX, RIGHT), atol=1e-5)


def test_fewer_steps_give_the_best_of_the_krylov_space():
    found = joined(conjugate_gradients(product, halves(RIGHT), 2))
    space = np.stack([RIGHT, MATRIX @ RIGHT], axis=1)
    best = space @ np.linalg.solve(space.T @ MATRIX @ space, space.T @ RIGHT)
    np.testing.assert_allclose(found, best, atol=1e-5)


def test_zeros_and_exact_solutions_stay_finite():
    assert not joined(conjugate_gradients(product, halves(np.zeros(6)), 3)).any()
    found = joined(conjugate_gradients(lambda vector: vector, halves(RIGHT), 9))
    np.testing.assert_allclose(found, RIGHT, atol=1e-6)


@pytest.mark.parametrize(("rate", "falls"), [(1e-3, True), (3.0, False)])
def test_adam_is_that_of_its_authors(rate, falls):
    found, fell = descend_by_adam(product, halves(RIGHT), 5, ops.array(rate))
    x, first, second, values = np.zeros(6), 0.0, 0.0, []
    for step in range(1, 7):
        values.append(0.5 * x @ MATRIX @ x - RIGHT @ x)
        if step == 6:
            break
        gradient = MATRIX @ x - RIGHT
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        x = x - rate * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
    np.testing.assert_allclose(joined(found), x, rtol=1e-3, atol=1e-6)
    assert bool(to_numpy(fell)) is falls is bool((np.diff(values) < 0).all())


def test_the_inner_product_is_over_all_parts():
    both = halves(RIGHT)
    assert float(to_numpy(inner(both, both))) == pytest.approx(RIGHT @ RIGHT, rel=1e-5)
