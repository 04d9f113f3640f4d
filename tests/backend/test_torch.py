"""What is special about PyTorch."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_isa import backend
from keras_isa.inputs.arrays import to_numpy
from keras_isa.optimizers import Adam

pytestmark = pytest.mark.skipif(keras.backend.backend() != "torch", reason="PyTorch alone")
RNG = np.random.default_rng(0)


def test_settings_are_put_back_after_an_error():
    import torch

    torch.set_default_dtype(torch.float64)
    threads = torch.get_num_threads()
    try:
        with pytest.raises(RuntimeError, match="stop"), backend.current().standard_settings():
            assert torch.get_default_dtype() is torch.float32
            raise RuntimeError("stop")
        assert torch.get_default_dtype() is torch.float64
    finally:
        torch.set_default_dtype(torch.float32)

    def step():
        assert torch.get_num_threads() == 1 and not torch.is_grad_enabled()
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        backend.current().looped(step, [], small=True)(1)
    assert torch.get_num_threads() == threads


def test_recorded_gradients_are_replayed_for_other_values():
    calls = []

    def loss(arrays, x):
        calls.append(1)
        return ops.sum(ops.square(arrays[0] * x)), ops.sum(x)

    call = backend.current().gradients_of_each(loss)
    for _ in range(2):
        weights, x = (RNG.normal(size=(3, 4)).astype("float32") for _ in range(2))
        ((gradient,), aux) = call([ops.convert_to_tensor(weights)], ops.convert_to_tensor(x))
        np.testing.assert_allclose(to_numpy(gradient), 2 * weights * x**2, rtol=1e-5)
        np.testing.assert_allclose(to_numpy(aux), x.sum(axis=1), rtol=1e-4)
    recorded = len(calls)
    call([ops.convert_to_tensor(weights)], ops.convert_to_tensor(x))
    assert len(calls) == recorded


def test_adam_of_pytorch_is_that_of_the_library():
    start = RNG.normal(size=(5,)).astype("float32")
    ours, theirs = (keras.Variable(start) for _ in range(2))
    first, second = (Adam(0.01) for _ in range(2))
    first.build([ours])
    second.build([theirs])
    for _ in range(3):
        gradient = ops.convert_to_tensor(RNG.normal(size=(5,)).astype("float32"))
        first.apply([gradient], [ours])
        backend.current().apply_adam(second, [gradient], [theirs])
    np.testing.assert_allclose(to_numpy(ours), to_numpy(theirs), rtol=1e-5)
    assert int(to_numpy(first.iterations)) == int(to_numpy(second.iterations)) == 3
