"""What several tests of convolutions share."""

import numpy as np
import pytest
from keras import ops

from keras_isa.inputs.arrays import to_numpy


@pytest.fixture
def problem():
    """`problem(kernel_shape, shape)`: inputs, a kernel, and a gradient of the results."""
    rng = np.random.default_rng(0)

    def draw(kernel_shape, shape):
        shapes = (shape, kernel_shape, (*shape[:-1], kernel_shape[-1]))
        return [rng.normal(size=one).astype("float32") for one in shapes]

    return draw


def native(inputs, kernel):
    return ops.conv(inputs, kernel, strides=1, padding="same", data_format="channels_last")


@pytest.fixture
def equals_the_native_one(value_and_gradients):
    """`equals_the_native_one(convolve, inputs, kernel, upstream)`: value and both gradients do."""

    def check(convolve, *problem):
        *arrays, upstream = problem
        results = value_and_gradients(convolve, *arrays, upstream=upstream, compiled=True)
        wanted = value_and_gradients(native, *arrays, upstream=upstream)
        for result, expected in zip(results, wanted, strict=True):
            np.testing.assert_allclose(to_numpy(result), to_numpy(expected), rtol=1e-4, atol=1e-4)

    return check
