"""Networks that train together: the same numbers as NumPy, and as one at a time."""

import dataclasses
import math
import time
from functools import partial

import keras
import numpy as np
import pytest
from keras import ops

from keras_isa import backend
from keras_isa.evaluation import Recipe, Students, dc_recipe, inference, protocols, students
from keras_isa.inputs.arrays import to_numpy
from keras_isa.layers.evaluation_augmentation import EvaluationAugmentation
from keras_isa.layers.siamese_augmentation import SiameseAugmentation
from keras_isa.models import ensemble
from keras_isa.ops.random import KeySequence

SHAPE = (3, 3, 1)
CLASSES = 3
PLAIN = Recipe(width=2, steps=7, warmup_steps=3, learning_rate=0.05, augmentation=())


def a_set(rows=6, seed=0, shape=SHAPE, sets=()):
    rng = np.random.default_rng(seed)
    images = rng.normal(size=(*sets, rows, *shape)).astype("float32")
    labels = rng.normal(size=(*sets, rows, CLASSES)).astype("float32")
    return images, labels


def weights_of(group, index):
    return [to_numpy(value) for value in group._networks.read(index).weights]


def rate_at(step, recipe, steps):
    """The learning rate as the protocol words it."""
    warmup = min(recipe.warmup_steps, steps // 2)
    if step < warmup:
        return recipe.learning_rate * step / warmup
    done = min(1.0, (step - warmup) / (steps - warmup))
    return recipe.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done)))


def train_in_numpy(kernel, bias, images, labels, recipe):
    """Adam on half the squared error of a linear model, batches walked through in order."""
    values = [np.array(kernel, "float64"), np.array(bias, "float64")]
    first, second = ([np.zeros_like(value) for value in values] for _ in range(2))
    pixels, labels = images.reshape(len(images), -1).astype("float64"), labels.astype("float64")
    size = min(recipe.batch_size, len(pixels))
    for step in range(recipe.steps):
        rows = [(step * size + k) % len(pixels) for k in range(size)]
        x, residual = pixels[rows], pixels[rows] @ values[0] + values[1] - labels[rows]
        for k, gradient in enumerate((x.T @ residual / size, residual.mean(axis=0))):
            first[k] = 0.9 * first[k] + 0.1 * gradient
            second[k] = 0.999 * second[k] + 0.001 * gradient**2
            mean = first[k] / (1 - 0.9 ** (step + 1))
            deviation = np.sqrt(second[k] / (1 - 0.999 ** (step + 1)))
            values[k] -= rate_at(step, recipe, recipe.steps) * mean / (deviation + 1e-8)
    return values


@pytest.mark.parametrize("batch_size", [500, 4])
@pytest.mark.parametrize("sets", [(), (3,)], ids=["one set", "a set for each"])
def test_linear_networks_train_as_in_numpy(network, batch_size, sets):
    recipe = Recipe(
        steps=8, warmup_steps=3, learning_rate=0.05, batch_size=batch_size, augmentation=()
    )
    group = Students(6, SHAPE, CLASSES, recipe, repeats=3, network=network)
    images, labels = a_set(sets=sets)
    group._reset(5)
    starts = [weights_of(group, index) for index in range(3)]
    group.train(images, labels, seed=5)
    for index, (kernel, bias) in enumerate(starts):
        own = (images[index], labels[index]) if sets else (images, labels)
        expected = train_in_numpy(kernel, bias, *own, recipe)
        moved = np.abs(expected[0] - kernel).max()
        assert moved > 0.05
        for value, wanted in zip(weights_of(group, index), expected, strict=True):
            np.testing.assert_allclose(value, wanted, rtol=0, atol=2e-5)


