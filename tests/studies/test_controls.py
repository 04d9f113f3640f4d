import keras
import numpy as np
import pytest
from keras import ops

from keras_isa import DistributionMatchingTrainer, FRePoTrainer
from keras_isa.inputs.arrays import to_numpy
from keras_isa.layers import InfiniteSemanticAugmentation
from keras_isa.studies.controls import (
    InputMixupTrainer,
    OtherHardnessTrainer,
    SingleStepAugmentation,
    SingleStepTrainer,
    without_hardest,
)
from keras_isa.studies.experiment import PLAIN
from keras_isa.types import Batch


def trainer_of(experiment, kind, **changes):
    return kind.for_data(experiment.train, experiment.settings.with_changes(**changes), seed=3)


def losses_of(trainer, batch):
    """The loss of a step, and half the squared error of each sample, by hand in float64."""
    rng = np.random.default_rng(0)
    images, labels = rng.normal(size=(3, 4, 4, 1)), np.eye(3) - 1 / 3
    learned = {"images": ops.convert_to_tensor(images, "float32")}
    learned["labels"] = ops.convert_to_tensor(labels, "float32")
    context = trainer.context(batch)
    loss, _ = trainer.outer_loss(learned, batch, context)
    of_set = to_numpy(trainer.pool.features(context.member, learned["images"])).astype("float64")
    of_batch = to_numpy(context.features).astype("float64")
    kernel = of_set @ of_set.T
    ridge = trainer.kernel_regression.regularization * np.trace(kernel) / len(kernel)
    solved = np.linalg.solve(kernel + ridge * np.eye(len(kernel)), labels)
    residuals = of_batch @ of_set.T @ solved - to_numpy(context.labels)
    margin = np.minimum(np.diff(np.sort(labels, axis=1))[:, -1], 1 / 3).mean()
    return float(loss) + margin, residuals


@pytest.fixture
def batch(experiment):
    rng = np.random.default_rng(1)
    images = rng.normal(size=(10, 4, 4, 1)).astype("float32")
    return Batch(ops.convert_to_tensor(images), ops.convert_to_tensor(np.arange(10) % 3, "int32"))


def test_the_easiest_are_kept(experiment, batch):
    settings = {**PLAIN, "crucial_fraction": 0.7, "regularization": 1e-2}
    trainer = trainer_of(experiment, without_hardest(FRePoTrainer), **settings)
    loss, residuals = losses_of(trainer, batch)
    squares = np.sort((residuals**2).sum(axis=1))
    assert loss == pytest.approx(squares[:7].sum() / 7 / 3, rel=1e-3)  # the mean over classes
    usual, _ = losses_of(trainer_of(experiment, FRePoTrainer, **settings), batch)
    assert usual == pytest.approx(squares[3:].sum() / 7 / 3, rel=1e-3)
    assert trainer.description()["crucial_keep"] == "easiest"
    assert without_hardest(FRePoTrainer) is without_hardest(FRePoTrainer)


def test_a_method_that_chooses_in_another_way_is_refused(experiment):
    settings = DistributionMatchingTrainer.Config(images_per_class=1, width=4, depth=1)
    with pytest.raises(ValueError, match="`method` must be one .*Received: dm"):
        without_hardest(DistributionMatchingTrainer).for_data(experiment.train, settings)


@pytest.mark.parametrize("pairing", ["nearest", "random", "same_class"])
def test_the_mean_of_single_steps_is_isa(pairing):
    rng = np.random.default_rng(0)
    about = rng.normal(size=(12, 3)), rng.normal(size=(12, 5)), np.arange(12) % 4
    about = [ops.convert_to_tensor(one, "float32") for one in about[:2]] + [about[2]]
    single = SingleStepAugmentation((-0.5, 1.0), pairing, seed=4, position_seed=5)
    exact = InfiniteSemanticAugmentation((-0.5, 1.0), pairing, seed=4)
    drawn = [float(single(*about)) for _ in range(400)]
    expected = np.mean([float(exact(*about)) for _ in range(400)])
    assert np.std(drawn) > 0.01 * expected
    assert np.mean(drawn) == pytest.approx(expected, abs=4 * np.std(drawn) / 20)


