"""MTT: what the step is given, what it needs, and what `fit` leaves."""

import keras
import numpy as np
import pytest

from keras_isa import DistilledData, TrajectoryMatchingTrainer
from keras_isa.inputs.arrays import to_numpy
from keras_isa.methods import Batch, MTTConfig, experts
from keras_isa.models import MLP, ConvNet

SHAPE = (8, 8, 1)
SMALL = {
    "width": 4, "depth": 1, "steps": 4, "epochs": 2, "batch_size": 20, "student_steps": 3,
    "experts": 1, "expert_epochs": 3, "expert_steps": 2, "most_start": 2, "expert_span": 1,
}  # fmt: skip


@pytest.fixture(autouse=True)
def without_experts():
    experts._last.clear()


def made(data, **changes):
    settings = MTTConfig.derived(SHAPE, 3, 60, 1, accelerated=False)
    settings = settings.with_changes(**{**SMALL, **changes})
    return TrajectoryMatchingTrainer.from_settings(settings, DistilledData.from_samples(*data, 1))


def test_the_loss_is_the_distance_relative_to_the_way(data):
    trainer = made(data)
    size = sum(int(np.prod(one.shape)) for one in trainer.network.weights)
    rng = np.random.default_rng(0)
    start, target = (0.1 * rng.normal(size=size).astype("float32") for _ in range(2))
    context = trainer.context(Batch(*map(keras.ops.convert_to_tensor, (start, target))))
    images, rate = trainer.distilled.images, keras.ops.convert_to_tensor(0.02)
    learned = {"images": keras.ops.convert_to_tensor(images), "step_size": rate}
    loss, metrics = trainer.outer_loss(learned, Batch(None, None), context)
    end, _ = trainer.student.train(context[0], learned["images"], rate, context[2])
    expected = np.sum((to_numpy(end) - target) ** 2) / np.sum((start - target) ** 2)
    assert float(to_numpy(loss)) == pytest.approx(expected, rel=1e-4)
    assert float(to_numpy(metrics["step_size"])) == pytest.approx(0.02)


def test_a_refused_fit_leaves_the_recipe(data):
    trainer = made(data)
    before = dict(trainer.distilled.recipe)
    with pytest.raises(ValueError, match="shape"):
        trainer.fit(data[0][:, :4], data[1], verbose=0)
    assert trainer.distilled.recipe == before
    with pytest.raises(TypeError, match="`experts` must be"):
        trainer.give_experts(5)


def test_networks_with_statistics_are_refused(data):
    distilled = DistilledData.from_samples(*data, 1)

    def build():
        return ConvNet(SHAPE, 3, width=2, depth=2, normalization="batch")

    with pytest.raises(ValueError, match="without statistics"):
        TrajectoryMatchingTrainer(distilled, build)


def test_a_step_without_settings_needs_their_number(data):
    distilled = DistilledData.from_samples(*data, 1)

    def build():
        return ConvNet(SHAPE, 3, width=2, depth=1, normalization="instance")

    plan = made(data).plan_of_experts
    trainer = TrajectoryMatchingTrainer(distilled, build, plan=plan, expert_span=1)
    trainer.compile(keras.optimizers.SGD(0.1))
    with pytest.raises(ValueError, match="`steps_per_epoch` must be given"):
        trainer.fit(*data, verbose=0)


def test_what_is_not_usable_is_refused_at_once(data):
    flat = DistilledData((5,), 2, 1)

    def build():
        return MLP((5,), 2, width=3)

    with pytest.raises(ValueError, match="`augmentation` must be empty"):
        TrajectoryMatchingTrainer(flat, build)
    TrajectoryMatchingTrainer(flat, build, augmentation=())


def test_a_step_size_that_is_lost_is_said(data):
    trainer = made(data)
    trainer._keep_step_size()
    kept = trainer.distilled.recipe["learning_rate"]
    assert kept == pytest.approx(float(to_numpy(trainer.step_size)))
    trainer.step_size.assign(-0.5)
    with pytest.warns(UserWarning, match=r"the learned step size is -0.5, with which"):
        trainer._keep_step_size()
    assert trainer.distilled.recipe["learning_rate"] == kept
