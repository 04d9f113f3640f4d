"""Loss, optimizer, schedule, augmentation and batches against the published protocols."""

import math

import keras
import numpy as np
import pytest
from keras import ops

from keras_isa.evaluation import Recipe, dc_recipe, protocols
from keras_isa.inputs.arrays import to_numpy
from keras_isa.layers import EvaluationAugmentation, SiameseAugmentation
from keras_isa.layers.siamese_augmentation import OPERATIONS
from keras_isa.optimizers import SGD, Adam

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(5, 3)).astype("float32")
LABELS = RNG.normal(size=(5, 3)).astype("float32")


@pytest.mark.parametrize("warmup,steps", [(500, 1000), (500, 2000), (500, 10), (0, 20), (500, 1)])
def test_warm_up_and_cosine(warmup, steps):
    recipe = Recipe(learning_rate=3e-4, warmup_steps=warmup)
    schedule = protocols.schedule_of(recipe, steps)
    risen = min(warmup, steps // 2)
    for step in sorted({0, 1, warmup // 2, warmup, steps // 2, steps - 1, steps}):
        done = min(1.0, (step - risen) / (steps - risen))
        fallen = 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done))
        expected = 3e-4 * (step / risen if step < risen else fallen)
        assert float(schedule(step)) == pytest.approx(expected, rel=1e-4, abs=1e-9)
    if 0 < warmup < steps:
        assert float(schedule(0)) == 0
        assert float(schedule(warmup)) == pytest.approx(3e-4)
    assert float(schedule(steps)) == pytest.approx(3e-6, rel=1e-4)


def test_a_schedule_may_end_before_the_training():
    recipe = Recipe(learning_rate=1e-4, warmup_steps=500, decay_steps=1000)
    whole, ended = protocols.schedule_of(recipe, 1000), protocols.schedule_of(recipe, 2500)
    for step in (0, 250, 500, 999):
        assert float(ended(step)) == pytest.approx(float(whole(step)), rel=1e-6)
    for step in (1000, 1001, 2499):
        assert float(ended(step)) == pytest.approx(1e-6, rel=1e-4)


@pytest.mark.parametrize("steps", [1, 2, 7, 8, 1000])
def test_a_tenth_of_the_rate_half_way(steps):
    schedule = protocols.schedule_of(dc_recipe(), steps)
    for step in sorted({0, steps // 4, (steps - 1) // 2, steps // 2, (steps + 1) // 2, steps - 1}):
        expected = 0.01 if step < steps / 2 else 0.001
        assert float(schedule(step)) == pytest.approx(expected, rel=1e-6), step


def test_squared_error_is_half_the_sum_over_classes():
    loss = protocols.loss_of(Recipe())(ops.convert_to_tensor(LOGITS), ops.convert_to_tensor(LABELS))
    assert float(loss) == pytest.approx(0.5 * np.mean(np.sum((LOGITS - LABELS) ** 2, axis=1)))


@pytest.mark.parametrize("scale", [1.0, 100.0])
def test_cross_entropy_is_that_for_the_largest_label(scale):
    logits = scale * LOGITS.astype("float64")
    largest = logits.max(axis=1)
    log_sums = largest + np.log(np.exp(logits - largest[:, None]).sum(axis=1))
    expected = np.mean(log_sums - logits[np.arange(5), LABELS.argmax(axis=1)])
    loss = protocols.loss_of(dc_recipe())
    for labels in (LABELS, 3 * LABELS - 1, np.eye(3, dtype="float32")[LABELS.argmax(axis=1)]):
        found = loss(ops.convert_to_tensor(scale * LOGITS), ops.convert_to_tensor(labels))
        assert float(found) == pytest.approx(expected, rel=1e-5)


def test_soft_labels_are_probabilities_or_logits():
    logits, labels = LOGITS.astype("float64"), LABELS.astype("float64")
    shares = np.exp(labels) / np.exp(labels).sum(axis=1, keepdims=True)
    log_softmax = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    expected = -np.mean(np.sum(shares * log_softmax, axis=1))
    for loss, given in (("soft_cross_entropy", shares), ("logit_cross_entropy", labels)):
        found = protocols.loss_of(dc_recipe(loss=loss))(
            ops.convert_to_tensor(LOGITS), ops.convert_to_tensor(given.astype("float32"))
        )
        assert float(found) == pytest.approx(expected, rel=1e-5)


def test_gradient_of_the_cross_entropy(gradients):
    loss = protocols.loss_of(dc_recipe())
    (found,) = gradients(lambda logits: loss(logits, ops.convert_to_tensor(LABELS)), LOGITS)
    softmax = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
    expected = (softmax - np.eye(3)[LABELS.argmax(axis=1)]) / 5
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


def test_optimizers_have_the_numbers_of_the_recipe():
    adam = protocols.optimizer_of(Recipe(), 10)
    assert type(adam) is Adam and adam.epsilon == 1e-8
    sgd = protocols.optimizer_of(dc_recipe(), 10)
    assert type(sgd) is SGD
    assert (sgd.momentum, sgd.weight_decay, sgd.nesterov) == (0.9, 5e-4, False)


@pytest.mark.parametrize("recipe", [Recipe(warmup_steps=0), dc_recipe()])
def test_gradients_are_applied_by_the_optimizer(recipe):
    optimizer = protocols.optimizer_of(recipe, 4)
    variable = keras.Variable(np.ones(2, "float32"))
    optimizer.build([variable])
    protocols.apply_gradients(optimizer, [ops.convert_to_tensor([1.0, -1.0])], [variable])
    if recipe.optimizer == "adam":
        expected = [1 - 3e-4, 1 + 3e-4]
    else:
        expected = [1 - 0.01 * (1 + 5e-4), 1 - 0.01 * (-1 + 5e-4)]
    np.testing.assert_allclose(to_numpy(variable), expected, rtol=1e-6)


def test_augmentations_have_the_operations_of_their_strategy():
    frepo = protocols.augmentation_of(Recipe(augmentation=("translate", "flip")))
    assert type(frepo) is EvaluationAugmentation and frepo.operations == ("translate", "flip")
    dsa = protocols.augmentation_of(dc_recipe())
    assert type(dsa) is SiameseAugmentation and dsa.per_image
    assert dsa.operations == OPERATIONS
    assert protocols.augmentation_of(dc_recipe(augmentation=())) is None


def test_rows_in_order_go_on_at_the_beginning():
    found = [list(to_numpy(protocols.rows_in_order(step, 7, 3))) for step in range(4)]
    assert found == [[0, 1, 2], [3, 4, 5], [6, 0, 1], [2, 3, 4]]


def test_shuffled_rows_are_new_in_every_epoch():
    orders = []
    for seed in (3, 1000):
        key = keras.random.SeedGenerator(seed).next()
        rows = [
            to_numpy(protocols.shuffled_rows(key, ops.convert_to_tensor(step), 20, 6))
            for step in range(8)
        ]
        for epoch in (np.concatenate(rows[:4]), np.concatenate(rows[4:])):
            np.testing.assert_array_equal(np.sort(epoch[:20]), np.arange(20))
            np.testing.assert_array_equal(epoch[20:], epoch[:4])
            orders.append(tuple(epoch[:20]))
    assert len(set(orders)) == 4


def test_a_batch_has_the_rows_of_each_network():
    images, labels = np.arange(2 * 5).reshape(2, 5, 1), np.arange(2 * 5).reshape(2, 5)
    keys = protocols.keys_of(keras.random.SeedGenerator(3).next(), 3, [0, 2])
    for some in (None, keys):
        found = [to_numpy(one) for one in protocols.batch((images, labels), some, 1, 5, 2)]
        rows = [[2, 3], [2, 3]]
        if some is not None:
            rows = [to_numpy(protocols.shuffled_rows(key, 1, 5, 2)) for key in keys]
        for network in range(2):
            np.testing.assert_array_equal(
                found[0][network, :, 0], images[network, rows[network], 0]
            )
            np.testing.assert_array_equal(found[1][network], labels[network, rows[network]])
    assert not np.array_equal(to_numpy(keys[0]), to_numpy(keys[1]))
