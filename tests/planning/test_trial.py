"""One step without the networks and data of a run: its memory, and the extrapolated time."""

import functools

import keras
import pytest

from keras_isa import DistilledData, FRePoTrainer
from keras_isa.planning import trial
from keras_isa.planning.cost import Cost
from keras_isa.planning.memory_estimate import bytes_of
from keras_isa.planning.trial import Trial, extrapolated_seconds, is_short
from keras_isa.presets import Settings
from keras_isa.training.device_data import BatchSampler

of_jax = pytest.mark.skipif(
    keras.backend.backend() != "jax", reason="JAX's compiler says what a step takes"
)
SHAPE = (8, 8, 1)
CLASSES = 3
SMALL = Settings(
    images_per_class=2, width=4, depth=1, batch_size=16, steps=20, epochs=2, pool_size=3
)


def trainer_of(settings, shape=SHAPE, classes=CLASSES):
    distilled = DistilledData(shape, classes, settings.images_per_class)
    return FRePoTrainer.from_settings(settings, distilled)


@pytest.mark.parametrize(
    ("settings", "shape"),
    [
        (SMALL, SHAPE),
        (SMALL.with_changes(images_per_class=(1, 4, 2)), SHAPE),
        (SMALL.with_changes(normalization="identity"), (12,)),
    ],
)
def test_counted_variables_are_those_of_the_run(settings, shape):
    """The bytes of pool and set, found from a pool of one network, are those of the run."""
    rows = sum(settings.images_per_class) if settings.images_per_class != 2 else 6
    one = Trial(FRePoTrainer, settings, shape, CLASSES, rows=rows, batch_size=16)
    parts = one.trainer.held_bytes(settings)
    real = trainer_of(settings, shape)
    pool = real.pool
    stacked = [*pool.stacked_weights, *pool.stacked_state, *pool.stacked_slots, pool.ages]
    described = [*pool.network.weights, *pool.network.state, *pool._optimizer.slots]
    assert parts["pool"] == bytes_of(stacked) + bytes_of(described)
    learned = [*real.distilled.trainable_variables, *real.optimizer.variables]
    assert parts["set"] == bytes_of([*learned, *real.best.variables])


def test_a_larger_pool_costs_its_members():
    one = Trial(FRePoTrainer, SMALL, SHAPE, CLASSES, rows=6, batch_size=16).trainer
    settings = [SMALL.with_changes(pool_size=size) for size in (10, 20, 30)]
    sizes = [one.held_bytes(each)["pool"] for each in settings]
    weights = bytes_of(one.pool.network.weights)
    assert sizes[1] - sizes[0] == sizes[2] - sizes[1] > 10 * 3 * weights


@of_jax
def test_the_step_does_not_grow_with_the_pool_or_the_data():
    """Networks and data that a trial leaves out do not change the memory of temporaries."""
    extras = []
    for pool_size, rows in ((1, 16), (4, 64)):
        trainer = trainer_of(SMALL.with_changes(pool_size=pool_size))
        one = Trial(FRePoTrainer, SMALL, SHAPE, CLASSES, rows=6, batch_size=16)
        one.trainer = trainer
        trainer.sampler = BatchSampler(rows, 16, seed=0)
        extras.append(one.compile())
    member = bytes_of(trainer.pool.network.weights)
    assert abs(extras[1] - extras[0]) < 0.1 * extras[0] + member


@of_jax
def test_long_steps_are_told_from_short_ones(monkeypatch):
    """With times that follow a known law, the extrapolation finds the law again."""
    settings = SMALL.with_changes(flip=False)

    def passes(batch_size, rows):
        return 0.5 + 0.01 * batch_size + 0.02 * (2 * rows + 3 * min(rows, 1000))

    class Timed(Trial):
        def compile(self, validation_rows=0):
            return 0

        def seconds(self, least, budget):
            return [passes(self.batch_size, self.trainer.distilled.images.shape[0])] * least

    @functools.cache  # its seconds are those of its numbers
    def make(batch_size, rows):
        return Timed(FRePoTrainer, settings, (8,), 20, rows=rows, batch_size=batch_size)

    monkeypatch.setattr(trial, "TRIAL_FLOPS", 0)
    # The regression on a large set grows faster than the set, and is timed by itself.
    assert extrapolated_seconds(make, 64, 500) > passes(64, 500)
    monkeypatch.setattr(Cost, "regression_seconds", lambda self, rows: 0.0)
    for batch_size, rows in ((1024, 4000), (50, 2)):
        found = extrapolated_seconds(make, batch_size, rows)
        assert found == pytest.approx(passes(batch_size, rows), rel=1e-6)


@of_jax
def test_a_step_is_timed_itself_if_it_is_short(monkeypatch):
    one = Trial(FRePoTrainer, SMALL, SHAPE, CLASSES, rows=2, batch_size=16)
    assert one.trainer.distilled.labels.shape == (2, CLASSES)  # fewer rows than classes
    assert is_short(one)
    monkeypatch.setattr(trial, "_MOST_FLOPS", 1)
    assert not is_short(one)
    one.compile()
    times = one.seconds(least=2, budget=0.0)
    assert len(times) == 2 and all(0 < seconds < 60 for seconds in times)
    monkeypatch.setattr(trial.backend, "has_accelerator", lambda: True)
    assert is_short(one)
