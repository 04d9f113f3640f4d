"""What `fit` makes of class names and shapes, and what a preset says of itself."""

import keras
import numpy as np
import pytest

import keras_isa
from keras_isa import DistilledData, FRePoTrainer
from keras_isa.datasets import Dataset
from keras_isa.trainers.inputs import take_class_names

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


def test_names_of_its_own_must_be_those_of_the_data(problem):
    distilled = DistilledData((3, 3, 1), 3, 1, class_names=NAMES)
    take_class_names(distilled, NAMES)
    take_class_names(distilled, None)
    with pytest.raises(ValueError, match=r"same order.*select_classes\(.*bee, ant, cat instead"):
        take_class_names(distilled, ("bee", "ant", "cat"))
    assert distilled.class_names == NAMES


def test_a_training_part_in_another_order_is_refused(make_trainer, problem):
    trainer = make_trainer()
    trainer.distilled.class_names = NAMES
    other = named(problem, ("cat", "bee", "ant"))
    with pytest.raises(ValueError, match="same order"):
        trainer.fit(other, verbose=0)
    trainer.fit(other.select_classes(NAMES), batch_size=24, steps_per_epoch=1, verbose=0)


def test_labels_may_be_names(make_trainer, problem):
    x, y = problem
    results = []
    for labels in (y, np.array(NAMES)[y]):
        trainer = make_trainer()
        trainer.distilled.class_names = NAMES
        trainer.fit(x, labels, batch_size=24, steps_per_epoch=2, verbose=0)
        results.append(trainer.distilled.to_numpy()[0])
    np.testing.assert_array_equal(*results)
    with pytest.raises(ValueError, match="dog"):
        trainer.fit(x, np.array(["ant", "bee", "dog"])[y], verbose=0)


def test_batches_of_another_shape_are_named(make_trainer, problem):
    x, y = problem
    batches = ((np.moveaxis(x, -1, 1), y) for _ in range(2))
    with pytest.raises(
        ValueError, match=r"images of shape \(3, 3, 1\), channels last.*\(1, 3, 3\)"
    ):
        make_trainer().fit(batches, steps_per_epoch=1, verbose=0)


def test_mirror_images_of_flat_features_are_refused(problem):
    flat = DistilledData.from_samples(problem[0].reshape(48, 9), problem[1], 1)
    with pytest.raises(ValueError, match="`flip` must be False for flat features"):
        FRePoTrainer(flat, lambda: keras_isa.models.MLP((9,), 3, width=4), flip=True)


def test_flat_features_are_distilled(problem):
    x, y = problem[0].reshape(48, 9), problem[1]
    distilled = DistilledData.from_samples(x, y, {0: 1, 1: 2, 2: 3})
    start = distilled.to_numpy()[0]
    trainer = FRePoTrainer(
        distilled, lambda: keras_isa.models.MLP((9,), 3, width=16), regularization=1e-2, pool_size=2
    )
    trainer.compile()
    history = trainer.fit(x, y, batch_size=24, steps_per_epoch=3, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    assert distilled.to_numpy()[0].shape == (6, 9)
    assert np.abs(distilled.to_numpy()[0] - start).max() > 0


def test_a_preset_says_what_it_resolved_to(capsys):
    tiny = {"width": 4, "depth": 1, "pool_size": 2, "steps": 7}
    FRePoTrainer.from_preset("mnist-cpu", 1, **tiny)
    said = capsys.readouterr().out
    assert "preset mnist-cpu" in said and "steps = 7" in said and "width = 4" in said
    FRePoTrainer.from_preset("mnist-cpu", 1, verbose=False, **tiny)
    assert capsys.readouterr().out == ""


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
