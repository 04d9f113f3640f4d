"""Convolutions written as matrix products, on the active backend."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_isa import backend
from keras_isa.inputs.arrays import to_numpy
from keras_isa.layers import PatchConv2D


def results(implementation, images, kernel, dtype="float32"):
    layer = PatchConv2D(
        kernel.shape[-1], 3, implementation=implementation, use_bias=False, dtype=dtype
    )
    layer.build(images.shape)
    layer.kernel.assign(kernel)

    def loss(arrays):
        with keras.StatelessScope([(layer.kernel, arrays[1])]):
            values = layer(arrays[0])
        values = ops.cast(values, "float32")
        return ops.sum(ops.square(values)), values

    arrays = [ops.convert_to_tensor(array) for array in (images, kernel)]
    (_, values), gradients = backend.current().value_and_grad(loss)(arrays)
    by_variable = ops.cast(layer(images), "float32")
    return [to_numpy(array) for array in (by_variable, values, *gradients)]


@pytest.fixture
def problem():
    """Images, a kernel, and what the native convolution makes of them."""
    rng = np.random.default_rng(0)
    images = rng.normal(size=(2, 7, 8, 6)).astype("float32")
    kernel = rng.normal(size=(3, 3, 6, 4)).astype("float32")
    return images, kernel, results("native", images, kernel)


@pytest.mark.parametrize("implementation", ["auto", "patches", "winograd"])
def test_values_and_gradients_are_those_of_the_native_one(problem, implementation):
    images, kernel, expected = problem
    for found, wanted in zip(results(implementation, images, kernel), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4 * np.abs(wanted).max())


@pytest.mark.parametrize("implementation", ["auto", "patches", "winograd"])
def test_in_bfloat16_as_well_as_its_digits_allow(problem, implementation):
    images, kernel, expected = problem
    found = results(implementation, images, kernel, "mixed_bfloat16")
    for values, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(values, wanted, atol=0.02 * np.abs(wanted).max())
