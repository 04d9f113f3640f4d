"""Gradient matching against NumPy, plain and with the module."""

import keras
import numpy as np
import pytest

from keras_isa import DistilledData, GradientMatchingTrainer
from keras_isa.inputs.arrays import to_numpy
from keras_isa.methods import Batch, DSAConfig

SHAPE, CLASSES = (3, 3, 1), 3


def pixels_as_features():
    inputs = keras.Input(SHAPE)
    features = keras.layers.Flatten()(inputs)
    return keras.Model(inputs, [keras.layers.Dense(CLASSES)(features), features])


def trainer_of(problem, count=2, network=pixels_as_features, rate=0.5, **options):
    distilled = DistilledData.from_samples(*problem, count, preprocessing=None, learn_labels=False)
    trainer = GradientMatchingTrainer(distilled, network, **{"augmentation": (), **options})
    trainer.compile(keras.optimizers.SGD(rate))
    return trainer


def gradient_of_kernel(x, labels, kernel, bias):
    """The mean gradient of the cross-entropy of a linear network."""
    logits = x @ kernel + bias
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    return x.T @ (shares - labels) / len(x)


def of_real(x, number, kernel, bias, fraction, interval):
    """That of the hardest images of a class, and of the samples between them and their nearest."""
    logits = x @ kernel + bias
    losses = np.log(np.exp(logits).sum(axis=1)) - logits[:, number]
    x = x[np.argsort(-losses, kind="stable")[: max(1, int(fraction * len(x)))]]
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    closeness = unit @ unit.T - 9 * np.eye(len(x))
    others = x[closeness.argmax(axis=1)]
    labels = np.tile(np.eye(CLASSES)[number], (len(x), 1))
    amounts = np.linspace(*interval, 201) if interval[0] < interval[1] else np.zeros(1)
    found = [gradient_of_kernel(x + a * (x - others), labels, kernel, bias) for a in amounts]
    if len(found) == 1:
        return found[0]
    return np.trapezoid(found, amounts, axis=0) / np.ptp(interval)


def numpy_loss(images, own, x, y, weights, fraction=1.0, interval=(0.0, 0.0)):
    kernel, bias = (np.asarray(one, "float64") for one in weights)
    flat, synthetic = (one.reshape(len(one), -1).astype("float64") for one in (x, images))
    total = 0.0
    for number in range(CLASSES):
        wanted = of_real(flat[y == number], number, kernel, bias, fraction, interval)
        labels = np.tile(np.eye(CLASSES)[number], ((own == number).sum(), 1))
        found = gradient_of_kernel(synthetic[own == number], labels, kernel, bias)
        for unit in range(CLASSES):
            lengths = np.linalg.norm(found[:, unit]) * np.linalg.norm(wanted[:, unit])
            total += 1 - found[:, unit] @ wanted[:, unit] / (lengths + 1e-6)
    return total


CASES = [
    {},
    {"crucial_fraction": 0.6},
    {"isa_interval": (-1.0, 0.0)},
    {"crucial_fraction": 0.7, "isa_interval": (0.0, 0.5)},
]


@pytest.mark.parametrize("options", CASES)
@pytest.mark.parametrize("count", [2, (1, 3, 2)])
def test_one_step_is_that_of_numpy(problem, count, options):
    x, y = problem
    given = {"fraction": options.get("crucial_fraction", 1.0)}
    given["interval"] = options.get("isa_interval", (0.0, 0.0))
    trainer = trainer_of(problem, count, **options)
    weights = [to_numpy(one)[0] for one in trainer.pool.stacked_weights]
    images, own = trainer.distilled.to_numpy()[0].astype("float64"), trainer.distilled.class_ids
    loss = numpy_loss(images, own, x, y, weights, **given)
    logs = trainer.train_on_batch(x, y, return_dict=True)
    assert logs["loss"] == pytest.approx(loss, rel=1e-4)
    found = trainer.distilled.to_numpy()[0]
    index, amount, ends = (2, 1, 1, 0), 1e-5, []
    for sign in (1, -1):
        moved = images.copy()
        moved[index] += sign * amount
        ends.append(numpy_loss(moved, own, x, y, weights, **given))
    expected = images[index] - 0.5 * (ends[0] - ends[1]) / (2 * amount)
    assert found[index] == pytest.approx(expected, rel=1e-3, abs=1e-4)


