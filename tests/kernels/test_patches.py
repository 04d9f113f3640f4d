"""Convolutions over shifted copies against the native one."""

import pytest

from keras_isa.kernels.patches import convolve_mixed, convolve_native, convolve_patches


@pytest.mark.parametrize("side", [1, 5])
@pytest.mark.parametrize("convolve", [convolve_native, convolve_patches, convolve_mixed])
def test_images(problem, equals_the_native_one, convolve, side):
    equals_the_native_one(convolve, *problem((side, side, 3, 4), (2, 5, 8, 3)))


@pytest.mark.parametrize("convolve", [convolve_native, convolve_patches])
def test_sequences(problem, equals_the_native_one, convolve):
    equals_the_native_one(convolve, *problem((5, 3, 4), (2, 7, 3)))
