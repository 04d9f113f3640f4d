"""What is compiled is counted by name."""

import re

import keras
import pytest

if keras.backend.backend() != "jax":
    pytest.skip("JAX compiles whole programs", allow_module_level=True)

import jax

from keras_isa.backend.compile_log import _FOUND, CompileLog


def test_programs_are_counted_by_their_names():
    log = CompileLog()

    def a_name_that_nothing_else_has(x):
        return x * 3.0

    run = jax.jit(a_name_that_nothing_else_has)
    for value in (1.0, 2.0, jax.numpy.ones(3)):
        run(value)
    assert log.programs["a_name_that_nothing_else_has"] == 2  # one for each shape
    assert log.seconds["a_name_that_nothing_else_has"] > 0 and log.traced > 0
    assert re.search(r"\d s    2 x a_name_that_nothing_else_has$", str(log), re.MULTILINE)


def test_the_table_names_the_longest_and_sums_up_the_others():
    log = CompileLog()
    log.seconds.clear(), log.programs.clear()
    for number in range(10):
        log.seconds[f"program{number}"] = float(number)
        log.programs[f"program{number}"] = 1
    log.traced = 0.5
    lines = str(log).splitlines()
    assert lines[0] == "compiled: 10 programs in 45.0 s; they were written in 0.5 s"
    assert lines[1].split() == ["9.00", "s", "1", "x", "program9"] and len(lines) == 10
    assert lines[-1].split() == ["1.00", "s", "2", "x", "others"]
    log._on_event(_FOUND)
    assert "45.0 s, 1 of them taken from the cache; they" in str(log)