def test_images_that_all_classes_can_have_count(problem):
    x, y = problem
    trainer = trainer_of(problem)
    weights = [to_numpy(one)[0] for one in trainer.pool.stacked_weights]
    images, own = trainer.distilled.to_numpy()[0].astype("float64"), trainer.distilled.class_ids
    # Of seven images two for each class: of class 0 the first two of five, of class 1 both, of
    # class 2 none.
    rows = np.concatenate([np.flatnonzero(y == 0)[:5], np.flatnonzero(y == 1)[:2]])[::-1]
    batch = Batch(*(keras.ops.convert_to_tensor(one[rows]) for one in (x, y.astype("int32"))))
    context = trainer.context(batch)
    loss, _ = trainer.outer_loss({"images": trainer.distilled.images}, batch, context)
    first = [*rows[rows % CLASSES == 0][:2], *rows[rows % CLASSES == 1]]
    expected = 0.0
    for number in (0, 1):
        some = [row for row in first if y[row] == number]
        kernel, bias = (one.astype("float64") for one in weights)
        wanted = of_real(x[some].reshape(2, -1), number, kernel, bias, 1.0, (0.0, 0.0))
        labels = np.tile(np.eye(CLASSES)[number], (2, 1))
        found = gradient_of_kernel(images[own == number].reshape(2, -1), labels, kernel, bias)
        lengths = np.linalg.norm(found, axis=0) * np.linalg.norm(wanted, axis=0)
        expected += np.sum(1 - (found * wanted).sum(axis=0) / (lengths + 1e-6))
    assert float(to_numpy(loss)) == pytest.approx(expected, rel=1e-4)


def test_networks_learn_the_set_and_are_replaced(problem):
    x, y = problem
    trainer = trainer_of(problem, rate=0.01, inner_steps=2, max_online_steps=4)
    weights = [[to_numpy(one)[0] for one in trainer.pool.stacked_weights]]
    for _ in range(2):
        trainer.train_on_batch(x, y)
        weights.append([to_numpy(one)[0] for one in trainer.pool.stacked_weights])
        if len(weights) == 2:
            images = trainer.distilled.to_numpy()[0].reshape(6, -1).astype("float64")
            ages = to_numpy(trainer.pool.ages).tolist()
    kernel, bias = (one.astype("float64") for one in weights[0])
    labels = np.eye(CLASSES)[trainer.distilled.class_ids]
    for _ in range(2):  # two steps of SGD at 0.01 after the first step of the set
        logits = images @ kernel + bias
        shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        kernel = kernel - 0.01 * images.T @ (shares - labels) / len(images)
        bias = bias - 0.01 * (shares - labels).mean(axis=0)
    np.testing.assert_allclose(weights[1][0], kernel, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(weights[1][1], bias, rtol=1e-4, atol=1e-6)
    assert ages == [2] and to_numpy(trainer.pool.ages).tolist() == [0]
    assert not np.allclose(weights[2][0], kernel, atol=1e-2)  # a new network


def test_real_and_synthetic_images_are_transformed_alike(problem):
    x, y = problem
    big = np.repeat(np.repeat(x, 3, 1), 3, 2)
    distilled = DistilledData.from_samples(big, y, 1, preprocessing=None)
    config = DSAConfig(images_per_class=1, width=4, depth=1, batch_size=3, steps=2)
    trainer = GradientMatchingTrainer.from_settings(config, distilled)
    # A batch that is the set itself: whatever is drawn, the gradients are the same.
    images = keras.ops.convert_to_tensor(distilled.images)
    batch = Batch(images, keras.ops.convert_to_tensor(distilled.class_ids))
    for _ in range(4):
        context = trainer.context(batch)
        loss, _ = trainer.outer_loss({"images": images}, batch, context)
        # Units that no image reaches have a distance of one.
        silent = sum(
            (np.abs(to_numpy(one)).reshape(3, -1, one.shape[-1]).max(axis=1) < 1e-6).sum()
            for one in context.gradients
            if len(one.shape) > 2
        )
        assert float(to_numpy(loss)) == pytest.approx(silent, abs=1e-2)
    assert len({tuple(key) for key in to_numpy(context.keys).tolist()}) == 3


def test_labels_stay(problem):
    trainer = trainer_of(problem)
    before = trainer.distilled.to_numpy()[1]
    trainer.fit(*problem, batch_size=12, steps_per_epoch=3, verbose=0)
    np.testing.assert_array_equal(trainer.distilled.to_numpy()[1], before)


def test_bad_arguments_are_refused(problem):
    for options, error, message in (
        ({"crucial_fraction": 0}, ValueError, "`crucial_fraction` must be in"),
        ({"inner_steps": 0}, ValueError, "`inner_steps` must be a positive integer"),
        ({"pool_size": 0}, ValueError, "`pool_size` must be a positive integer"),
        ({"inner_steps": 3, "max_online_steps": 2}, ValueError, "`inner_steps` must be at most"),
        ({"augmentation": ("turn",)}, ValueError, "`augmentation` must name one or more of"),
        ({"isa_interval": (1, 0)}, ValueError, "`isa_interval` must be two"),
    ):
        with pytest.raises(error, match=message):
            trainer_of(problem, **options)

    def with_statistics():
        inputs = keras.Input(SHAPE)
        features = keras.layers.BatchNormalization()(keras.layers.Flatten()(inputs))
        return keras.Model(inputs, [keras.layers.Dense(CLASSES)(features), features])

    with pytest.raises(ValueError, match="without statistics.*a set's gradient is that of its"):
        trainer_of(problem, network=with_statistics)
    with pytest.raises(ValueError, match="`batch_size` must be a multiple of the 3 classes"):
        trainer_of(problem).fit(*problem, batch_size=10, verbose=0)
