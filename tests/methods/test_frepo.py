"""The outer loss and its gradient, the settings of the method, and what it reports."""

import contextlib
import json

import jax
import keras
import numpy as np
import pytest

import keras_isa
from keras_isa import DistilledData, FRePoTrainer, datasets
from keras_isa.datasets import Dataset
from keras_isa.inputs.arrays import to_numpy
from keras_isa.layers import InfiniteSemanticAugmentation
from keras_isa.ops import encode_labels
from keras_isa.presets import Settings

RIDGE = 1e-2


def outer_loss(images, labels, x, y, interval=(0.0, 0.5), fraction=0.8, half_sum=False, flip=False):
    """The outer loss in float64 NumPy, with pixels as features, written from the formulas."""
    margin = np.sort(labels, axis=1)
    margin = np.minimum(margin[:, -1] - margin[:, -2], 1 / labels.shape[1]).mean()
    if flip:
        images = np.concatenate([images, images[:, :, ::-1]])
        labels = np.concatenate([labels, labels])
    synthetic, targets = images.reshape(len(images), -1), x.reshape(len(x), -1).astype("float64")
    kernel = synthetic @ synthetic.T
    kernel += RIDGE * np.trace(kernel) / len(kernel) * np.eye(len(kernel))
    residuals = targets @ synthetic.T @ np.linalg.solve(kernel, labels)
    residuals -= np.eye(labels.shape[1])[y] - 1 / labels.shape[1]
    kept = np.argsort(-np.square(residuals).sum(axis=1))[: int(fraction * len(x))]
    residuals, targets = residuals[kept], targets[kept]
    unit = targets / np.linalg.norm(targets, axis=1, keepdims=True)
    cosine = unit @ unit.T - 9 * np.eye(len(kept))
    difference = residuals - residuals[cosine.argmax(axis=1)]
    # Gauss-Legendre with three nodes is exact for a square.
    nodes, weights = np.polynomial.legendre.leggauss(3)
    low, high = interval
    squares = sum(
        weight / 2 * np.square(residuals + ((high - low) * node + low + high) / 2 * difference)
        for node, weight in zip(nodes, weights, strict=True)
    )
    loss = 0.5 * squares.sum(axis=1).mean() if half_sum else squares.mean()
    return loss, margin


def finite_differences(function, array, step=1e-5):
    gradient = np.zeros_like(array)
    for index in np.ndindex(array.shape):
        moved = [array.copy(), array.copy()]
        moved[0][index] += step
        moved[1][index] -= step
        gradient[index] = (function(moved[0]) - function(moved[1])) / (2 * step)
    return gradient


@pytest.mark.parametrize(
    "setting",
    [
        {},
        {"flip": True},
        {"interval": (-1.0, 0.0), "half_sum": True, "fraction": 0.5},
        {"interval": (0.0, 0.0), "half_sum": True, "fraction": 1.0},
    ],
    ids=["released", "flip", "interpolation", "plain FRePo"],
)
def test_outer_gradient_equals_finite_differences(make_trainer, problem, setting):
    x, y = problem
    trainer = make_trainer(
        keras.optimizers.SGD(1.0),  # so that a step is the gradient
        crucial_fraction=setting.get("fraction", 0.8),
        augmentation=InfiniteSemanticAugmentation(
            setting.get("interval", (0.0, 0.5)),
            reduction="half_sum" if setting.get("half_sum") else "class_mean",
        ),
        flip=setting.get("flip", False),
        regularization=RIDGE,
    )
    # One row below and two above the 1/3 where the margin stops to count.
    labels = np.array([[0.4, 0.2, -0.3], [-0.4, 0.5, 0.1], [0.2, -0.1, 0.9]])
    trainer.distilled.labels.assign(labels)
    images = trainer.distilled.to_numpy()[0].astype("float64")
    logs = trainer.train_on_batch(x, y, return_dict=True)

    loss, margin = outer_loss(images, labels, x, y, **setting)
    assert logs["loss"] == pytest.approx(loss, rel=1e-5)
    assert logs["label_margin"] == pytest.approx(margin, rel=1e-5)
    assert margin < 1 / 3 - 0.01  # the barrier is at work

    def objective(images, labels):
        loss, margin = outer_loss(images, labels, x, y, **setting)
        return loss - margin

    new_images, new_labels = trainer.distilled.to_numpy()
    by_images = finite_differences(lambda moved: objective(moved, labels), images)
    by_labels = finite_differences(lambda moved: objective(images, moved), labels)
    for result, expected in (
        (images - new_images, by_images),
        (labels - new_labels, by_labels),
    ):
        assert np.linalg.norm(result - expected) < 1e-4 * np.linalg.norm(expected)


