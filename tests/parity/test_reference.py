"""Losses, gradients and whole runs against float64 NumPy."""

import keras
import numpy as np
import pytest

from keras_isa import backend, ops
from keras_isa.inputs.arrays import to_numpy
from keras_isa.optimizers import Adam


@pytest.fixture(scope="module", params=[0, 1])
def errors(request, reference):
    return reference.errors(reference.problem(request.param))


@pytest.mark.parametrize("name", ["kernel loss", "label margin", "inner loss"])
def test_losses_of_the_first_step(errors, name):
    assert errors[f"{name}, first step"] < 1e-5


@pytest.mark.parametrize("name", ["images", "labels"])
def test_gradients_of_the_first_step(errors, name):
    assert errors[f"gradient of {name}"] < 1e-4


@pytest.mark.parametrize("name", ["kernel loss", "inner loss", "images", "labels", "weights"])
def test_twenty_steps_from_the_same_values(errors, name):
    assert errors[name] < 1e-3


def test_the_reference_would_notice_another_step(reference):
    """It is not the limits that let everything pass: other initial values, other result."""
    given, other = reference.problem(0), reference.problem(0)
    other["images"] = 1.01 * other["images"]
    run, reference_run = reference.trainer(other), reference.Run(given)
    x, y = given["batches"][0], given["classes"][0]
    loss = float(run.train_on_batch(x, y, return_dict=True)["loss"])
    assert abs(loss / reference_run.step(x, y)[0] - 1) > 1e-4


@pytest.mark.parametrize("trust", [True, False], ids=["lamb", "adam"])
def test_optimizers_are_those_of_their_papers(reference, trust):
    """A port that took another LAMB or another epsilon lost points; ten steps tell."""
    rng = np.random.default_rng(0)
    values = [rng.normal(size=shape) for shape in ((4, 3), (5,))]
    variables = [keras.Variable(value.astype("float32")) for value in values]
    kind, epsilon = (keras.optimizers.Lamb, 1e-6) if trust else (Adam, 1e-8)
    optimizer, expected = kind(0.01, epsilon=epsilon), reference.Adam(0.01, epsilon, trust)
    for _ in range(10):
        gradients = [rng.normal(size=value.shape) for value in values]
        given = [keras.ops.convert_to_tensor(g, dtype="float32") for g in gradients]
        optimizer.apply(given, variables)
        values = expected.apply(gradients, values)
    for variable, value in zip(variables, values, strict=True):
        np.testing.assert_allclose(to_numpy(variable), value, rtol=1e-5, atol=1e-6)


# Features for which the published ridge, or none, leaves float32 without a solution.
RNG = np.random.default_rng(0)
FEATURES = np.maximum(RNG.normal(size=(20, 64)), 0)
DEGENERATE = {
    "equal rows": np.repeat(FEATURES[:2], 10, axis=0),
    "constant": np.ones((20, 64)),
    "more rows than features": FEATURES[:, :5],
    "dead": np.zeros((20, 64)),
}


@pytest.mark.parametrize("regularization", [0.0, 1e-6])
@pytest.mark.parametrize("name", DEGENERATE)
def test_the_regression_is_finite_for(name, regularization):
    labels = np.eye(4)[np.arange(20) % 4] - 0.25

    def loss(arrays, targets):
        predictions = ops.kernel_regression(targets, *arrays, regularization)
        return keras.ops.mean(keras.ops.square(predictions)), predictions

    arrays = [DEGENERATE[name], labels, FEATURES[:, : DEGENERATE[name].shape[1]]]
    *arrays, targets = [keras.ops.convert_to_tensor(a, dtype="float32") for a in arrays]
    engine = backend.current()
    (value, predictions), gradients = engine.compiled(engine.value_and_grad(loss))(arrays, targets)
    assert all(np.isfinite(to_numpy(array)).all() for array in (value, predictions, *gradients))
    if name == "dead":
        np.testing.assert_array_equal(to_numpy(predictions), 0)


def test_a_ridge_that_suffices_is_left_alone():
    labels = np.random.default_rng(1).normal(size=(20, 3))
    for regularization in (1e-6, 1e-3, 1.0):
        found = to_numpy(ops.fit_kernel_regression(FEATURES, labels, regularization))
        kernel = FEATURES @ FEATURES.T
        ridge = regularization * np.trace(kernel) / 20
        expected = np.linalg.solve(kernel + ridge * np.eye(20), labels)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
