"""Functions that assign variables, made pure."""

import keras
from keras import ops

from keras_isa.backend.stateless import stateless, stateless_call
from keras_isa.inputs.arrays import to_numpy


def value_of(tensor):
    return float(to_numpy(tensor))


def test_a_function_that_assigns_becomes_pure():
    count, other = (keras.Variable(value, trainable=False) for value in (3.0, 5.0))

    def step(amount):
        count.assign(count + amount)
        return 2 * count

    values = [ops.convert_to_tensor(10.0), ops.convert_to_tensor(20.0)]
    result, found = stateless(step, [count, other])(values, 1.5)
    assert value_of(result) == 23.0
    assert [value_of(value) for value in found] == [11.5, 20.0]
    assert [value_of(variable) for variable in (count, other)] == [3.0, 5.0]


def test_variables_in_several_lists_keep_their_lists():
    first, second, third = (keras.Variable(value, trainable=False) for value in (0.0, 1.0, 2.0))

    def step(amount):
        third.assign(first + second + amount)
        return 1 * third

    state = ([ops.convert_to_tensor(1.0)], [], [ops.convert_to_tensor(2.0)] * 2)
    result, found = stateless_call(step, ([first], [], [second, third]), state, 4.0)
    assert value_of(result) == 7.0
    assert [[value_of(value) for value in group] for group in found] == [[1.0], [], [2.0, 7.0]]