@pytest.mark.parametrize("flip", [False, True])
def test_each_image_learns_as_in_the_smallest_set_that_it_belongs_to(make_trainer, problem, flip):
    x, y = problem
    counts = (5, 2, 3)
    whole = keras_isa.DistilledData.from_samples(x, y, counts, preprocessing=None)
    trainer = make_trainer(
        keras.optimizers.SGD(1.0), distilled=whole, prefixes=True, flip=flip, regularization=RIDGE
    )
    before = [array.astype("float64") for array in whole.to_numpy()]
    margin = np.sort(before[1], axis=1)
    assert (margin[:, -1] - margin[:, -2]).min() > 1 / 3  # so that it has no gradient
    logs = trainer.train_on_batch(x, y, return_dict=True)
    assert logs["loss"] == pytest.approx(outer_loss(*before, x, y, flip=flip)[0], rel=1e-5)
    changes = [old - new for old, new in zip(before, whole.to_numpy(), strict=True)]
    place = np.concatenate([np.arange(count) for count in counts])
    for smaller, size in ((0, 1), (1, 2), (2, 5)):
        inside, new = place < size, place[place < size] >= smaller
        images, labels = (array[inside] for array in before)
        by_images = finite_differences(
            lambda moved, labels=labels: outer_loss(moved, labels, x, y, flip=flip)[0], images
        )
        by_labels = finite_differences(
            lambda moved, images=images: outer_loss(images, moved, x, y, flip=flip)[0], labels
        )
        for change, expected in zip(changes, (by_images, by_labels), strict=True):
            result, wanted = change[inside][new], expected[new]
            assert np.linalg.norm(result - wanted) < 1e-4 * np.linalg.norm(wanted)


def test_reported_accuracy_and_inner_loss(make_trainer, problem):
    x, y = problem
    trainer = make_trainer(pool_size=1, regularization=RIDGE)
    images, labels = trainer.distilled.to_numpy()
    kernel, bias = (np.array(v)[0] for v in trainer.pool.stacked_weights)
    synthetic = images.reshape(3, -1)
    gram = synthetic @ synthetic.T
    gram += RIDGE * np.trace(gram) / 3 * np.eye(3)
    predictions = x.reshape(48, -1) @ synthetic.T @ np.linalg.solve(gram, labels)
    logs = trainer.train_on_batch(x, y, return_dict=True)
    assert logs["accuracy"] == pytest.approx((predictions.argmax(axis=1) == y).mean())
    assert 0.34 < logs["accuracy"] < 1
    # The network sees the set after its update.
    images, labels = trainer.distilled.to_numpy()
    squares = np.square(images.reshape(3, -1) @ kernel + bias - labels)
    assert logs["inner_loss"] == pytest.approx(0.5 * squares.sum(axis=1).mean(), rel=1e-5)