def train_by_dc_in_numpy(kernel, bias, images, labels, recipe, rows):
    """PyTorch's SGD on the cross-entropy of a linear model, for the rows of each step."""
    values = [np.array(kernel, "float64"), np.array(bias, "float64")]
    velocities = [0.0, 0.0]
    pixels = images.reshape(len(images), -1).astype("float64")
    truth = np.eye(CLASSES)[labels.argmax(axis=1)]
    for step, chosen in enumerate(rows):
        x = pixels[chosen]
        logits = x @ values[0] + values[1]
        softmax = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        residual = (softmax - truth[chosen]) / len(chosen)
        rate = recipe.learning_rate / (1 if step < recipe.steps / 2 else 10)
        for k, gradient in enumerate((x.T @ residual, residual.sum(axis=0))):
            gradient = gradient + recipe.weight_decay * values[k]
            velocities[k] = recipe.momentum * velocities[k] + gradient
            values[k] = values[k] - rate * velocities[k]
    return values


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("batch_size", [256, 4])
def test_linear_networks_train_by_dc_as_in_numpy(network, batch_size, shuffle):
    recipe = dc_recipe(
        **{"steps": 7, "learning_rate": 0.1, "weight_decay": 0.1, "batch_size": batch_size},
        **{"augmentation": (), "shuffle": shuffle},
    )
    group = Students(6, SHAPE, CLASSES, recipe, repeats=3, network=network)
    images, labels = a_set()
    group._reset(5)
    starts = [weights_of(group, index) for index in range(3)]
    keys = KeySequence(to_numpy(group._order.state))
    for _ in range(2):  # nothing of the first training is left in the second
        group.train(images, labels, seed=5)
    size, seen = min(6, batch_size), []
    for index, (kernel, bias) in enumerate(starts):
        rows = np.arange(7 * size).reshape(7, size) % 6
        if shuffle and size < 6:
            key = keys.next()
            steps = [ops.convert_to_tensor(step) for step in range(7)]
            rows = np.stack([to_numpy(protocols.shuffled_rows(key, k, 6, size)) for k in steps])
        seen.append(rows.tobytes())
        expected = train_by_dc_in_numpy(kernel, bias, images, labels, recipe, rows)
        assert np.abs(expected[0] - kernel).max() > 0.05
        for value, wanted in zip(weights_of(group, index), expected, strict=True):
            np.testing.assert_allclose(value, wanted, rtol=0, atol=2e-5)
    assert len(set(seen)) == (3 if shuffle and size < 6 else 1)


def test_convolutional_networks_side_by_side_equal_one_at_a_time(monkeypatch):
    shape = (4, 4, 1)
    images, labels = a_set(shape=shape, sets=(3,))
    group = Students(6, shape, CLASSES, PLAIN, repeats=3)
    group._reset(2)
    starts = [weights_of(group, index) for index in range(3)]
    group.train(images, labels, seed=2)
    single = Students(6, shape, CLASSES, PLAIN, repeats=1)
    for index, start in enumerate(starts):
        given = [value[None] for value in start]
        monkeypatch.setattr(ensemble, "stack_draws", lambda *_, given=given: (given, []))
        single.train(images[index], labels[index], seed=9)
        for one, other, was in zip(
            weights_of(single, 0), weights_of(group, index), start, strict=True
        ):
            np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)
            assert np.abs(one - was).max() > 1e-3
    assert not np.allclose(weights_of(group, 0)[0], weights_of(group, 1)[0])


in_order = protocols.rows_in_order


def drawn_by_arithmetic(augmentation, count, key):
    start = ops.cast(ops.mod(key[0], 997) + ops.mod(key[1], 991), "float32") / 2000
    unit = ops.mod(start + 0.17 * ops.arange(3 * count, dtype="float32"), 1.0)
    names = augmentation.operations
    pick = ops.floor(start * len(names))
    active = {name: ops.cast(pick == place, "float32") for place, name in enumerate(names)}
    return active, ops.reshape(unit, (3, count))


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(width=3, depth=2, steps=5, warmup_steps=0, learning_rate=0.01),
        dc_recipe(width=3, depth=2, steps=5, batch_size=4, learning_rate=0.1),
    ],
    ids=["frepo", "dc"],
)
def test_all_at_once_one_by_one_and_in_threads_are_the_same(recipe, monkeypatch):
    shape = (8, 8, 1)
    images, labels = a_set(shape=shape, sets=(2,))
    if keras.backend.backend() == "tensorflow":  # XLA draws other numbers than TensorFlow
        for layer in (EvaluationAugmentation, SiameseAugmentation):
            monkeypatch.setattr(layer, "draw", drawn_by_arithmetic)
        monkeypatch.setattr(protocols, "shuffled_rows", lambda _, *size: in_order(*size))
    ways = [(True, False), (False, False)]
    if keras.backend.backend() == "jax":
        ways.append((False, True))
    found = []
    for at_once, threads in ways:
        monkeypatch.setattr(
            backend.current(), "side_by_side", lambda *_, answer=at_once, **__: answer
        )
        monkeypatch.setattr(backend, "computes_in_threads", lambda answer=threads: answer)
        group = Students(6, shape, CLASSES, recipe, repeats=2)
        assert (group._network is group._reader) is not at_once
        said = []
        for _ in range(2):  # nothing of the first training is left in the second
            group.train(images, labels, seed=3, progress=said.append)
        assert said[-1] == recipe.steps
        found.append(
            [np.concatenate([value.ravel() for value in weights_of(group, i)]) for i in (0, 1)]
        )
    for others in found[1:]:
        for one, other in zip(found[0], others, strict=True):
            np.testing.assert_allclose(one, other, rtol=0, atol=1e-4)
    assert not np.allclose(*found[0], atol=1e-2)


