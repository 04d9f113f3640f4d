"""What a run does with data and settings on which the mathematics breaks down."""

import keras
import numpy as np
import pytest

from keras_isa import DistilledData, FRePoTrainer
from keras_isa.callbacks import NaNGuard

SHAPE, CLASSES = (3, 3, 1), 3
FIT = {"batch_size": 12, "epochs": 2, "steps_per_epoch": 4, "validation_split": 0.25, "verbose": 0}


def pixels():
    inputs = keras.Input(SHAPE)
    features = keras.layers.Flatten()(inputs)
    return keras.Model(inputs, [keras.layers.Dense(CLASSES)(features), features])


def dead():
    """Every feature is zero, whatever the image: biases so low that no unit is ever active."""
    inputs = keras.Input(SHAPE)
    hidden = keras.layers.Dense(
        4, activation="relu", bias_initializer=keras.initializers.Constant(-1e6)
    )(keras.layers.Flatten()(inputs))
    return keras.Model(inputs, [keras.layers.Dense(CLASSES)(hidden), hidden])


def data(kind="noise", count=48):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(count, *SHAPE)).astype("float32"), np.arange(count) % CLASSES
    if kind == "equal":
        x[:] = x[0]
    if kind == "constant":
        x[:] = 3.0
    if kind == "zero":
        x[:] = 0.0
    return x, y


def run(x, y, images_per_class=1, network=pixels, preprocessing="standardize", **options):
    distilled = DistilledData.from_samples(x, y, images_per_class, preprocessing=preprocessing)
    trainer = FRePoTrainer(distilled, network, pool_size=2, **options)
    trainer.compile(keras.optimizers.Lamb(1e-3, epsilon=1e-6))
    guard = NaNGuard()
    history = trainer.fit(x, y, callbacks=[guard], **FIT).history
    assert guard.returns == 0
    assert all(np.isfinite(values).all() for values in history.values())
    assert all(np.isfinite(array).all() for array in distilled.to_numpy())
    return trainer, history


@pytest.mark.parametrize(
    ("preprocessing", "kind"),
    [
        *(("standardize", kind) for kind in ("equal", "constant")),
        *(("zca", kind) for kind in ("equal", "constant")),
        *((None, kind) for kind in ("equal", "zero")),
    ],
)
def test_images_without_differences(preprocessing, kind):
    _, history = run(*data(kind), preprocessing=preprocessing)
    assert history["val_accuracy"][-1] <= 0.5  # nothing is to be learned


@pytest.mark.parametrize("regularization", [0.0, 1e-6])
def test_more_rows_than_features(regularization):
    run(*data(), images_per_class=9, regularization=regularization)


def test_equal_images_in_the_set():
    x, y = data(count=24)
    x[y == 1] = x[1]  # all images of a class
    run(x, y, images_per_class=4, regularization=0.0)


def test_a_dead_network_predicts_zero_and_moves_no_image():
    x, y = data()
    trainer, history = run(x, y, network=dead)
    # A prediction of zero errs by the labels: the mean square of one-hot - 1/C over classes.
    label = np.eye(CLASSES)[0] - 1 / CLASSES
    assert history["val_loss"][-1] == pytest.approx(0.5 * np.sum(label**2), rel=1e-4)


def test_one_class_is_refused():
    x, y = data()
    with pytest.raises(ValueError, match="`y` must hold two classes or more. Received: '0' alone"):
        run(x, np.zeros_like(y))