def test_large_sets_train_the_networks_on_1000_rows(make_trainer, problem, monkeypatch):
    monkeypatch.setattr("keras_isa.methods.frepo.MOST_INNER_ROWS", 4)
    trainer = make_trainer(images_per_class=3)
    images, labels = (to_numpy(rows) for rows in trainer.inner_rows())
    assert images.shape == (4, 3, 3, 1) and labels.shape == (4, 3)
    all_images, all_labels = trainer.distilled.to_numpy()
    rows = [int(np.argmin(np.abs(all_images - image).sum(axis=(1, 2, 3)))) for image in images]
    assert len(set(rows)) == 4  # without replacement
    np.testing.assert_array_equal(all_images[rows], images)
    np.testing.assert_array_equal(all_labels[rows], labels)
    other = to_numpy(trainer.inner_rows()[0])
    assert not np.array_equal(other, images)  # drawn anew


def test_labels_stay_fixed_when_they_are_not_learned(make_trainer, problem):
    trainer = make_trainer(learn_labels=False)
    images, labels = trainer.distilled.to_numpy()
    trainer.fit(*problem, batch_size=24, steps_per_epoch=3, verbose=0)
    new_images, new_labels = trainer.distilled.to_numpy()
    np.testing.assert_array_equal(labels, new_labels)
    assert np.abs(new_images - images).max() > 1e-3
    assert [v.path for v in trainer.trainable_variables] == [trainer.distilled.images.path]


# ---------------------------------------------------------------- pairings


def losses_without_learning(make_trainer, problem, pairing, calls):
    trainer = make_trainer(
        keras.optimizers.SGD(0.0),
        keras.optimizers.SGD(0.0),
        max_online_steps=1000,
        augmentation=InfiniteSemanticAugmentation((0.0, 1.0), pairing, seed=3),
    )
    return [trainer.train_on_batch(*problem, return_dict=True)["loss"] for _ in range(calls)]


def test_random_pairing_draws_a_new_permutation_at_each_step(make_trainer, problem):
    losses = losses_without_learning(make_trainer, problem, "random", 4)
    assert len({round(float(loss), 6) for loss in losses}) == 4


@pytest.mark.parametrize("pairing", ["nearest", "same_class", "all"])
def test_other_pairings_are_a_function_of_the_batch(make_trainer, problem, pairing):
    first, second = losses_without_learning(make_trainer, problem, pairing, 2)
    assert np.isfinite(first) and first > 0
    assert second == pytest.approx(first, rel=1e-6)


def test_random_pairing_is_the_same_in_the_fused_loop(make_trainer, problem):
    images = []
    for steps_per_execution in (1, 3):
        trainer = make_trainer(
            augmentation=InfiniteSemanticAugmentation((0.0, 1.0), "random", seed=3),
            steps_per_execution=steps_per_execution,
        )
        with jax.checking_leaks() if steps_per_execution > 1 else contextlib.nullcontext():
            trainer.fit(*problem, batch_size=24, steps_per_epoch=3, verbose=0)
        images.append(trainer.distilled.to_numpy()[0])
    np.testing.assert_allclose(*images, atol=1e-5)


def trained_with(data, **changes):
    few = {"width": 4, "depth": 1, "pool_size": 2, "steps": 6, "epochs": 1, "batch_size": 16}
    settings = Settings(images_per_class=1, normalization="identity", **few, **changes)
    trainer = FRePoTrainer.for_data(data, settings.with_changes(learning_rate=0.01))
    trainer.fit(data, verbose=0)
    return trainer.distilled.to_numpy()


def test_labels_have_a_rate_of_their_own():
    data = digits(96)
    images, labels = trained_with(data)
    same_images, same_labels = trained_with(data, label_learning_rate=0.01)
    np.testing.assert_allclose(same_images, images, atol=1e-3)
    np.testing.assert_allclose(same_labels, labels, atol=1e-3)
    other_images, slow = trained_with(data, label_learning_rate=1e-7)
    start = encode_labels(np.arange(10), 10, scaled=True)
    np.testing.assert_allclose(slow, to_numpy(start), atol=1e-5)
    assert np.abs(labels - to_numpy(start)).max() > 1e-3
    assert np.abs(other_images - images).max() > 1e-4
    # Without learned labels there is nothing to give a rate.
    with pytest.warns(UserWarning, match="`label_learning_rate` has no effect"):
        fixed = trained_with(data, label_learning_rate=0.1, learn_labels=False)[1]
    np.testing.assert_array_equal(fixed, to_numpy(start))


