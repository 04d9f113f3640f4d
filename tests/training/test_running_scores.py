"""The running score of each training sample."""

import numpy as np
import pytest

from keras_isa import DistilledData, FRePoTrainer
from keras_isa.datasets import Dataset
from keras_isa.methods import DistributionMatchingTrainer
from keras_isa.ops.splits import validation_mask
from keras_isa.presets import settings_for
from keras_isa.training.running_scores import RunningScores

SMALL = {"width": 4, "depth": 1, "epochs": 2, "pool_size": 2, "batch_size": 8}


@pytest.fixture(scope="module")
def train():
    rng = np.random.default_rng(0)
    y = np.arange(40) % 4
    x = (60 * y[:, None, None, None] + rng.integers(0, 40, (40, 4, 4, 1))).astype("uint8")
    return Dataset.from_arrays(x, y, class_names=tuple("abcd"), axes="NHWC")


def trained(train, steps, method=FRePoTrainer, track=True, **fit):
    settings = settings_for(train, 1, accelerated=False, config=method.Config)
    changes = {name: value for name, value in SMALL.items() if hasattr(settings, name)}
    trainer = method.for_data(train, settings.with_changes(**changes, steps=steps))
    trainer.track_samples = track
    trainer.fit(train, verbose=0, **fit)
    return trainer


def test_means_and_looks_by_hand():
    scores = RunningScores(np.array([1, 2, 4]), 6)
    scores.update(np.array([2, 0]), np.array([3.0, 1.0], "float32"))
    scores.update(np.array([0, 1]), np.array([2.0, 5.0], "float32"))
    np.testing.assert_allclose(scores.means(), [np.nan, 1.5, 5.0, np.nan, 3.0, np.nan])
    assert scores.looks().tolist() == [0, 2, 1, 0, 1, 0]
    y = np.array([0, 1, 0, 1, 1, 0])
    found = scores.hardest(y, ("cat", "dog"), 1)
    assert found == [
        {"row": 2, "class": "cat", "loss": 5.0, "looks": 1},
        {"row": 4, "class": "dog", "loss": 3.0, "looks": 1},
    ]
    assert [one["row"] for one in scores.hardest(y, ("cat", "dog"))] == [2, 4, 1]
    with pytest.raises(ValueError, match="`y` must hold the classes of the 6 samples"):
        scores.hardest(y[:3], ("cat", "dog"))


def test_every_sample_is_looked_at_as_often_as_it_is_drawn(train):
    trainer = trained(train, 10)  # two passes through 40 samples in batches of eight
    assert trainer.running_scores.looks().tolist() == [2] * 40
    assert np.isfinite(trainer.running_scores.means()).all()


def test_held_out_samples_are_not_looked_at(train):
    trainer = trained(train, 8, validation_split=0.2)
    held_out = validation_mask(train.y, 4, 0.2, trainer.seed)
    assert (trainer.running_scores.looks()[held_out] == 0).all()
    assert (trainer.running_scores.looks()[~held_out] > 0).all()


def test_the_set_is_the_same_with_and_without(train):
    first, second = (trained(train, 4, track=track) for track in (True, False))
    for one, other in zip(first.distilled.to_numpy(), second.distilled.to_numpy(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    assert second.running_scores is None


def test_later_data_without_tracking_leave_the_scores_alone(train):
    trainer = trained(train, 4)
    before = trainer.running_scores.looks()
    trainer.track_samples = False
    more = np.concatenate([train.x, train.x]), np.concatenate([train.y, train.y])
    trainer.fit(*more, verbose=0)
    np.testing.assert_array_equal(trainer.running_scores.looks(), before)
    trainer.track_samples = True
    trainer.fit(*more, verbose=0)
    assert len(trainer.running_scores.looks()) == 80 and trainer.running_scores.looks().any()


def test_scores_are_the_losses_of_the_steps(train):
    """Of one step on all samples the mean score is the mean of the losses of its prediction."""
    settings = settings_for(train, 1, accelerated=False).with_changes(
        **{**SMALL, "epochs": 1, "batch_size": 40, "steps": 1}, updates_per_batch=1
    )
    trainer = FRePoTrainer.for_data(train, settings)
    trainer.track_samples = True
    seen = []
    outer_loss = trainer.outer_loss

    def noted(learned, batch, context):
        loss, metrics = outer_loss(learned, batch, context)
        seen.append(tuple(metrics["sample_losses"].shape))
        return loss, metrics

    trainer.outer_loss = noted
    trainer.fit(train, verbose=0)
    assert seen and set(seen) == {(40,)}
    assert trainer.running_scores.looks().tolist() == [1] * 40
    assert (trainer.running_scores.means() >= 0).all()


def test_a_killed_run_goes_on_with_its_scores(train, tmp_path):
    alone = trained(train, 8)
    for epochs in (1, 2):
        settings = settings_for(train, 1, accelerated=False).with_changes(**SMALL, steps=8)
        trainer = FRePoTrainer.for_data(train, settings)
        trainer.track_samples = True
        trainer.fit(train, verbose=0, epochs=epochs, steps_per_epoch=4, resume=tmp_path)
    np.testing.assert_allclose(trainer.running_scores.means(), alone.running_scores.means())
    assert trainer.running_scores.looks().sum() == 64


def test_methods_and_data_without_scores(train):
    with pytest.raises(ValueError, match="for a method whose loss is none of single samples"):
        trained(train, 2, DistributionMatchingTrainer)
    distilled = DistilledData.from_samples(train.x, train.y, 1, class_names=train.class_names)
    settings = settings_for(train, 1, accelerated=False).with_changes(**SMALL, steps=2)
    trainer = FRePoTrainer.from_settings(settings, distilled)
    trainer.track_samples = True
    with pytest.raises(ValueError, match="`track_samples` must be False for data that are read"):
        trainer.fit([(train.x[:8], train.y[:8])], steps_per_epoch=1, epochs=1, verbose=0)
