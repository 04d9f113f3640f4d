"""The program of a step as an accelerator would get it, which needs none to be written."""

import re
from unittest import mock

import jax
import keras
import numpy as np
import pytest

from keras_isa import FRePoTrainer, backend
from keras_isa.layers import ZCAWhitening
from keras_isa.planning.trial import Trial
from keras_isa.presets import read_preset

pytestmark = pytest.mark.skipif(keras.backend.backend() != "jax", reason="programs of JAX")

PRODUCTS = "stablehlo.dot_general"
CONVOLUTIONS = "stablehlo.convolution"


def program(**changes):
    """Lines of the step of the published CIFAR-10 run, smaller, and the arrays of its state."""
    settings, about = read_preset("cifar10", 10)
    settings = settings.with_changes(width=4, batch_size=16, **changes)
    trial = Trial(
        FRePoTrainer,
        settings,
        about["image_shape"],
        10,
        rows=100,
        batch_size=16,
        placement="prepared",
    )
    arguments = trial._state(), *trial._data(trial._no_images())
    call = jax.jit(backend.current().train_call(trial.trainer), donate_argnums=0)
    lowered = call.trace(*arguments).lower(lowering_platforms=("cuda",))
    return lowered.as_text().splitlines(), jax.tree.leaves(arguments[0])


on_accelerator = mock.patch.object(backend.current(), "has_accelerator", lambda: True)


@pytest.fixture(scope="module")
def in_float32():
    with on_accelerator:
        return program()


def results_of(lines, operation):
    """Types of the numbers that an operation gives."""
    found = [line for line in lines if operation in line]
    return [re.search(r"-> tensor<[\dx]*x(\w+)>", line).group(1) for line in found]


def test_many_steps_in_one_program_without_python(in_float32):
    lines, state = in_float32
    # Each array of the state has a successor that can take its place.
    signature = next(line for line in lines if "@main" in line)
    assert signature.count("tf.aliasing_output") == len(state)
    # The steps, and the search for a ridge that suffices.
    assert sum("stablehlo.while" in line for line in lines) == 2
    # Nothing is called but the library that factorizes.
    calls = {match for line in lines for match in re.findall(r"custom_call @(\w+)", line)}
    assert calls == {"cusolver_potrf_ffi"}
    assert not any("f64" in line for line in lines)


def test_convolutions_are_those_of_the_device(in_float32):
    lines, _ = in_float32
    # Three layers: real images, the set and its gradient, the inner step and its two gradients,
    # of which the first layer's images need none.
    assert results_of(lines, CONVOLUTIONS) == ["f32"] * (3 * 6 - 1)


def test_whitening_is_not_rounded():
    images = np.random.default_rng(0).integers(0, 256, (9, 4, 4, 3)).astype("uint8")
    layer = ZCAWhitening().adapt(images)
    for function in (layer.call, layer.inverse):
        traced = jax.jit(function).trace(images)
        lines = traced.lower(lowering_platforms=("cuda",)).as_text().splitlines()
        products = [line for line in lines if PRODUCTS in line]
        assert len(products) == 2 and all("[HIGHEST, HIGHEST]" in line for line in products)


@on_accelerator
def test_in_bfloat16_all_but_the_regression():
    lines, _ = program(dtype_policy="mixed_bfloat16")
    assert set(results_of(lines, CONVOLUTIONS)) == {"bf16"}
    precise = [line for line in lines if PRODUCTS in line and "[HIGHEST, HIGHEST]" in line]
    # Four products of the regression, and five for its gradient.
    assert results_of(precise, PRODUCTS) == ["f32"] * 9
    solved = [line for line in lines if "triangular_solve" in line or "cusolver" in line]
    assert solved and not any("bf16" in line for line in solved)
