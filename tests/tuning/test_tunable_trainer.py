"""A step whose settings are variables computes the same as the ordinary step."""

import numpy as np
import pytest

from keras_isa import DistilledData, FRePoTrainer
from keras_isa.inputs.arrays import to_numpy
from keras_isa.tuning.tunable_trainer import TunableTrainer

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
