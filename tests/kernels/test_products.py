"""Products in short formats against float64."""

import numpy as np
import pytest
from keras import ops

from keras_isa.kernels.products import product, widened


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_numbers_are_rounded_before_and_sums_are_not(dtype):
    rng = np.random.default_rng(0)
    left, right = rng.normal(size=(5, 300)), rng.normal(size=(300, 7))
    rounded = [
        np.asarray(ops.cast(ops.cast(array, dtype), "float32"), "float64")
        for array in (left, right)
    ]
    found = product(left.astype("float32"), right.astype("float32"), dtype)
    assert ops.dtype(found) == "float32"
    np.testing.assert_allclose(found, rounded[0] @ rounded[1], rtol=1e-5, atol=1e-4)
    assert np.abs(found - left @ right).max() > 1e-3


def test_float32_stays_as_it_is():
    rng = np.random.default_rng(0)
    left, right = (rng.normal(size=shape).astype("float32") for shape in ((5, 30), (30, 7)))
    found = product(left, right, "float32")
    np.testing.assert_array_equal(found, ops.matmul(left, right))
    assert widened(found) is found
