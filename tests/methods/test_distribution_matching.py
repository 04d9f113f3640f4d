"""DM against NumPy, plain and with the module."""

import keras
import numpy as np
import pytest

from keras_isa import DistilledData, DistributionMatchingTrainer, presets
from keras_isa.datasets import Dataset
from keras_isa.inputs.arrays import to_numpy
from keras_isa.methods import Batch, DMConfig

SHAPE, CLASSES = (3, 3, 1), 3


def pixels_as_features():
    inputs = keras.Input(SHAPE)
    features = keras.layers.Flatten()(inputs)
    return keras.Model(inputs, [keras.layers.Dense(CLASSES)(features), features])


def trainer_of(problem, count=2, rate=0.5, **options):
    distilled = DistilledData.from_samples(*problem, count, preprocessing=None, learn_labels=False)
    trainer = DistributionMatchingTrainer(distilled, pixels_as_features, augmentation=(), **options)
    trainer.compile(keras.optimizers.SGD(rate))
    return trainer


def numpy_loss(images, first, own, x, y, fraction=1.0, interval=(0.0, 0.0), pairing="halves"):
    """Sum over classes of the mean of |d + a B|^2 over a, by integration.

    The images as they were at `first` choose the crucial samples.
    """
    total = 0.0
    first = first.reshape(len(first), -1)
    flat, synthetic = x.reshape(len(x), -1).astype("float64"), images.reshape(len(images), -1)
    means = np.stack([synthetic[own == k].mean(axis=0) for k in range(CLASSES)])
    kept, ranks = [], {}
    for k in range(CLASSES):
        rows = np.flatnonzero(y == k)
        hardness = ((flat[rows] - first[own == k].mean(axis=0)) ** 2).sum(axis=1)
        order = rows[np.argsort(-hardness, kind="stable")]
        order = order[: max(1, int(fraction * len(rows)))]
        kept += list(order)
        ranks.update({row: rank for rank, row in enumerate(order)})
    unit = flat / np.linalg.norm(flat, axis=1, keepdims=True)
    for k in range(CLASSES):
        rows = [row for row in kept if y[row] == k]
        mean = flat[rows].mean(axis=0)
        if pairing == "halves":
            others = [row for row in rows if ranks[row] % 2] or rows
        else:
            others = []
            for row in rows:
                candidates = [one for one in kept if one != row]
                others.append(max(candidates, key=lambda one, row=row: unit[one] @ unit[row]))
        distance, along = mean - means[k], mean - flat[others].mean(axis=0)
        amounts = np.linspace(*interval, 2001)
        squares = ((distance + amounts[:, None] * along) ** 2).sum(axis=1)
        total += (
            np.trapezoid(squares, amounts) / np.ptp(interval) if np.ptp(interval) else squares[0]
        )
    return total


CASES = [
    {},
    {"crucial_fraction": 0.6},
    {"isa_interval": (-1.0, 0.0)},
    {"crucial_fraction": 0.7, "isa_interval": (0.0, 0.5), "pairing": "nearest"},
]


@pytest.mark.parametrize("options", CASES)
def test_one_step_is_that_of_numpy(problem, options):
    x, y = problem
    trainer = trainer_of(problem, **options)
    images = trainer.distilled.to_numpy()[0].astype("float64")
    own = trainer.distilled.class_ids
    given = {"fraction": options.get("crucial_fraction", 1.0)}
    given["interval"] = options.get("isa_interval", (0.0, 0.0))
    given["pairing"] = options.get("pairing", "halves")
    loss = numpy_loss(images, images, own, x, y, **given)
    logs = trainer.train_on_batch(x, y, return_dict=True)
    assert logs["loss"] == pytest.approx(loss, rel=1e-4)
    found = trainer.distilled.to_numpy()[0]
    # The gradient by differences; the choice of samples has none.
    index, amount = (2, 1, 1, 0), 1e-4
    ends = []
    for sign in (1, -1):
        moved = images.copy()
        moved[index] += sign * amount
        ends.append(numpy_loss(moved, images, own, x, y, **given))
    expected = images[index] - 0.5 * (ends[0] - ends[1]) / (2 * amount)
    assert found[index] == pytest.approx(expected, rel=1e-3, abs=1e-4)


def test_labels_stay(problem):
    trainer = trainer_of(problem)
    before = trainer.distilled.to_numpy()[1]
    trainer.fit(*problem, batch_size=12, steps_per_epoch=3, verbose=0)
    np.testing.assert_array_equal(trainer.distilled.to_numpy()[1], before)


def test_every_step_has_a_network_of_its_own(problem):
    x, y = problem
    config = DMConfig(images_per_class=1, width=4, batch_size=12, augmentation=(), steps=2)
    distilled = DistilledData.from_samples(
        np.repeat(np.repeat(x, 3, 1), 3, 2), y, 1, preprocessing=None
    )
    trainer = DistributionMatchingTrainer.from_settings(config, distilled)
    batch = Batch(distilled(np.repeat(np.repeat(x[:12], 3, 1), 3, 2)), keras.ops.arange(12) % 3)
    first, second = (to_numpy(trainer.context(batch)[0]) for _ in range(2))
    assert np.abs(first - second).max() > 0.01


def test_real_and_synthetic_images_are_transformed_alike(problem):
    x, y = problem
    big = np.repeat(np.repeat(x, 3, 1), 3, 2)
    distilled = DistilledData.from_samples(big, y, 1, preprocessing=None)
    config = DMConfig(images_per_class=1, width=4, batch_size=12, steps=2)
    trainer = DistributionMatchingTrainer.from_settings(config, distilled)
    # A batch that is the set itself: whatever is drawn, the distances are zero.
    images = keras.ops.convert_to_tensor(distilled.images)
    batch = Batch(images, keras.ops.convert_to_tensor(distilled.class_ids))
    for _ in range(4):
        loss, _ = trainer.outer_loss({"images": images}, batch, trainer.context(batch))
        assert float(to_numpy(loss)) == pytest.approx(0, abs=1e-6)


def test_a_batch_of_more_images_than_there_are_holds_whole_classes(problem):
    x, y = problem
    trainer = trainer_of(problem)
    trainer.fit(x[:46], y[:46], batch_size=300, steps_per_epoch=1, verbose=0)
    assert trainer.sampler.batch_size == 45


def test_bad_arguments_are_refused(problem):
    for options, message in (
        ({"crucial_fraction": 0}, "`crucial_fraction` must be in"),
        ({"pairing": "random"}, "`pairing` must be one of"),
        ({"isa_interval": (1, 0)}, "`isa_interval` must be two"),
    ):
        with pytest.raises(ValueError, match=message):
            trainer_of(problem, **options)
    with pytest.raises(ValueError, match="`batch_size` must be a multiple of the 3 classes"):
        trainer_of(problem).fit(*problem, batch_size=10, verbose=0)


def test_targets_of_a_regression_are_refused_with_the_reason():
    distilled = DistilledData((4,), 1, 3, task="regression")
    with pytest.raises(ValueError, match="for the method dm: it matches the means of classes"):
        DistributionMatchingTrainer(distilled, lambda: None)
    data = Dataset.from_arrays(np.eye(4), np.arange(4.0), task="regression")
    with pytest.raises(ValueError, match="means of classes"):
        presets.settings_for(data, 2, accelerated=False, config=DMConfig)
