"""Every way of computing a convolution, and which one is the fastest."""

import functools

import keras
import numpy as np
import pytest
from keras import ops

from keras_isa import backend
from keras_isa.kernels.convolution import (
    WAYS,
    convolve,
    convolve_mixed,
    convolve_native,
    convolve_patches,
    fastest_way,
)


@pytest.mark.parametrize("shape", [(2, 5, 8, 3), (2, 1, 2, 2)])
@pytest.mark.parametrize("way", WAYS)
def test_value_and_both_gradients_equal_the_native_ones(problem, equals_the_native_one, way, shape):
    kernel_shape = (3, 3, shape[-1], 4)
    equals_the_native_one(functools.partial(convolve, way=way), *problem(kernel_shape, shape))


@pytest.mark.parametrize("side", [1, 5])
@pytest.mark.parametrize("convolve", [convolve_native, convolve_patches, convolve_mixed])
def test_images(problem, equals_the_native_one, convolve, side):
    equals_the_native_one(convolve, *problem((side, side, 3, 4), (2, 5, 8, 3)))


@pytest.mark.parametrize("convolve", [convolve_native, convolve_patches])
def test_sequences(problem, equals_the_native_one, convolve):
    equals_the_native_one(convolve, *problem((5, 3, 4), (2, 7, 3)))


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="vectorises with JAX")
@pytest.mark.parametrize("way", WAYS)
def test_vectorised_over_kernels(problem, way):
    import jax

    inputs, kernel, upstream = problem((3, 3, 3, 4), (2, 5, 7, 3))
    kernels = np.stack([kernel, -2 * kernel, kernel[::-1]])

    def loss(kernel, inputs, way):
        return ops.sum(convolve(inputs, kernel, way) * upstream)

    gradient = jax.grad(loss, argnums=(0, 1))
    results = jax.vmap(functools.partial(gradient, way=way), (0, None))(kernels, inputs)
    for index, one in enumerate(kernels):
        for found, expected in zip(results, gradient(one, inputs, "native"), strict=True):
            np.testing.assert_allclose(found[index], expected, rtol=1e-4, atol=1e-4)


def test_patches_are_float32_where_xla_compiles_for_a_cpu(monkeypatch):
    inputs, kernel = ops.ones((1, 4, 4, 2), "bfloat16"), ops.ones((3, 3, 2, 4), "bfloat16")
    for on_cpu, dtype in ((True, "float32"), (False, "bfloat16")):
        monkeypatch.setattr(backend, "is_xla_on_cpu", lambda answer=on_cpu: answer)
        assert ops.dtype(convolve(inputs, kernel, "patches")) == dtype


def test_the_fastest_way_depends_on_device_and_shape(monkeypatch):
    monkeypatch.setattr(backend, "is_xla_on_cpu", lambda: True)
    assert fastest_way((None, 32, 32, 3), 3, "float32") == "patches"
    assert fastest_way((None, 4, 4, 64), 3, "float32") == "patches"
    assert fastest_way((None, 8, 8, 64), 3, "bfloat16") == "winograd"
    assert fastest_way((None, 8, 8, 64), 3, "float16") == "mixed"
    assert fastest_way((None, 8, 8, 64), 5, "float32") == "mixed"
    assert fastest_way((None, None, None, 64), 3, "float32") == "mixed"
    assert fastest_way((None, 500, 64), 5, "float32") == "patches"
    monkeypatch.setattr(backend, "is_xla_on_cpu", lambda: False)
    assert fastest_way((None, 8, 8, 64), 3, "float32") == "native"
    assert fastest_way((None, 500, 64), 5, "float32") == "native"
