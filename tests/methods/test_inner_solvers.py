"""The solvers of RCIG's systems, and the learning rates that tune themselves."""

import numpy as np
import pytest
from keras import ops

from keras_isa.inputs.arrays import to_numpy
from keras_isa.methods.inner_solvers import ConjugateGradients, TunedAdam

DIAGONAL = np.array([1.0, 2.0, 4.0], "float32")
RIGHT = np.array([1.0, -1.0, 2.0], "float32")


def product(vector):
    return [vector[0] * ops.convert_to_tensor(DIAGONAL)]


def solve(solver, system, scale):
    (found,) = solver.solve(system, product, [ops.convert_to_tensor(RIGHT)], scale)
    return to_numpy(found)


@pytest.mark.parametrize("system", [0, 1])
def test_conjugate_gradients_solve_both(system):
    np.testing.assert_allclose(solve(ConjugateGradients(4), system, 0.01), RIGHT / DIAGONAL, 1e-5)


@pytest.mark.parametrize(("system", "scale"), [(0, 0.5), (1, 0.5)])
def test_adam_comes_near_the_same_solutions(system, scale):
    """Whatever the method multiplies the system by."""
    solver = TunedAdam(400)
    solver.rates.assign([0.03, 0.03 / scale])
    found = solve(solver, system, scale)
    np.testing.assert_allclose(found, RIGHT / DIAGONAL, atol=0.03)


def test_a_rate_grows_until_a_solution_fails_and_then_goes_back():
    solver, rates = TunedAdam(5), []
    for _ in range(60):
        before = float(to_numpy(solver.rates)[0])
        solve(solver, 0, 1.0)
        rates.append(float(to_numpy(solver.rates)[0]) / before)
        if to_numpy(solver.tuned)[0]:
            break
    assert rates[:-1] == pytest.approx([1.2] * (len(rates) - 1)) and len(rates) > 20
    assert rates[-1] == pytest.approx(0.7)
    assert to_numpy(solver.rates)[1] == pytest.approx(5e-5)  # the other one has not been used


@pytest.mark.parametrize(("rate", "factor"), [(1e-3, 1.05), (30.0, 0.9)])
def test_a_tuned_rate_is_changed_after_fifty_solutions(rate, factor):
    solver = TunedAdam(3)
    solver.rates.assign([rate, 1e-5])
    solver.tuned.assign([1.0, 0.0])
    for _ in range(49):
        solve(solver, 0, 1.0)
    assert float(to_numpy(solver.rates)[0]) == pytest.approx(rate)
    solve(solver, 0, 1.0)
    assert float(to_numpy(solver.rates)[0]) == pytest.approx(factor * rate)
    assert to_numpy(solver.solved)[0] == to_numpy(solver.failed)[0] == 0
