"""Unrolled steps and their gradient against float64 NumPy."""

import keras
import numpy as np
import pytest

from keras_isa import backend
from keras_isa.inputs.arrays import to_numpy
from keras_isa.ops.unrolled_training import pull_back, unroll

STEPS = 7
RNG = np.random.default_rng(0)
X, T, START = RNG.normal(size=(5, 4)), RNG.normal(size=5), RNG.normal(size=4)


def exact(x, rate):
    """Weights after gradient descent on `sum (tanh(x w) - t)^2 / 2`."""
    weights = START
    for number in range(STEPS):
        value = np.tanh(x @ weights)
        weights = weights - rate / (1 + number) * x.T @ ((value - T) * (1 - value**2))
    return weights


def step(weights, number, x, rate):
    ops = keras.ops
    value = ops.tanh(ops.matmul(x, weights))
    t = ops.convert_to_tensor(T.astype("float32"))
    slope = ops.matmul(ops.transpose(x), (value - t) * (1 - ops.square(value)))
    return weights - rate / (1.0 + ops.cast(number, "float32")) * slope


def test_the_steps_and_their_gradient_are_those_of_numpy():
    x, start = (keras.ops.convert_to_tensor(a.astype("float32")) for a in (X, START))
    rate, upstream = keras.ops.convert_to_tensor(0.3), RNG.normal(size=4)

    def computed():
        end, history = unroll(lambda w, n: step(w, n, x, rate), start, STEPS)
        to_end = keras.ops.convert_to_tensor(upstream.astype("float32"))
        return end, history, pull_back(step, history, to_end, [x, rate])

    end, history, (of_x, of_rate) = backend.current().compiled(computed)()
    assert tuple(history.shape) == (STEPS, 4)
    np.testing.assert_allclose(to_numpy(history)[0], START, rtol=1e-6)
    np.testing.assert_allclose(to_numpy(end), exact(X, 0.3), rtol=1e-4)
    small = 1e-6
    found = (exact(X, 0.3 + small) - exact(X, 0.3 - small)) @ upstream / (2 * small)
    assert float(to_numpy(of_rate)) == pytest.approx(found, rel=1e-3)
    along = RNG.normal(size=X.shape)
    ends = [exact(X + amount * along, 0.3) @ upstream for amount in (small, -small)]
    assert np.sum(to_numpy(of_x) * along) == pytest.approx(
        (ends[0] - ends[1]) / (2 * small), rel=1e-3
    )


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="JAX tells a program's memory")
def test_the_memory_does_not_grow_with_the_steps_but_for_the_weights():
    rows, size = 2000, 50
    x = np.zeros((rows, size), "float32")
    start = np.zeros(size, "float32")

    def long_step(weights, number, x, rate):
        return weights - rate * keras.ops.matmul(
            keras.ops.transpose(x), keras.ops.tanh(keras.ops.matmul(x, weights))
        )

    def extra(count):
        def gradient(x, rate):
            end, history = unroll(lambda w, n: long_step(w, n, x, rate), start, count)
            return pull_back(long_step, history, end, [x, rate])

        arguments = x, np.float32(0.1)
        _, found = backend.current().compiled_ahead(gradient, arguments, dtype="float32")
        return found

    few, many = extra(4), extra(64)
    assert many - few < 4 * 60 * size + 4 * rows  # the activations of one step are 4 * rows bytes
