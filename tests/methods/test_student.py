"""A student's steps on a set."""

import keras
import numpy as np
import pytest

from keras_isa import backend
from keras_isa.inputs.arrays import to_numpy
from keras_isa.methods.student import Student, flattened, unflattened
from keras_isa.models import ConvNet
from keras_isa.models.recorded_network import RecordedNetwork

IDS = np.array([0, 1, 0, 1])
X = np.random.default_rng(0).normal(size=(4, 3))


def build():
    inputs = keras.Input((3,))
    features = keras.layers.Dense(4, activation="tanh")(inputs)
    return keras.Model(inputs, [keras.layers.Dense(2)(features), features])


def made(**options):
    network = RecordedNetwork(build, (3,), 2)
    options = {"steps": 3, "batch_size": None, "augmentation": (), **options}
    return Student(network, IDS, 2, **options)


def exact(start, x, rate, rows):
    """Weights after SGD, in float64 NumPy."""
    weights = start.copy()
    for chosen in rows:
        a, b, c, d = weights[:12].reshape(3, 4), weights[12:16], weights[16:24], weights[24:]
        hidden = np.tanh(x[chosen] @ a + b)
        logits = hidden @ c.reshape(4, 2) + d
        share = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        error = (share - np.eye(2)[IDS[chosen]]) / len(chosen)
        back = error @ c.reshape(4, 2).T * (1 - hidden**2)
        gradient = [x[chosen].T @ back, back.sum(axis=0), hidden.T @ error, error.sum(axis=0)]
        weights = weights - rate * np.concatenate([one.reshape(-1) for one in gradient])
    return weights


@pytest.mark.parametrize("batch_size", [None, 2])
def test_steps_and_gradient_are_those_of_numpy(batch_size):
    student = made(batch_size=batch_size)
    draws = student.draw(keras.random.SeedGenerator(3))
    rows = to_numpy(draws.rows)
    start = np.random.default_rng(1).normal(size=26)
    upstream = np.random.default_rng(2).normal(size=26)
    tensor = [keras.ops.convert_to_tensor(one.astype("float32")) for one in (start, X, upstream)]
    rate = keras.ops.convert_to_tensor(0.5)
    end, history = student.train(tensor[0], tensor[1], rate, draws)
    np.testing.assert_allclose(to_numpy(end), exact(start, X, 0.5, rows), rtol=1e-3, atol=1e-5)
    of_images, of_rate = student.pull_back(history, tensor[2], tensor[1], rate, draws)
    along = np.random.default_rng(4).normal(size=X.shape)
    ends = [exact(start, X + h * along, 0.5, rows) @ upstream for h in (1e-6, -1e-6)]
    assert np.sum(to_numpy(of_images) * along) == pytest.approx(
        (ends[0] - ends[1]) / 2e-6, rel=2e-3
    )
    ends = [exact(start, X, 0.5 + h, rows) @ upstream for h in (1e-6, -1e-6)]
    assert float(to_numpy(of_rate)) == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=2e-3)


def test_parts_of_the_set_are_passes_through_it():
    rows = to_numpy(made(steps=4, batch_size=2).draw(keras.random.SeedGenerator(0)).rows)
    assert rows.shape == (4, 2)
    for start in (0, 2):
        assert sorted(rows[start : start + 2].reshape(-1)) == [0, 1, 2, 3]
    whole = to_numpy(made(steps=2, batch_size=9).draw(keras.random.SeedGenerator(0)).rows)
    np.testing.assert_array_equal(whole, [[0, 1, 2, 3]] * 2)


def test_every_step_augments_anew_and_the_same_draws_repeat():
    images = np.random.default_rng(0).normal(size=(4, 8, 8, 1)).astype("float32")

    def network():
        inputs = keras.Input((8, 8, 1))
        features = keras.layers.Flatten()(inputs)
        return keras.Model(inputs, [keras.layers.Dense(2)(features), features])

    student = Student(
        RecordedNetwork(network, (8, 8, 1), 2), IDS, 2,
        steps=2, batch_size=None, augmentation=("crop", "rotate"),
    )  # fmt: skip
    draws = student.draw(keras.random.SeedGenerator(0))
    start = keras.ops.zeros(sum(int(np.prod(v.shape)) for v in student.network.weights))
    about = keras.ops.convert_to_tensor(images), keras.ops.convert_to_tensor(1.0), draws
    first, again, other = (
        to_numpy(student.step(start, keras.ops.convert_to_tensor(n, "int32"), *about))
        for n in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


def test_a_vector_becomes_weights():
    student = made()
    parts = unflattened(keras.ops.arange(26), student.network.weights)
    assert [tuple(one.shape) for one in parts] == [(3, 4), (4,), (4, 2), (2,)]
    assert int(to_numpy(parts[2])[0, 0]) == 16
    np.testing.assert_array_equal(to_numpy(flattened(parts)), np.arange(26))


def test_the_gradient_through_convolutions_is_that_of_the_whole_program():
    """Backwards step by step, and as one function of all steps."""
    student = Student(
        RecordedNetwork(lambda: ConvNet((8, 8, 1), 2, width=3, depth=2, normalization="instance"),
                        (8, 8, 1), 2), IDS, 2,
        steps=3, batch_size=2, augmentation=("color", "crop", "rotate"),
    )  # fmt: skip
    draws = student.draw(keras.random.SeedGenerator(0))
    rng = np.random.default_rng(5)
    images = keras.ops.convert_to_tensor(rng.normal(size=(4, 8, 8, 1)).astype("float32"))
    weights, _ = student.network.draw(keras.random.SeedGenerator(1).next())
    start = keras.ops.concatenate([keras.ops.reshape(one, (-1,)) for one in weights])
    upstream = keras.ops.convert_to_tensor(rng.normal(size=start.shape).astype("float32"))
    rate = keras.ops.convert_to_tensor(0.1)

    def whole(arrays):
        with backend.freely_differentiable():
            weights = start
            for number in range(3):
                number = keras.ops.convert_to_tensor(number, "int32")
                weights = student.step(weights, number, *arrays, draws)
        return keras.ops.sum(weights * upstream), ()

    compiled = backend.current().compiled
    _, expected = compiled(backend.current().value_and_grad(whole))([images, rate])
    _, history = student.train(start, images, rate, draws)
    found = student.pull_back(history, upstream, images, rate, draws)
    for one, other in zip(found, expected, strict=True):
        size = np.abs(to_numpy(other)).max()
        np.testing.assert_allclose(to_numpy(one), to_numpy(other), atol=1e-3 * size)