def test_a_run_with_single_steps(experiment):
    trainer = trainer_of(experiment, SingleStepTrainer, crucial_fraction=1.0)
    assert isinstance(trainer.augmentation, SingleStepAugmentation)
    assert trainer.augmentation.interval == (0.0, 0.5)
    trainer.fit(experiment.train, epochs=1, steps_per_epoch=2, verbose=0)
    assert np.isfinite(to_numpy(trainer.distilled.images)).all()
    assert trainer.distilled.provenance["augmentation"] == "single step"


def test_images_and_labels_are_mixed_alike(experiment, batch):
    trainer = trainer_of(experiment, InputMixupTrainer, **PLAIN)
    copy = keras.random.SeedGenerator(0)
    copy.state.assign(trainer.mixing_seeds.state)
    order = to_numpy(keras.random.shuffle(ops.arange(10, dtype="int32"), seed=copy))
    share = to_numpy(keras.random.uniform((10,), seed=copy))
    context = trainer.context(batch)

    def mixed(values):
        each = share.reshape(-1, *(1,) * (values.ndim - 1))
        return each * values + (1 - each) * values[order]

    expected = mixed(to_numpy(trainer.distilled.encode(batch.class_ids)))
    np.testing.assert_allclose(to_numpy(context.labels), expected, atol=1e-6)
    images = ops.convert_to_tensor(mixed(to_numpy(batch.images)))
    features = trainer.pool.features(context.member, images)
    np.testing.assert_allclose(to_numpy(context.features), to_numpy(features), atol=1e-4)
    assert sorted(order) == list(range(10)) and (order != np.arange(10)).any()


def test_a_run_with_mixed_inputs(experiment):
    trainer = trainer_of(experiment, InputMixupTrainer, **PLAIN)
    trainer.fit(experiment.train, epochs=1, steps_per_epoch=2, verbose=0)
    assert np.isfinite(to_numpy(trainer.distilled.images)).all()
    assert trainer.distilled.provenance["augmentation"] == "mixup of inputs"


def test_another_member_says_what_is_hard(experiment, batch):
    settings = {**PLAIN, "crucial_fraction": 0.5, "regularization": 1e-2}
    trainer = trainer_of(experiment, OtherHardnessTrainer, **settings)
    usual = trainer_of(experiment, FRePoTrainer, **settings)
    rng = np.random.default_rng(0)
    images, labels = rng.normal(size=(3, 4, 4, 1)).astype("float32"), np.eye(3) - 1 / 3
    learned = {"images": ops.convert_to_tensor(images)}
    learned["labels"] = ops.convert_to_tensor(labels, "float32")

    def squares(member):
        of_set, of_batch = (
            to_numpy(trainer.pool.features(member, one)).astype("float64")
            for one in (learned["images"], batch.images)
        )
        kernel = of_set @ of_set.T
        ridge = 1e-2 * np.trace(kernel) / len(kernel)
        solved = np.linalg.solve(kernel + ridge * np.eye(len(kernel)), labels)
        wanted = to_numpy(trainer.distilled.encode(batch.class_ids))
        return ((of_batch @ of_set.T @ solved - wanted) ** 2).sum(axis=1)

    others = set()
    for _ in range(8):
        context = trainer.context(batch)
        own, by = squares(context.member), squares(context.other)
        assert not np.allclose(own, by)
        np.testing.assert_allclose(to_numpy(trainer.hardness(learned, context)), by / 2, rtol=1e-3)
        loss, _ = trainer.outer_loss(learned, batch, context)
        margin = np.minimum(np.diff(np.sort(labels, axis=1))[:, -1], 1 / 3).mean()
        kept = np.argsort(-by)[:5]
        assert float(loss) + margin == pytest.approx(own[kept].sum() / 5 / 3, rel=1e-3)
        # The members that train are the same as without.
        assert int(usual.context(batch).index) == int(context.index)
        others.add(int(context.index))
    assert len(others) > 1


def test_a_run_with_hardness_from_another_member(experiment):
    trainer = trainer_of(experiment, OtherHardnessTrainer)
    trainer.fit(experiment.train, epochs=1, steps_per_epoch=2, verbose=0)
    assert np.isfinite(to_numpy(trainer.distilled.images)).all()
    assert trainer.distilled.provenance["hardness"] == "another member"


def test_a_pool_of_one_has_no_other_member(experiment):
    with pytest.raises(ValueError, match="`pool_size` must be at least 2.*pool_size=1"):
        trainer_of(experiment, OtherHardnessTrainer, pool_size=1)