def digits(count):
    train, _ = keras_isa.datasets.load("digits")
    return Dataset.from_arrays(train.x[:count], train.y[:count])


def test_the_rate_falls_over_all_updates_of_the_set():
    settings = Settings(
        images_per_class=1, steps=5, updates_per_batch=4, learning_rate=0.2,
        final_learning_rate=0.5,
    )  # fmt: skip
    schedule = FRePoTrainer.optimizers(settings)["optimizer"]._learning_rate
    for update, share in ((0, 1.0), (10, 0.75), (20, 0.5)):
        assert float(to_numpy(schedule(update))) == pytest.approx(0.2 * share)


def test_the_regressions_of_prefixes_count_in_forecasts():
    options = {"width": 4, "depth": 1, "steps": 2, "batch_size": 8, "pool_size": 2}
    trainers = [
        FRePoTrainer.from_preset("digits", 3, verbose=False, prefixes=prefixes, **options)
        for prefixes in (False, True)
    ]
    plain, nested = (trainer.cost().regression.times for trainer in trainers)
    assert nested == 3 * plain
    if keras.backend.backend() == "jax":
        assert trainers[1].plan(100).fits


# ---------------------------------------------------------------- arguments


def test_description_names_the_settings(make_trainer):
    description = make_trainer(pool_size=3, crucial_fraction=0.7, flip=True).description()
    assert json.loads(json.dumps(description)) == description
    expected = {"pool_size": 3, "crucial_fraction": 0.7, "flip": True, "isa_interval": [0.0, 0.5]}
    assert make_trainer(prefixes=True).description()["prefixes"] is True
    assert expected.items() <= description.items()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"augmentation": "nearest"}, TypeError, "`augmentation`.*Received: str"),
        ({"seed": -1}, ValueError, "`seed`.*Received: seed=-1"),
        ({"seed": True}, ValueError, "`seed`.*Received: seed=True"),
        ({"prefixes": 1}, TypeError, "`prefixes`.*Received: prefixes=1"),
        ({"pool_size": 0}, ValueError, "`pool_size`.*Received: pool_size=0"),
        ({"updates_per_batch": 0}, ValueError, "`updates_per_batch`.*updates_per_batch=0"),
        ({"crucial_fraction": 0.0}, ValueError, "`crucial_fraction`"),
        ({"regularization": float("nan")}, ValueError, "`regularization`"),
        ({"steps_per_execution": 0}, ValueError, "`steps_per_execution`.*=0"),
        ({"steps_per_execution": 2.0}, ValueError, "`steps_per_execution`.*=2.0"),
        ({"steps_per_execution": True}, ValueError, "`steps_per_execution`.*=True"),
    ],
)
def test_arguments_out_of_range_are_refused(make_trainer, options, error, message):
    with pytest.raises(error, match=message):
        make_trainer(**options)


# ---------------------------------------------------------------- regression


def regression_loss(images, labels, x, targets, fraction=0.8):
    """The outer loss for targets in float64 NumPy, with pixels as features, from the formulas."""
    synthetic, real = images.reshape(len(images), -1), x.reshape(len(x), -1).astype("float64")
    kernel = synthetic @ synthetic.T
    kernel += RIDGE * np.trace(kernel) / len(kernel) * np.eye(len(kernel))
    predictions = real @ synthetic.T @ np.linalg.solve(kernel, labels)
    residuals = predictions - targets
    kept = np.argsort(-np.square(residuals).sum(axis=1))[: int(fraction * len(x))]
    residuals, real = residuals[kept], real[kept]
    unit = real / np.linalg.norm(real, axis=1, keepdims=True)
    cosine = unit @ unit.T - 9 * np.eye(len(kept))
    difference = residuals - residuals[cosine.argmax(axis=1)]
    # The mean of (r + a d)^2 over a in (0, 1/2).
    squares = np.square(residuals + difference / 4) + np.square(difference) / 48
    r2 = 1 - np.square(predictions - targets).sum(0) / np.square(targets - targets.mean(0)).sum(0)
    return squares.mean(), r2.mean()


