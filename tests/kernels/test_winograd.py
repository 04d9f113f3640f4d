"""Convolutions over Winograd's tiles."""

import pytest
from keras import ops

from keras_isa import backend
from keras_isa.kernels import winograd
from keras_isa.kernels.winograd import convolve_winograd


@pytest.mark.parametrize("sides", [(4, 6), (5, 3), (1, 2)])
def test_images_of_even_and_odd_sides(problem, equals_the_native_one, sides):
    equals_the_native_one(convolve_winograd, *problem((3, 3, 3, 4), (2, *sides, 3)))


def test_a_kernel_of_a_longer_format_keeps_it_in_its_gradient(problem, value_and_gradients):
    inputs, kernel, upstream = problem((3, 3, 3, 4), (2, 5, 7, 3))
    half = ops.cast(inputs, "bfloat16")
    found = value_and_gradients(convolve_winograd, half, kernel, upstream=upstream)
    assert [ops.dtype(array) for array in found] == ["float32", "bfloat16", "float32"]


def test_it_takes_sixteen_products_and_both_of_its_gradients_do(
    problem, value_and_gradients, monkeypatch
):
    calls = []

    def counted(left, right, dtype):
        calls.append(left.shape)
        return ops.matmul(left, right)

    monkeypatch.setattr(winograd, "product", counted)
    inputs, kernel, upstream = problem((3, 3, 3, 4), (2, 4, 4, 3))
    value_and_gradients(convolve_winograd, inputs, kernel, upstream=upstream)
    assert len(calls) == 3 * 16
    calls.clear()
    with backend.freely_differentiable():
        value_and_gradients(convolve_winograd, inputs, kernel, upstream=upstream)
    assert len(calls) == 16