def test_nothing_is_compiled_twice():
    recipe = Recipe(width=3, depth=1, steps=5, warmup_steps=0)
    group = Students(6, (4, 4, 1), CLASSES, recipe, repeats=2)
    group.start(*a_set(shape=(4, 4, 1)))
    seconds = []
    for count in (1, 2, 3):
        began = time.perf_counter()
        list(group._train([count]))
        to_numpy(group._step)
        seconds.append(time.perf_counter() - began)
    # Only PyTorch has nothing to compile in the first call.
    assert max(seconds[1:]) < max(1.0, seconds[0] / 2)


def test_networks_with_little_to_do_are_vectorised_on_a_cpu(monkeypatch):
    engine = backend.current()
    monkeypatch.setattr(engine, "has_accelerator", lambda: False)
    assert [engine.side_by_side(pixels, known=True) for pixels in (1000, 1001)] == [True, False]
    # Any layers of a user: JAX vectorises them all.
    assert engine.side_by_side(1000, known=False) == (keras.backend.backend() == "jax")
    if keras.backend.backend() != "torch":
        monkeypatch.setattr(engine, "has_accelerator", lambda: True)
        assert engine.side_by_side(1001, known=False)


def test_fresh_weights_by_seed(network, monkeypatch):
    monkeypatch.setattr(students, "_STEPS_PER_CALL", 3)
    monkeypatch.setattr(backend, "computes_in_threads", lambda: False)
    group = Students(6, SHAPE, CLASSES, PLAIN, repeats=2, network=network)
    images, labels = a_set()
    seen, runs = [], []
    for seed in (4, 4, 5):
        group.train(images, labels, seed=seed, progress=seen.append)
        runs.append([weights_of(group, index) for index in range(2)])
    assert seen == [3, 6, 7] * 3
    # Nothing is left of an earlier training: neither weights nor Adam's moments nor the step.
    for one, other in zip(runs[0], runs[1], strict=True):
        np.testing.assert_array_equal(one[0], other[0])
    assert not np.allclose(runs[0][0][0], runs[2][0][0])
    assert not np.allclose(runs[0][0][0], runs[0][1][0])


def test_every_network_has_its_own_augmentation(network, monkeypatch):
    monkeypatch.setattr(backend, "computes_in_threads", lambda: False)
    start = [np.full((9, 3), 0.1, "float32"), np.zeros(3, "float32")]
    given = [np.stack([value] * 3) for value in start]
    monkeypatch.setattr(ensemble, "stack_draws", lambda *_: (given, []))
    images, labels = a_set()
    for operations in ((), ("translate", "cutout")):
        recipe = Recipe(steps=4, warmup_steps=0, learning_rate=0.1, augmentation=operations)
        group = Students(6, SHAPE, CLASSES, recipe, repeats=3, network=network)
        group.train(images, labels, seed=0)
        kernels = [weights_of(group, index)[0] for index in range(3)]
        for one, other in ((0, 1), (1, 2), (0, 2)):
            same = np.allclose(kernels[one], kernels[other], atol=1e-6)
            assert same == (operations == ())


def test_state_of_normalisation_is_carried_and_used():
    def build():
        inputs = keras.Input(SHAPE)
        normalised = keras.layers.BatchNormalization(momentum=0.5)(inputs)
        features = keras.layers.Flatten()(normalised)
        return keras.Model(inputs, [keras.layers.Dense(CLASSES)(features), features])

    images, labels = a_set()
    images = images * 2 + 3
    group = Students(6, SHAPE, CLASSES, PLAIN, repeats=2, network=build)
    group.train(images, labels)
    for index in range(2):
        weights, state, _ = group._networks.read(index)
        left = 0.5**PLAIN.steps  # of the first statistics, 0 and 1
        _, features = group._logits_and_features(weights, state, images)
        mean, variance, gamma, beta = map(to_numpy, (*state, *weights[:2]))
        np.testing.assert_allclose(mean, (1 - left) * images.mean(), rtol=1e-4)
        np.testing.assert_allclose(variance, left + (1 - left) * images.var(), rtol=1e-3)
        expected = (images - mean) * gamma / np.sqrt(variance + 1e-3) + beta
        np.testing.assert_allclose(
            to_numpy(features), expected.reshape(6, -1), rtol=1e-4, atol=1e-4
        )


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("size", [1, 8, 19])
def test_accuracies_are_those_of_numpy(network, monkeypatch, size, flip):
    monkeypatch.setattr(inference, "CHUNK", 8)
    group = Students(6, SHAPE, CLASSES, PLAIN, repeats=3, network=network)
    images, labels = a_set(sets=(3,))
    group.train(images, labels, seed=1)
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(size, *SHAPE)).astype("float32"), rng.integers(0, CLASSES, size)
    ridge = 0.1
    found = group.accuracies(10 * x, y, lambda pixels: pixels / 10, ridge, flip)

    def features_of(pixels):
        flat = pixels.reshape(len(pixels), -1).astype("float64")
        return np.concatenate([flat, 2 * flat[:, :1]], axis=1)

    for index in range(3):
        kernel, bias = weights_of(group, index)
        guesses = (x.reshape(size, -1) @ kernel + bias).argmax(axis=1)
        assert found[0][index] == np.mean(guesses == y)
        own, taught = features_of(images[index]), labels[index].astype("float64")
        if flip:
            own = np.concatenate([own, features_of(images[index][:, :, ::-1])])
            taught = np.concatenate([taught, taught])
        gram = own @ own.T
        gram += ridge * np.trace(gram) / len(own) * np.eye(len(own))
        guesses = features_of(x) @ own.T @ np.linalg.solve(gram, taught)
        assert found[1][index] == np.mean(guesses.argmax(axis=1) == y)
    if size == 19:
        assert len(set(found[0])) > 1 or len(set(found[1])) > 1  # the networks do differ


