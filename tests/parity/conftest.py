"""These tests run on whatever backend is active, within limits of time that suit all three."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

REFERENCE = Path(__file__).resolve().parents[2] / "benchmarks" / "_reference.py"


@pytest.fixture(scope="session")
def reference():
    """The step in float64 NumPy, as `benchmarks/backends.py` has it."""
    if not REFERENCE.is_file():
        pytest.skip("needs the folder benchmarks beside the tests")
    spec = importlib.util.spec_from_file_location("reference", REFERENCE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def with_gradient_of():
    """`with_gradient_of(function, weights)` makes `call(images, *rest)`.

    It gives `function(images, *rest)` and the gradient of `<function(images, *rest), weights>` to
    the images, compiled where the backend compiles.
    """
    from keras import ops

    from keras_isa import backend
    from keras_isa.arrays import to_numpy

    engine = backend.current()

    def made(function, weights):
        def loss(arrays, *rest):
            result = function(arrays[0], *rest)
            return ops.sum(result * ops.convert_to_tensor(weights)), result

        compiled = engine.compiled(engine.value_and_grad(loss))

        def call(images, *rest):
            (_, result), (gradient,) = compiled([engine.to_device(np.asarray(images))], *rest)
            return to_numpy(result), to_numpy(gradient)

        return call

    return made
