"""Settings as variables have the same effect as constants, alone and in a whole step."""

import keras
import numpy as np
import pytest

from keras_isa import DistilledData, FRePoTrainer, layers
from keras_isa.inputs.arrays import to_numpy
from keras_isa.methods import DistributionMatchingTrainer, DMConfig
from keras_isa.presets import Config, Settings
from keras_isa.tuning.tunable_trainer import (
    Hyperparameters,
    TunableCosineDecay,
    TunableRidgeRegression,
    TunableSemanticAugmentation,
    TunableTrainer,
    trainer_of,
)

DETERMINISTIC = [
    {
        **{"pairing": "nearest", "crucial_fraction": 0.3, "regularization": 1e-1},
        **{"max_online_steps": 2, "learning_rate": 3e-2, "inner_learning_rate": 1e-2},
    },
    {"pairing": "same_class", "crucial_fraction": 0.5, "isa_interval": (-1.0, 0.0)},
    {"pairing": "all", "crucial_fraction": 0.7, "isa_interval": (0.0, 1.0)},
    {"isa_interval": (0.0, 0.0), "reduction": "half_sum", "crucial_fraction": 1.0},
]


def distilled_of(train):
    return DistilledData.from_samples(train.x, train.y, 1, preprocessing=None)


def steps(trainer, train, count=6):
    """Runs some steps, and returns the set, the losses and the ages of the pool."""
    options = {"batch_size": 16, "epochs": 1, "steps_per_epoch": count, "verbose": 0}
    history = trainer.fit(train.x, train.y, **options).history
    ages = to_numpy(trainer.pool.ages)
    return [*trainer.distilled.to_numpy(), np.array([history["loss"], history["inner_loss"]]), ages]


def tuned(train, settings, before=None):
    """The same with settings as variables, after a run with other settings."""
    distilled = distilled_of(train)
    first = distilled.to_numpy()
    start = settings if before is None else before
    trainer = TunableTrainer.from_settings(start, distilled)
    for current in (start, settings):
        trainer.reset(current, len(train.y))
        distilled.images.assign(first[0])
        distilled.labels.assign(first[1])
        found = steps(trainer, train)
    return found, trainer


@pytest.mark.parametrize("changes", DETERMINISTIC)
def test_equals_the_ordinary_trainer(settings, train, changes):
    settings = settings.with_changes(**changes)
    ordinary = steps(FRePoTrainer.from_settings(settings, distilled_of(train)), train)
    other = settings.with_changes(
        crucial_fraction=0.45, regularization=0.5, learning_rate=0.1, max_online_steps=3
    )
    found, _ = tuned(train, settings, before=other)
    for one, two in zip(found, ordinary, strict=True):
        np.testing.assert_allclose(one, two, rtol=2e-3, atol=2e-4)


def test_random_partners_are_a_permutation_of_the_kept_rows(settings, train):
    settings = settings.with_changes(pairing="random", crucial_fraction=0.5)
    _, trainer = tuned(train, settings)
    inside = np.arange(16) < 8
    drawn = [to_numpy(trainer.augmentation._kept_partners(None, None, inside)) for _ in range(3)]
    assert all(sorted(partners[:8]) == list(range(8)) for partners in drawn)
    assert len({tuple(partners[:8]) for partners in drawn}) > 1


def test_a_reset_forgets_the_run_before(settings, train):
    first, trainer = tuned(train, settings)
    again, _ = tuned(train, settings, before=settings.with_changes(regularization=0.3))
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)
    assert len({id(variable) for variable in trainer.variables}) == len(trainer.variables)


def test_the_record_has_the_settings_of_the_run(settings, train):
    other = settings.with_changes(crucial_fraction=0.5, isa_interval=(0.0, 1.0))
    _, trainer = tuned(train, other, before=settings)
    record = trainer.distilled.provenance
    assert record["crucial_fraction"] == 0.5 and record["isa_interval"] == [0.0, 1.0]
    assert record["max_online_steps"] == 5 and record["regularization"] == 1e-2
    assert record["settings"] == other.to_dict()


def test_each_method_has_a_trainer():
    assert trainer_of(Settings) is TunableTrainer
    assert trainer_of(DMConfig) is DistributionMatchingTrainer

    class Other(DMConfig):
        pass

    class OfFRePo(Settings):
        method = "frepo"

    for config in (Other, OfFRePo, Config):
        with pytest.raises(ValueError, match="method"):
            trainer_of(config)


# ------------------------------------------------------------------ the parts of the step

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
    assert to_numpy(hyperparameters.interval).tolist() == [-0.5, 0.25]
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