@pytest.mark.parametrize("kept", [False, True])
def test_a_recipe_joins_the_mirror_images(network, kept):
    recipe = dataclasses.replace(PLAIN, flip=True, batch_size=5)
    images, labels = a_set(sets=(2,))
    joined = Students(6, SHAPE, CLASSES, recipe, repeats=2, network=network)
    joined.train(images, labels, seed=1)
    by_hand = dataclasses.replace(recipe, flip=False)
    twice = Students(12, SHAPE, CLASSES, by_hand, repeats=2, network=network)
    mirrored = np.concatenate([images, images[:, :, :, ::-1]], axis=1)
    twice.train(mirrored, np.concatenate([labels, labels], axis=1), seed=1)
    for index in range(2):
        for one, other in zip(weights_of(joined, index), weights_of(twice, index), strict=True):
            np.testing.assert_allclose(one, other, atol=1e-6)
    # The regression has mirror images only where it is told to.
    plain = Students(6, SHAPE, CLASSES, by_hand, repeats=2, network=network)
    x, y = np.random.default_rng(5).normal(size=(30, *SHAPE)).astype("float32"), np.arange(30) % 3
    for group in (joined, plain):
        group.start(images, labels, seed=1)
    found = [group.accuracies(x, y, np.asarray, 0.1, flip=kept)[1] for group in (joined, plain)]
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("repeats", [0, -1, 1.5, True, "3"])
def test_repeats_must_be_positive(repeats, network):
    with pytest.raises(ValueError, match="`repeats` must be a positive integer"):
        Students(6, SHAPE, CLASSES, PLAIN, repeats=repeats, network=network)


def test_a_network_that_does_not_fit_is_refused():
    def three_outputs():
        inputs = keras.Input(SHAPE)
        features = keras.layers.Flatten()(inputs)
        return keras.Model(inputs, [keras.layers.Dense(7)(features), features])

    with pytest.raises(ValueError, match="must give logits"):
        Students(6, SHAPE, CLASSES, PLAIN, network=three_outputs)


def test_random_features_without_training(network):
    images, labels = a_set()
    group = Students(6, SHAPE, CLASSES, PLAIN, repeats=2, network=network)
    group.start(images, labels, seed=3)
    first = weights_of(group, 0)
    scores = group.accuracies(images, labels.argmax(axis=1), np.asarray, 1e-6)
    for one, other in zip(weights_of(group, 0), first, strict=True):
        np.testing.assert_array_equal(one, other)
    group.train(images, labels, seed=3)
    assert not np.array_equal(weights_of(group, 0)[0], first[0])
    # Six images of nine pixels: the regression reproduces what it was fitted on.
    np.testing.assert_array_equal(scores[1], [1.0, 1.0])


def test_programs_are_compiled_for_the_format_of_the_networks(monkeypatch):
    monkeypatch.setattr(backend, "computes_in_threads", lambda: False)
    asked, engine = {"looped": [], "compiled": []}, backend.current()

    def recorded(name, make, function, *arguments, dtype="unasked", **options):
        asked[name].append(dtype)
        return make(function, *arguments, dtype=dtype, **options)

    for name in asked:
        monkeypatch.setattr(engine, name, partial(recorded, name, getattr(engine, name)))
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        Students(6, SHAPE, CLASSES, PLAIN, repeats=1)
    finally:
        keras.config.set_dtype_policy("float32")
    # `looped` compiles by itself, and what infers comes last.
    assert asked["looped"] == ["bfloat16"] and asked["compiled"][-1] == "bfloat16"
