"""2x2 averages, written out, against Keras's own pooling."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_isa import backend
from keras_isa.inputs.arrays import to_numpy
from keras_isa.kernels import pooling
from keras_isa.kernels.pooling import average_2x2, average_of_four


@pytest.mark.parametrize("shape", [(2, 8, 6, 3), (3, 5, 7, 2), (1, 2, 3, 1)])
def test_value_and_gradient_are_those_of_keras(value_and_gradients, shape):
    rng = np.random.default_rng(0)
    images = rng.normal(size=shape).astype("float32")
    native = keras.layers.AveragePooling2D(2)
    upstream = rng.normal(size=native(images).shape).astype("float32")
    results = (
        value_and_gradients(pool, images, upstream=upstream) for pool in (average_of_four, native)
    )
    for found, expected in zip(*results, strict=True):
        np.testing.assert_allclose(to_numpy(found), to_numpy(expected), rtol=1e-6, atol=1e-6)


def test_of_a_short_format_the_sum_is_rounded_once(value_and_gradients):
    # In bfloat16 256 + 1 is 256: with each sum rounded the mean would be 64.
    images = ops.reshape(ops.array([256.0, 1, 1, 0], "bfloat16"), (1, 2, 2, 1))
    value, gradient = value_and_gradients(average_of_four, images, upstream=64.5)
    assert (ops.dtype(value), float(value[0, 0, 0, 0])) == ("bfloat16", 64.5)
    assert ops.dtype(gradient) == "bfloat16"
    assert (to_numpy(ops.cast(gradient, "float32")) == 64.5 / 4).all()


@pytest.mark.parametrize("on_cpu", [False, True])
def test_the_sum_is_taken_where_xla_compiles_for_a_cpu(monkeypatch, on_cpu):
    monkeypatch.setattr(backend, "is_xla_on_cpu", lambda: on_cpu)
    calls = []
    monkeypatch.setattr(
        pooling, "average_of_four", lambda images: calls.append(1) or average_of_four(images)
    )
    images = np.random.default_rng(0).normal(size=(2, 5, 4, 3)).astype("float32")
    expected = images[:, :4].reshape(2, 2, 2, 2, 2, 3).mean((2, 4))
    found = average_2x2(ops.convert_to_tensor(images))
    np.testing.assert_allclose(to_numpy(found), expected, rtol=1e-6, atol=1e-6)
    assert len(calls) == on_cpu
