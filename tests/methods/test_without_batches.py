"""A method that takes no batches, learns more than images and labels, and has two optimizers."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_isa import DistilledData
from keras_isa.callbacks import NaNGuard
from keras_isa.inputs.arrays import to_numpy
from keras_isa.methods import DistillationTrainer


class ByScale:
    """Class 0 for images whose sum times the trainer's factor is positive, otherwise class 1."""

    name, members = "scale", 1

    def __init__(self, trainer):
        self._factor = trainer.factor

    def get_config(self):
        return {"kind": self.name}

    def __call__(self, images, member):
        score = ops.sum(images, axis=(1, 2, 3)) * self._factor
        return ops.stack([score, -score], axis=1)


class FactorTrainer(DistillationTrainer):
    """The loss is the squared distance of the factor times the set from one."""

    metric_names = ("loss",)
    takes_batches = False

    def __init__(self, distilled, **kwargs):
        super().__init__(distilled, **kwargs)
        self.factor = self.add_weight(
            shape=(), initializer=keras.initializers.Constant(2.0), autocast=False, name="factor"
        )
        self.predictor = ByScale(self)

    def learned_variables(self):
        return {**super().learned_variables(), "factor": self.factor}

    def outer_loss(self, learned, batch, context):
        assert batch.images is None and batch.class_ids is None
        loss = ops.sum(ops.square(learned["factor"] * learned["images"] - 1.0))
        return loss, {"loss": loss}


@pytest.fixture
def data():
    x = np.random.default_rng(0).uniform(0.1, 1.0, (8, 2, 2, 1)).astype("float32")
    return x, np.arange(8) % 2


def make(data, image_rate=0.01, factor_rate=0.001):
    trainer = FactorTrainer(DistilledData.from_samples(*data, 1, learn_labels=False))
    groups = keras.optimizers.OptimizerMap(keras.optimizers.SGD(image_rate))
    groups[".*factor"] = keras.optimizers.SGD(factor_rate)
    trainer.compile(keras.optimizers.MultiOptimizer(groups), steps_per_execution=2)
    return trainer


def test_a_step_is_that_of_numpy(data):
    trainer = make(data)
    images, factor = trainer.distilled.to_numpy()[0].astype("float64"), 2.0
    trainer.fit(*data, steps_per_epoch=3, verbose=0)
    for _ in range(3):
        residual = factor * images - 1.0
        images, factor = (
            images - 0.01 * 2 * factor * residual,
            factor - 0.001 * 2 * np.sum(residual * images),
        )
    np.testing.assert_allclose(trainer.distilled.to_numpy()[0], images, rtol=1e-5)
    np.testing.assert_allclose(to_numpy(trainer.factor), factor, rtol=1e-5)


def test_all_that_is_learned_is_kept_with_the_best_set(data):
    trainer, factors = make(data), []
    record = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: factors.append(float(to_numpy(trainer.factor)))
    )
    spoil = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: trainer.factor.assign(-5.0) if epoch == 2 else None
    )
    held_out = data[0], np.zeros(8, "int32")
    trainer.fit(
        *data, epochs=3, steps_per_epoch=2, validation_data=held_out, callbacks=[spoil, record],
        verbose=0,
    )  # fmt: skip
    best = trainer.distilled.provenance["selection"]["epoch"] - 1
    assert best < 2 and factors[2] < 0
    assert float(to_numpy(trainer.factor)) == factors[best]
    assert trainer.distilled.recipe["predictor"] == {"kind": "scale"}


def test_a_resumed_run_ends_as_one_that_was_not_stopped(data, tmp_path):
    whole = make(data)
    whole.fit(*data, epochs=3, steps_per_epoch=2, resume=tmp_path / "whole", verbose=0)
    stop = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: (_ for _ in ()).throw(OSError) if epoch == 1 else None
    )
    with pytest.raises(OSError):
        make(data).fit(
            *data, epochs=3, steps_per_epoch=2, resume=tmp_path / "cut", callbacks=[stop], verbose=0
        )
    again = make(data)
    history = again.fit(*data, epochs=3, steps_per_epoch=2, resume=tmp_path / "cut", verbose=0)
    assert history.epoch == [1, 2]
    np.testing.assert_array_equal(to_numpy(again.factor), to_numpy(whole.factor))
    for one, other in zip(again.distilled.to_numpy(), whole.distilled.to_numpy(), strict=True):
        np.testing.assert_array_equal(one, other)


class Poison(keras.callbacks.Callback):
    """Makes what is learned beside the set NaN after the first call."""

    done = False

    def on_train_batch_end(self, batch, logs=None):
        if not self.done:
            self.model.factor.assign(np.nan)
            self.done = True


def test_all_rates_are_halved_when_training_diverges(data):
    trainer = make(data, image_rate=keras.optimizers.schedules.CosineDecay(0.01, 9))
    before = [float(to_numpy(rate)) for rate in trainer.rate_variables]
    assert sorted(before) == pytest.approx([0.001, 1.0])
    with pytest.warns(UserWarning, match="training diverged"):
        trainer.fit(*data, steps_per_epoch=4, callbacks=[Poison(), NaNGuard()], verbose=0)
    halved = [float(to_numpy(rate)) for rate in trainer.rate_variables]
    assert halved == pytest.approx([rate / 2 for rate in before])
    assert np.isfinite(to_numpy(trainer.factor))
