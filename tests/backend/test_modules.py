"""Every backend offers the same names, with the same meaning."""

import ast
from pathlib import Path

import keras
import numpy as np
from keras import ops

from keras_isa import backend
from keras_isa.inputs.arrays import to_numpy

FOLDER = Path(backend.__file__).parent
# Only JAX can compile ahead, for `plan` and measurements.
JAX_ALONE = {"compiled_ahead", "stateless", "test_call", "train_call", "wait"}


def offered(name):
    """Public names in the source of a module, whose framework may not be installed."""
    found = set()
    for node in ast.parse((FOLDER / f"{name}.py").read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found.update(target.id for target in node.targets)
        elif isinstance(node, ast.ImportFrom) and node.module.startswith("keras_isa.backend."):
            found.update(alias.asname for alias in node.names if alias.asname == alias.name)
    return {one for one in found if not one.startswith("_")}


def test_every_backend_offers_the_same_names():
    first, *others = (offered(name) for name in backend.IMPLEMENTED)
    assert first >= JAX_ALONE and len(first) > 20
    for other in others:
        assert other == first - JAX_ALONE


# ---------------------------------------------------------------- and they mean the same


def test_a_gradient_comes_with_the_loss_and_is_zero_where_nothing_depends():
    def loss(arrays, factor):
        return ops.sum(factor * ops.square(arrays[0])), {"factor": factor}

    arrays = [ops.convert_to_tensor([1.0, -2.0]), ops.convert_to_tensor([5.0])]
    (value, aux), gradients = backend.current().value_and_grad(loss)(
        arrays, ops.convert_to_tensor(3.0)
    )
    assert float(value) == 15.0 and float(aux["factor"]) == 3.0
    assert [to_numpy(gradient).tolist() for gradient in gradients] == [[6.0, -12.0], [0.0]]


def test_a_matrix_without_a_cholesky_factor_raises_nothing():
    found = backend.current().cholesky(ops.convert_to_tensor([[4.0, 0.0], [0.0, 9.0]]))
    np.testing.assert_allclose(to_numpy(found), [[2.0, 0.0], [0.0, 3.0]], rtol=1e-6)
    found = backend.current().cholesky(ops.convert_to_tensor([[1.0, 2.0], [2.0, 1.0]]))
    assert not np.isfinite(to_numpy(found)).all()


def test_settings_can_be_written_down_and_are_the_same_the_next_time():
    first, second = (repr(backend.current().numeric_settings()) for _ in range(2))
    assert first == second and " at 0x" not in first


def test_products_of_16_bits_are_added_in_32():
    # In bfloat16 a sum of ones stays at 256.
    left, right = (ops.ones(shape, "bfloat16") for shape in ((1, 1000), (1000, 1)))
    found = backend.current().short_product(left, right)
    assert keras.backend.standardize_dtype(found.dtype) == "float32"
    assert float(to_numpy(found)[0, 0]) == 1000.0


def test_a_loop_takes_as_many_steps_as_it_is_told():
    total, count = (
        keras.Variable(value, dtype=dtype, trainable=False)
        for value, dtype in ((1.0, "float32"), (0, "int32"))
    )

    def step(amount):
        total.assign(total + amount)
        count.assign(count + 1)

    call = backend.current().looped(step, [total, count])
    for steps in (4, 0, 1):
        call(steps, ops.convert_to_tensor(0.5))
    assert float(to_numpy(total)) == 3.5 and int(to_numpy(count)) == 5
