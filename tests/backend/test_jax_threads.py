"""Independent loops in threads: each ends where it would alone, and errors come out."""

import keras
import numpy as np
import pytest

if keras.backend.backend() != "jax":
    pytest.skip("only JAX computes in threads", allow_module_level=True)

from keras_isa.backend import jax_threads
from keras_isa.backend.jax_threads import ThreadedLoop


@pytest.fixture
def doubling():
    variable = keras.Variable(np.zeros(3, "float32"))
    return ThreadedLoop(lambda added: variable.assign(2.0 * variable + added), [variable])


@pytest.mark.parametrize("cores", [1, 2, 16])
@pytest.mark.parametrize("chunk", [1, 3, 50])
def test_each_state_goes_its_own_way(doubling, monkeypatch, cores, chunk):
    monkeypatch.setattr(jax_threads.os, "cpu_count", lambda: cores)
    monkeypatch.setattr(jax_threads, "_CHUNK", chunk)
    states = [[np.full(3, value, "float32")] for value in range(5)]
    added = [(np.float32(value),) for value in range(5)]
    for _ in range(2):  # the states that were given are not used up
        said = []
        found = doubling(states, added, 7, said.append)
        for value, (state,) in enumerate(found):
            np.testing.assert_array_equal(state, np.full(3, value * (2**8 - 1)))
        assert said[-1] == 7 and said == sorted(said)


def test_an_error_of_a_thread_comes_out(doubling):
    states = [[np.zeros(3, "float32")] for _ in range(4)]
    doubling(states, [(np.float32(1),)] * 4, 1)

    def broken(*arguments):
        raise FloatingPointError("from a thread")

    doubling._compiled = broken
    with pytest.raises(FloatingPointError, match="from a thread"):
        doubling(states, [(np.float32(1),)] * 4, 1)


def test_an_interruption_ends_the_threads(doubling, monkeypatch):
    monkeypatch.setattr(jax_threads, "_SECONDS_BETWEEN_REPORTS", 0.001)
    states = [[np.zeros(3, "float32")] for _ in range(2)]

    def press(done):
        raise KeyboardInterrupt

    before = jax_threads.threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        doubling(states, [(np.float32(1),)] * 2, 50_000_000, press)
    assert jax_threads.threading.active_count() == before