@pytest.mark.parametrize("number", [1, 3])
def test_the_loss_of_targets_equals_float64_numpy(number):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20, 3, 3, 1)).astype("float32")
    y = rng.normal(size=(20, number)) * 40 + 7
    distilled = DistilledData.from_samples(x, y, 5, preprocessing=None, task="regression")

    def pixels_as_features():
        inputs = keras.Input((3, 3, 1))
        flat = keras.layers.Flatten()(inputs)
        return keras.Model(inputs, [keras.layers.Dense(number)(flat), flat])

    trainer = FRePoTrainer(distilled, pixels_as_features, pool_size=1, regularization=RIDGE)
    trainer.compile(keras.optimizers.SGD(0.0))
    before = [one.astype("float64") for one in distilled.to_numpy()]
    logs = trainer.train_on_batch(x, y, return_dict=True)
    loss, r2 = regression_loss(*before, x, (y - y.mean(0)) / y.std(0))
    assert set(logs) == {"loss", "r2", "inner_loss"}  # and no label margin
    assert float(logs["loss"]) == pytest.approx(loss, rel=2e-5)
    assert float(logs["r2"]) == pytest.approx(r2, rel=2e-5)


def test_a_regression_resumes_and_keeps_the_best_by_r2(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 4)).astype("float32")
    y = x[:, :2] * 3 + 100
    settings = Settings(images_per_class=4, width=4, pool_size=2, batch_size=16, steps=6, epochs=3)
    data = datasets.Dataset.from_arrays(x, y, task="regression")

    def fitted(folder, epochs):
        trainer = FRePoTrainer.for_data(data, settings)
        stop = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: setattr(trainer, "stop_training", epoch + 1 == epochs)
        )
        trainer.fit(data, validation_split=0.25, resume=folder, callbacks=[stop], verbose=0)
        return trainer

    fitted(tmp_path / "run", 1)
    resumed, whole = fitted(tmp_path / "run", 3), fitted(tmp_path / "other", 3)
    for one, other in zip(resumed.distilled.to_numpy(), whole.distilled.to_numpy(), strict=True):
        np.testing.assert_array_equal(one, other)
    selection = whole.distilled.provenance["selection"]
    assert selection["by"].startswith("val_r2 of kernel ridge") and "val_accuracy" not in selection
    held_out = whole.evaluate(data, verbose=0, return_dict=True)
    assert set(held_out) == {"loss", "r2"}


def test_batches_of_targets_are_refused():
    distilled = DistilledData((4,), 1, 3, task="regression")
    trainer = FRePoTrainer.from_settings(Settings(images_per_class=3, width=4), distilled)
    with pytest.raises(ValueError, match="collect batches in arrays first"):
        trainer.fit([(np.zeros((8, 4)), np.arange(8.0))], verbose=0)
    with pytest.raises(ValueError, match="`y` must hold finite targets"):
        trainer.fit(np.zeros((8, 4)), np.array([1.0] * 7 + [np.nan]), verbose=0)
    with pytest.raises(ValueError, match="the same value in all rows"):
        trainer.fit(np.eye(8, 4), np.ones(8), verbose=0)
    with pytest.raises(ValueError, match="task of the distilled set, 'regression'"):
        trainer.fit(datasets.Dataset.from_arrays(np.eye(8, 4), np.arange(8) % 2), verbose=0)
