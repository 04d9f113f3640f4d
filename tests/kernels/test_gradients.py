"""Functions whose gradient is written by hand."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_isa import backend
from keras_isa.inputs.arrays import to_numpy
from keras_isa.kernels.gradients import with_gradient

# Not the true gradient, so that it can only come from here.
cube = with_gradient(lambda x: x**3, lambda upstream, x: 7 * upstream * x)


def gradients_of(function, *arrays):
    engine = backend.current()
    arrays = [engine.to_device(np.asarray(array, "float32")) for array in arrays]
    (loss, _), found = engine.compiled(engine.value_and_grad(lambda a: (function(*a), ())))(arrays)
    return float(to_numpy(loss)), [to_numpy(gradient).tolist() for gradient in found]


def test_one_argument():
    assert gradients_of(lambda x: 2 * cube(x), 2.0) == (16.0, [28.0])


def test_several_arguments():
    product = with_gradient(lambda x, y: x * y, lambda upstream, x, y: (upstream + x, upstream - y))
    assert gradients_of(lambda x, y: 3 * product(x, y), 2.0, 5.0) == (30.0, [5.0, -2.0])


def test_in_the_context_the_gradient_is_that_of_the_function():
    with backend.freely_differentiable():
        assert gradients_of(lambda x: 2 * cube(x), 2.0) == (16.0, [24.0])
        two = ops.convert_to_tensor(2.0)
        value, tangent = ops.jvp(cube, (two,), (two,))
        assert (float(value), float(tangent)) == (8.0, 24.0)


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="others differentiate the function")
def test_without_the_context_forward_mode_is_refused():
    with pytest.raises(TypeError, match="forward-mode"):
        ops.jvp(cube, (ops.ones(()),), (ops.ones(()),))


def test_the_gradient_can_be_differentiated_by_the_backend_itself():
    """The derivative of the gradient that is written here, not of the function's."""
    x = np.float32(2.0)
    if keras.backend.backend() == "jax":
        import jax

        second = jax.grad(jax.grad(cube))(x)
    elif keras.backend.backend() == "torch":
        import torch

        x = torch.tensor(x, requires_grad=True)
        (first,) = torch.autograd.grad(cube(x), x, create_graph=True)
        (second,) = torch.autograd.grad(first, x)
    else:
        import tensorflow as tf

        x = tf.constant(x)
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                value = cube(x)
            first = inner.gradient(value, x)
        second = outer.gradient(first, x)
    assert float(second) == 7.0
