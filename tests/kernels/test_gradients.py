"""Functions whose gradient is written by hand."""

import numpy as np

from keras_isa import backend
from keras_isa.inputs.arrays import to_numpy
from keras_isa.kernels.gradients import with_gradient


def gradients_of(function, *arrays):
    engine = backend.current()
    arrays = [engine.to_device(np.asarray(array, "float32")) for array in arrays]
    (loss, _), found = engine.compiled(engine.value_and_grad(lambda a: (function(*a), ())))(arrays)
    return float(to_numpy(loss)), [to_numpy(gradient).tolist() for gradient in found]


def test_one_argument():
    # Not the true gradient, so that it can only come from here.
    cube = with_gradient(lambda x: (x**3, lambda upstream: 7 * upstream))
    assert gradients_of(lambda x: 2 * cube(x), 2.0) == (16.0, [14.0])


def test_several_arguments():
    product = with_gradient(lambda x, y: (x * y, lambda upstream: (upstream + x, upstream - y)))
    assert gradients_of(lambda x, y: 3 * product(x, y), 2.0, 5.0) == (30.0, [5.0, -2.0])
