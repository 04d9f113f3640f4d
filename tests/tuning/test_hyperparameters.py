"""Settings as variables have the same effect as constants."""

import keras
import numpy as np
import pytest

from keras_isa import layers
from keras_isa.inputs.arrays import to_numpy
from keras_isa.presets import Settings
from keras_isa.tuning.hyperparameters import (
    Hyperparameters,
    TunableCosineDecay,
    TunableRidgeRegression,
    TunableSemanticAugmentation,
)

RNG = np.random.default_rng(0)
SETTINGS = Settings(
    images_per_class=1,
    regularization=0.1,
    crucial_fraction=0.5,
    isa_interval=(-0.5, 0.25),
    learning_rate=0.01,
    final_learning_rate=0.2,
    steps=10,
)


@pytest.fixture
def hyperparameters():
    made = Hyperparameters()
    made.assign(SETTINGS, batch_size=8)
    return made


def test_they_hold_the_settings_and_are_not_trained(hyperparameters):
    assert int(to_numpy(hyperparameters.kept)) == 4
    assert float(to_numpy(hyperparameters.interval_low)) == -0.5
    assert int(to_numpy(hyperparameters.max_online_steps)) == SETTINGS.max_online_steps
    assert not hyperparameters.trainable_variables
    hyperparameters.assign(SETTINGS.with_changes(crucial_fraction=1.0), batch_size=3)
    assert int(to_numpy(hyperparameters.kept)) == 3


def test_the_rate_decays_as_in_keras(hyperparameters):
    expected = keras.optimizers.schedules.CosineDecay(0.01, 10, alpha=0.2)
    found = TunableCosineDecay(hyperparameters)
    for step in (0, 3, 10, 12):
        assert float(found(step)) == pytest.approx(float(expected(step)), rel=1e-5)
    config = {"learning_rate": 0.01, "final_share": 0.2, "steps": 10.0}
    assert found.get_config() == pytest.approx(config)


def test_the_regression_has_the_ridge_of_the_variable(hyperparameters):
    inputs = [RNG.normal(size=shape).astype("float32") for shape in ((5, 6), (4, 6), (4, 2))]
    expected = layers.KernelRidgeRegression(0.1)(tuple(inputs))
    found = TunableRidgeRegression(hyperparameters)(tuple(inputs))
    np.testing.assert_allclose(to_numpy(found), to_numpy(expected), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("pairing", ["nearest", "same_class", "all"])
def test_only_the_kept_rows_are_augmented(hyperparameters, pairing):
    residuals, features = (RNG.normal(size=(8, 3)).astype("float32") for _ in range(2))
    class_ids = np.array([0, 1, 1, 0, 1, 0, 1, 0], "int32")
    ordinary = layers.InfiniteSemanticAugmentation((-0.5, 0.25), pairing, "half_sum")
    expected = ordinary(residuals[:4], features[:4], class_ids[:4])
    tunable = TunableSemanticAugmentation(hyperparameters, pairing, "half_sum", seed=None)
    found = tunable(residuals, features, class_ids)
    assert float(to_numpy(found)) == pytest.approx(float(to_numpy(expected)), rel=1e-5)


def test_random_partners_are_kept_rows(hyperparameters):
    tunable = TunableSemanticAugmentation(hyperparameters, "random", "class_mean", seed=3)
    inside = np.arange(8) < 4
    drawn = [to_numpy(tunable._kept_partners(None, None, inside)).tolist() for _ in range(5)]
    assert all(sorted(partners[:4]) == [0, 1, 2, 3] for partners in drawn)
    assert len({tuple(partners) for partners in drawn}) > 1
