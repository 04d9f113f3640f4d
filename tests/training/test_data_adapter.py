"""What `fit` trains with, validates on and starts from."""

import keras
import numpy as np
import pytest

import keras_isa
from keras_isa import DistilledData, FRePoTrainer
from keras_isa.datasets import Dataset
from keras_isa.ops.splits import validation_mask

NAMES = ("ant", "bee", "cat")


def named(problem, names):
    x, y = problem
    return Dataset(x, y, names, "named", "train", (-5.0, 5.0))


def test_a_set_without_names_takes_those_of_the_data(make_trainer, problem):
    trainer = make_trainer()
    assert trainer.distilled.class_names == ("0", "1", "2")
    trainer.fit(named(problem, NAMES), batch_size=24, steps_per_epoch=1, verbose=0)
    assert trainer.distilled.class_names == NAMES


def test_a_set_that_starts_from_a_dataset_takes_its_pixel_range(make_trainer, problem):
    for distilled, expected in (
        (DistilledData((3, 3, 1), 3, 1), (-5.0, 5.0)),
        (DistilledData((3, 3, 1), 3, 1, pixel_range=(0, 1)), (0.0, 1.0)),
        (DistilledData.from_samples(*problem, 1, pixel_range=(-1, 1)), (-1.0, 1.0)),
    ):
        trainer = make_trainer(distilled=distilled)
        trainer.fit(named(problem, NAMES), batch_size=24, steps_per_epoch=1, verbose=0)
        assert distilled.pixel_range == expected


def test_a_preset_adapts_to_its_data_whatever_the_set_starts_from():
    train, _ = keras_isa.datasets.load("digits")
    trainer = FRePoTrainer.from_preset("digits", verbose=False, width=4, depth=1, pool_size=1)
    noise = np.random.default_rng(0).normal(size=(10, 8, 8, 1)).astype("float32")
    trainer.distilled.images.assign(noise)
    trainer.compile(keras.optimizers.SGD(0.0))
    trainer.fit(train, epochs=1, steps_per_epoch=1, verbose=0)
    np.testing.assert_array_equal(trainer.distilled.to_numpy()[0], noise)
    assert np.array(trainer.distilled(train.x)).std() == pytest.approx(1, abs=1e-3)
    again = trainer.distilled.preprocessing.get_weights()
    trainer.fit(train.x[:500], train.y[:500], epochs=1, steps_per_epoch=1, verbose=0)
    np.testing.assert_array_equal(trainer.distilled.preprocessing.get_weights(), again)


def test_a_preset_whitens_with_its_own_data():
    tiny = {"width": 4, "depth": 1, "pool_size": 2, "steps": 2, "batch_size": 16}
    trainer = FRePoTrainer.from_preset("cifar10-cpu", [1, 2, *[1] * 8], verbose=False, **tiny)
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (40, 32, 32, 3)).astype("uint8"), np.arange(40) % 10
    trainer.fit(x, y, verbose=0)
    distilled = trainer.distilled
    assert distilled.class_counts == (1, 2, *[1] * 8)
    whitened = distilled.preprocess(x).reshape(40, -1)
    # The spanned directions have one variance but for the ridge, 39 of 3072.
    covariance = np.linalg.svd(whitened, compute_uv=False)[:39] ** 2 / 40
    assert covariance.max() / covariance.min() < 1.5


METRICS = set(FRePoTrainer.metric_names)


def test_held_out_images_never_reach_a_batch(make_trainer, problem, fit, networks):
    x, y = problem
    poisoned = x.copy()
    poisoned[validation_mask(y, 3, 0.25, seed=0)] = 1e6
    histories, pools = [], []
    for images in (x, poisoned):
        trainer = make_trainer()
        history = fit(trainer, images, y, epochs=3, validation_split=0.25, batch_size=12)
        histories.append(history.history)
        pools.append(networks(trainer))
    for name in METRICS:
        assert histories[0][name] == histories[1][name], name
    for one, other in zip(*pools, strict=True):
        np.testing.assert_array_equal(one, other)
    # The poison was where it should be.
    assert min(histories[1]["val_loss"]) > 1e6 > max(histories[0]["val_loss"])


def test_batches_cannot_be_split(make_trainer, problem):
    with pytest.raises(ValueError, match="`validation_split` needs arrays.*Received: x=list"):
        make_trainer().fit([problem], validation_split=0.2, verbose=0)
