"""The spaces of published sets, against their formulas in float64."""

import numpy as np
import pytest

from keras_isa.asset.foreign import spaces
from keras_isa.inputs.arrays import to_numpy

BOUNDS = (0.0, 255.0)


@pytest.fixture(scope="module")
def x():
    rng = np.random.default_rng(1)
    smooth = rng.normal(0, 40, (200, 4, 4, 3)).cumsum(axis=1)
    return np.clip(120 + smooth, 0, 255).astype("uint8")


@pytest.mark.parametrize("fit", spaces.SPACES.values())
def test_every_space_has_a_way_back(x, fit):
    layer, words = fit(x, BOUNDS)
    np.testing.assert_allclose(to_numpy(layer.inverse(layer(x))), x, atol=0.05)
    assert words


def test_rfad_whitens_by_second_moments_about_zero(x):
    flat = x.reshape(-1, 3).astype("float64")
    z = ((x - flat.mean(axis=0)) / flat.std(axis=0, ddof=1)).reshape(len(x), -1)
    moments = z.T @ z / len(x)
    ridge = 0.1 * np.trace(moments) / len(moments)
    values, vectors = np.linalg.eigh(moments + ridge * np.eye(len(moments)))
    wanted = z @ (vectors / np.sqrt(values)) @ vectors.T
    found = to_numpy(spaces.whitened_by_rfad(x, BOUNDS).layer(x)).reshape(len(x), -1)
    np.testing.assert_allclose(found, wanted, atol=2e-4)


@pytest.mark.parametrize("constant", [False, True])
def test_kornia_adds_its_epsilon_to_variances_of_pixels_from_0_to_1(x, constant):
    x = x.copy()
    if constant:  # a direction without variance
        x[:, 0, 0] = 7
    z = x.reshape(len(x), -1) / 255
    centred = z - z.mean(axis=0)
    values, vectors = np.linalg.eigh(centred.T @ centred / (len(x) - 1))
    wanted = centred @ (vectors / np.sqrt(np.maximum(values, 0) + 0.1)) @ vectors.T
    found = to_numpy(spaces.whitened_by_kornia(x, BOUNDS).layer(x)).reshape(len(x), -1)
    np.testing.assert_allclose(found, wanted, atol=2e-4)


def test_constants_of_dc_are_taken_for_the_data_that_they_are_for():
    mean, deviation = np.array([0.4914, 0.4822, 0.4465]), np.array([0.2470, 0.2435, 0.2616])
    rng = np.random.default_rng(0)
    x = 255 * (mean + deviation * rng.choice([-1, 1], (2000, 2, 2, 3)))
    layer, words = spaces.mean_and_deviation(x.astype("float32"), BOUNDS)
    assert "CIFAR-10" in words
    black = to_numpy(layer(np.zeros((1, 2, 2, 3), "float32")))[0, 0, 0]
    # The least value of published files, -2.43.
    np.testing.assert_allclose(black, -mean / [0.2023, 0.1994, 0.2010], rtol=1e-5)
    # In units from 0 to 1 it is the same space.
    layer, words = spaces.mean_and_deviation((x / 255).astype("float32"), (0.0, 1.0))
    np.testing.assert_allclose(to_numpy(layer(np.zeros((1, 2, 2, 3))))[0, 0, 0], black, rtol=1e-5)
    layer, words = spaces.mean_and_deviation((x / 2).astype("float32"), BOUNDS)
    assert "measured" in words


def test_grey_images_of_frepo_are_standardised(x):
    assert "standardised" in spaces.whitened_by_frepo(x[..., :1], BOUNDS).words
    assert "whitened" in spaces.whitened_by_frepo(x, BOUNDS).words
