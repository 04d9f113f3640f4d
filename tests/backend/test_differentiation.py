"""Gradients of gradients, and the context in which they are right."""

import threading

import keras
import numpy as np
import pytest
from keras import ops

from keras_isa import backend
from keras_isa.inputs.arrays import to_numpy


def test_the_context_ends_and_is_that_of_its_thread():
    seen = []
    with pytest.raises(RuntimeError, match="stop"), backend.freely_differentiable():
        thread = threading.Thread(target=lambda: seen.append(backend.is_freely_differentiable()))
        thread.start()
        thread.join()
        with backend.freely_differentiable():
            pass
        seen.append(backend.is_freely_differentiable())
        raise RuntimeError("stop")
    assert seen == [False, True]
    assert not backend.is_freely_differentiable()


@pytest.mark.parametrize("compiled", [False, True])
def test_gradients_can_be_nested(compiled):
    engine, seen = backend.current(), []

    def loss(arrays, constant):
        seen.append(backend.is_freely_differentiable())
        (x,) = arrays
        return constant * x**4, {"square": x**2}

    def outer(arrays, constant):
        (x,) = arrays
        # `x` as the function knows it from outside is a constant of the inner gradient.
        (value, aux), (slope,) = engine.value_and_grad(
            lambda arrays: loss(arrays, ops.stop_gradient(constant) * x)
        )(arrays)
        seen.append(backend.is_freely_differentiable())
        return slope, (value, aux)

    run = engine.value_and_grad(outer)
    run = engine.compiled(run) if compiled else run
    x, constant = (ops.convert_to_tensor(number, dtype="float32") for number in (2.0, 3.0))
    # With c = 3 x held fixed inside: 3 x^5, of which the slope is 12 x^4, and of that 48 x^3.
    (slope, (value, aux)), (second,) = run([x], constant)
    assert [float(to_numpy(a)) for a in (value, aux["square"], slope, second)] == [96, 4, 192, 384]
    assert seen[:2] == [True, False]
    assert not backend.is_freely_differentiable()


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="others keep no record in results")
def test_only_the_outermost_result_has_no_record():
    engine, seen = backend.current(), []

    def outer(arrays):
        (value, aux), gradients = engine.value_and_grad(lambda a: (a[0] ** 3, a[0] ** 2))(arrays)
        seen.extend([value, aux, *gradients])
        return gradients[0], aux

    (value, aux), gradients = engine.value_and_grad(outer)([ops.ones(())])
    assert all(tensor.requires_grad for tensor in seen)
    assert not any(tensor.requires_grad for tensor in (value, aux, *gradients))


def test_an_argument_without_a_part_has_a_gradient_of_zeros_when_nested():
    engine = backend.current()

    def outer(arrays):
        _, (of_x, of_y) = engine.value_and_grad(lambda a: (ops.sum(a[0] ** 3), ()))(arrays)
        return ops.sum(of_x) + ops.sum(of_y), ()

    arrays = [ops.convert_to_tensor(np.array([1.0, 2.0], "float32")), ops.ones(3)]
    _, found = engine.value_and_grad(outer)(arrays)
    assert [to_numpy(array).tolist() for array in found] == [[6, 12], [0, 0, 0]]
