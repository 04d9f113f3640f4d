"""Functions that several backends have in common."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_isa import backend
from keras_isa.backend import shared
from keras_isa.backend.shared import stateless, stateless_call
from keras_isa.inputs.arrays import to_numpy
from keras_isa.optimizers import Adam

RNG = np.random.default_rng(0)


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="PyTorch has its own")
def test_vectorized_gradients_are_those_of_each_network():
    weights, inputs = RNG.normal(size=(3, 4)), RNG.normal(size=(3, 4))

    def loss(arrays, x):
        product = arrays[0] * x
        return ops.sum(ops.square(product)), ops.sum(product)

    call = shared.vectorized_gradients(backend.current().value_and_grad, loss)
    weights, inputs = (ops.convert_to_tensor(a.astype("float32")) for a in (weights, inputs))
    ((gradient,), aux) = call([weights], inputs)
    np.testing.assert_allclose(
        to_numpy(gradient), 2 * to_numpy(weights) * to_numpy(inputs) ** 2, rtol=1e-5
    )
    np.testing.assert_allclose(
        to_numpy(aux), (to_numpy(weights) * to_numpy(inputs)).sum(axis=1), rtol=1e-5
    )


def test_draws_are_stacked_in_the_order_of_their_keys():
    keys = ops.convert_to_tensor(np.arange(6).reshape(3, 2))
    found = shared.draw_each(lambda key: [key[0], key + 1], keys)
    assert to_numpy(found[0]).tolist() == [0, 2, 4]
    assert to_numpy(found[1]).tolist() == [[1, 2], [3, 4], [5, 6]]


def test_one_process_on_one_device():
    assert shared.process() == (0, 1)
    batch = object()
    assert shared.split_batch(batch) is batch and shared.random_key(batch) is batch


def test_a_step_of_adam():
    optimizer, variable = Adam(0.1, epsilon=1e-8), keras.Variable([1.0, 1.0])
    optimizer.build([variable])
    shared.apply_adam(optimizer, [ops.convert_to_tensor([2.0, -3.0])], [variable])
    np.testing.assert_allclose(to_numpy(variable), [0.9, 1.1], rtol=1e-6)


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
