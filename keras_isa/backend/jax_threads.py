"""Independent loops on a CPU, one per core, each in a thread of its own."""

from __future__ import annotations

import collections
import os
import threading
from collections.abc import Callable
from typing import Any

import jax
import keras
import numpy as np

from keras_isa.backend.jax import _compiler_options
from keras_isa.backend.shared import stateless

# Steps after which a thread may take another loop: short enough to keep all threads busy.
_CHUNK = 50
_SECONDS_BETWEEN_REPORTS = 0.2


class ThreadedLoop:
    """Makes `call(states, arguments, count)`, which runs a step `count` times on each state.

    XLA divides a single product of matrices among the cores, and everything else in a loop runs on
    one of them. Here each core has a loop of its own, which nothing has to wait for.

    Args:
        step: Function of arrays that reads and assigns `variables`.
        variables: The variables of one loop; a state has a value for each.
        dtype: As in `keras_isa.backend.jax.compiled`.
    """

    def __init__(
        self, step: Callable, variables: list[keras.Variable], dtype: str = "float32"
    ) -> None:
        def steps_of_one_network(values: list, count: Any, *args: Any) -> list:
            pure = stateless(step, variables)
            return jax.lax.fori_loop(0, count, lambda _, one: pure(one, *args)[1], values)

        options = _compiler_options(dtype, one_thread=True)
        self._loop = jax.jit(steps_of_one_network, donate_argnums=(0,), compiler_options=options)
        self._compiled: Any = None

    def __call__(
        self,
        states: list[list],
        arguments: list[tuple],
        count: int,
        report: Callable[[int], None] | None = None,
    ) -> list[list]:
        """Runs the loops.

        Args:
            states: Values of the variables for each loop.
            arguments: Further arguments of the step for each loop, arrays of one shape each.
            count: Steps of each loop.
            report: Called now and then with the mean number of steps done.

        Returns:
            The states after `count` steps.
        """
        # The loop overwrites its values, and equal initial values may share memory: all are copied.
        states = [[jax.numpy.array(value, copy=True) for value in state] for state in states]
        if self._compiled is None:
            lowered = self._loop.lower(states[0], np.int32(count), *arguments[0])
            self._compiled = lowered.compile()
        run = _Run(self._compiled, states, arguments, count)
        threads = [
            threading.Thread(target=run.work, daemon=True)
            for _ in range(min(os.cpu_count() or 1, len(states)))
        ]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                while thread.is_alive():
                    thread.join(_SECONDS_BETWEEN_REPORTS)
                    if report is not None:
                        report(run.done // len(states))
        finally:
            run.stopped = True  # after an interruption the threads end with their chunk
            for thread in threads:
                thread.join()
        if run.error is not None:
            raise run.error
        if report is not None:
            report(count)
        return run.states


class _Run:
    """One call: loops that wait for a thread, and what has been done."""

    def __init__(
        self, program: Callable, states: list[list], arguments: list[tuple], count: int
    ) -> None:
        self.states, self.done, self.stopped = states, 0, False
        self.error: BaseException | None = None
        self._program, self._arguments = program, arguments
        self._left = [count] * len(states)
        self._waiting = collections.deque(range(len(states)))
        self._lock = threading.Lock()

    def work(self) -> None:
        """What each thread does: takes a loop, runs some steps of it, puts it back."""
        try:
            while not self.stopped:
                with self._lock:
                    if not self._waiting:
                        return
                    index = self._waiting.popleft()
                steps = min(_CHUNK, self._left[index])
                state = self._program(self.states[index], np.int32(steps), *self._arguments[index])
                self.states[index] = jax.block_until_ready(state)
                with self._lock:
                    self.done += steps
                    self._left[index] -= steps
                    if self._left[index]:
                        self._waiting.append(index)
        except BaseException as error:
            self.error, self.stopped = error, True
