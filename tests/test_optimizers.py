"""Optimizers against their written-out rules, and against PyTorch's own."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_isa.inputs.arrays import to_numpy
from keras_isa.optimizers import SGD, AdaBelief, Adam, Lamb, averages_of

RATES = [0.1, 0.1, 0.01, 0.01, 0.01]
RNG = np.random.default_rng(0)
START = RNG.normal(size=(2, 3)).astype("float32")
GRADIENTS = RNG.normal(size=(len(RATES), 2, 3)).astype("float32")


def weights_by(optimizer):
    variable = keras.Variable(START)
    found = []
    for gradient in GRADIENTS:
        optimizer.apply([ops.convert_to_tensor(gradient)], [variable])
        found.append(to_numpy(variable))
    return found


def sgd(momentum, weight_decay):
    rate = keras.optimizers.schedules.PiecewiseConstantDecay([1], [0.1, 0.01])
    return SGD(rate, momentum=momentum, weight_decay=weight_decay)


@pytest.mark.parametrize(("momentum", "decay"), [(0.9, 0.2), (0.9, 0.0), (0.0, 0.2), (0.0, None)])
def test_sgd_is_that_of_numpy(momentum, decay):
    weight, velocity = START.astype("float64"), 0.0
    for found, gradient, rate in zip(
        weights_by(sgd(momentum, decay)), GRADIENTS, RATES, strict=True
    ):
        velocity = momentum * velocity + gradient + (decay or 0.0) * weight
        weight = weight - rate * velocity
        np.testing.assert_allclose(found, weight, rtol=0, atol=1e-6)


def test_sgd_is_that_of_pytorch():
    torch = pytest.importorskip("torch")
    weight = torch.nn.Parameter(torch.tensor(START))
    optimizer = torch.optim.SGD([weight], lr=0.1, momentum=0.9, weight_decay=0.2)
    for found, gradient, rate in zip(weights_by(sgd(0.9, 0.2)), GRADIENTS, RATES, strict=True):
        optimizer.param_groups[0]["lr"] = rate
        weight.grad = torch.tensor(gradient)
        optimizer.step()
        np.testing.assert_allclose(found, weight.detach().numpy(), rtol=0, atol=1e-6)


def test_sgd_comes_back_from_its_configuration():
    config = keras.saving.serialize_keras_object(sgd(0.9, 0.2))
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is SGD
    for one, other in zip(weights_by(again), weights_by(sgd(0.9, 0.2)), strict=True):
        np.testing.assert_array_equal(one, other)


def test_adabelief_is_that_of_numpy():
    weight, mean, spread = START.astype("float64"), 0.0, 0.0
    rate = keras.optimizers.schedules.PiecewiseConstantDecay([1], [0.1, 0.01])
    found = weights_by(AdaBelief(rate))
    for step, (one, gradient) in enumerate(zip(found, GRADIENTS, strict=True), start=1):
        mean = 0.9 * mean + 0.1 * gradient
        spread = 0.999 * spread + 0.001 * (gradient - mean) ** 2 + 1e-16
        root = np.sqrt(spread / (1 - 0.999**step))
        weight = weight - RATES[step - 1] * mean / (1 - 0.9**step) / root
        np.testing.assert_allclose(one, weight, rtol=1e-4, atol=1e-5)
    assert AdaBelief.from_config(AdaBelief(0.5, beta_1=0.8).get_config()).beta_1 == 0.8


@pytest.mark.parametrize("kind", [SGD, AdaBelief, Adam, Lamb])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_averages_weigh_every_step_as_if_there_had_been_no_start(kind, momentum):
    optimizer = kind(0.1, use_ema=True, ema_momentum=momentum)
    variable = keras.Variable(START)
    values = []
    for number, gradient in enumerate(GRADIENTS, start=1):
        optimizer.apply([ops.convert_to_tensor(gradient)], [variable])
        values.append(to_numpy(variable).astype("float64"))
        weights = momentum ** np.arange(number - 1.0, -1.0, -1.0)
        wanted = np.tensordot(weights / weights.sum(), values, axes=1)
        np.testing.assert_allclose(to_numpy(averages_of(optimizer)[0]), wanted, atol=1e-6)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(optimizer))
    assert type(again) is kind and again.ema_momentum == momentum
