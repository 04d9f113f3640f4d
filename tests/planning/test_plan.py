"""The forecast of memory and time: what is counted is exact, and the rest is there."""

import functools
import json

import keras
import numpy as np
import pytest

from keras_isa import DistilledData, FRePoTrainer, memory
from keras_isa.planning import plan as plan_module
from keras_isa.planning import trial
from keras_isa.planning.cost import Cost
from keras_isa.planning.memory_estimate import DataMemory, bytes_of
from keras_isa.planning.plan import Plan, StepClock, forecast
from keras_isa.planning.trial import Trial, extrapolated_seconds
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


@functools.cache
def small_plan():
    return forecast(FRePoTrainer, SMALL, SHAPE, CLASSES, 100, test_size=20)


@pytest.fixture(autouse=True)
def brief(monkeypatch):
    monkeypatch.setattr(plan_module, "_SECONDS", 0.0)


@pytest.fixture
def plan(brief):
    return small_plan()


def data_memory(settings=SMALL, shape=SHAPE, train=100, test=20, pixel_bytes=1, stored=False):
    return DataMemory(settings, shape, train, test, pixel_bytes, stored)


@of_jax
def test_a_plan_says_what_it_counts(plan):
    pixels = 64
    assert plan.form == "pixels"
    assert plan.moment == "steps"
    assert plan.steps == 20
    assert plan.parts["images"] == 120 * pixels
    assert plan.parts["images, divided"] == 100 * pixels
    assert plan.parts["images, pixels"] == 90 * pixels
    assert plan.peak_bytes == sum(plan.parts.values())
    assert 10e6 < plan.parts["process"] < memory.peak_bytes() + 10e6
    assert plan.parts["step"] > 0
    assert 0 < plan.seconds_per_step < 60
    assert plan.hours == plan.seconds_per_step * 20 / 3600
    assert plan.fits


@of_jax
def test_a_plan_is_readable_by_people_and_programs(plan):
    assert json.loads(json.dumps(plan.to_dict()))["peak_bytes"] == plan.peak_bytes
    text = str(plan)
    assert "pool" in text and "seconds per step" in text and "fits" in text
    assert f"{plan.peak_bytes / 1e9:,.3f} GB" in text


def test_a_plan_that_does_not_fit_says_so():
    plan = Plan({"pool": 11}, "steps", 10, "pixels", 1.0, 100)
    assert not plan.fits
    assert "does not fit" in str(plan)


def test_comparison_gives_ratios():
    plan = Plan({"pool": 60, "set": 40}, "steps", 1000, "pixels", 0.5, 100)
    assert plan.compare(125, 0.4) == {
        "peak_bytes": 125,
        "peak_ratio": 1.25,
        "seconds_per_step": 0.4,
        "seconds_ratio": 0.8,
    }


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
    """The pool's and the set's bytes, told from a pool of one, are those of the real trainer."""
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
    """What a trial leaves out makes no difference to the temporaries."""
    extras = []
    for pool_size, rows in ((1, 16), (4, 64)):
        trainer = trainer_of(SMALL.with_changes(pool_size=pool_size))
        one = Trial(FRePoTrainer, SMALL, SHAPE, CLASSES, rows=6, batch_size=16)
        one.trainer = trainer
        trainer.sampler = BatchSampler(rows, 16, seed=0)
        extras.append(one.compile())
    member = bytes_of(trainer.pool.network.weights)
    assert abs(extras[1] - extras[0]) < 0.1 * extras[0] + member


def test_images_are_counted_in_the_form_that_fit_would_give_them():
    whitened = SMALL.with_changes(preprocessing="zca")
    assert data_memory().form == "pixels"
    assert data_memory(whitened).form == "prepared"
    assert data_memory(whitened).on_device("prepared")["images, prepared"] == 90 * 64 * 4
    assert data_memory(pixel_bytes=4).on_device("pixels")["images, pixels"] == 90 * 64 * 4
    huge = data_memory(train=10**12, stored=True)
    assert huge.form == "host"
    assert huge.train_bytes == 0
    assert huge.on_device("host")["images, host"] < 100 * 16 * 64
    assert data_memory(train=10**12).form == "pixels"  # an array is in memory already


def test_whitening_is_counted_as_it_will_be():
    images = np.random.default_rng(0).integers(0, 256, (100, 8, 8, 1)).astype("uint8")
    for kind, rows in (("zca", 90), ("zca", 40), ("block_zca", 3), ("standardize", 90)):
        settings = SMALL.with_changes(preprocessing=kind, validation_split=0.0)
        counted = data_memory(settings, train=rows)
        distilled = DistilledData.from_samples(
            images[:rows], np.arange(rows) % CLASSES, 1, preprocessing=kind
        )
        if kind == "standardize":
            assert counted.statistics == counted.whitening == 0
            continue
        channels = 2 * 4  # mean and spread of a channel are not worth counting
        assert counted.directions == distilled.preprocessing.scale.shape[0]
        assert counted.statistics == bytes_of(distilled.preprocessing.variables) - channels


@of_jax
def test_flat_features_and_unequal_classes():
    settings = SMALL.with_changes(images_per_class=(1, 2, 3), steps_per_execution=5)
    plan = forecast(FRePoTrainer, settings, (12,), CLASSES, 60, pixel_bytes=4, stored=True)
    assert "images" not in plan.parts
    assert plan.parts["images, pixels"] == 54 * 12 * 4
    rows = 6 * (12 + CLASSES) * 4
    assert 4 * rows <= plan.parts["set"] < 4 * rows + 100
    assert plan.seconds_per_step > 0


@of_jax
def test_images_that_are_loaded_already_are_not_counted_twice():
    settings = SMALL.with_changes(preprocessing="none")
    images = np.ones((4_000_000, 64), "uint8")  # 256 MB
    plan = forecast(FRePoTrainer, settings, (64,), CLASSES, len(images), loaded=True)
    assert plan.parts["images"] == images.nbytes
    assert abs(plan.parts["process"] + images.nbytes - memory.resident_bytes()) < 150e6


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
    # The regression on a large set costs more than proportionally, and is timed.
    assert extrapolated_seconds(make, 64, 500) > passes(64, 500)
    monkeypatch.setattr(Cost, "regression_seconds", lambda self, rows: 0.0)
    for batch_size, rows in ((1024, 4000), (50, 2)):
        found = extrapolated_seconds(make, batch_size, rows)
        assert found == pytest.approx(passes(batch_size, rows), rel=1e-6)


@of_jax
def test_a_real_run_is_compared(plan):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (100, *SHAPE)).astype("uint8")
    y = np.arange(100) % CLASSES
    distilled = DistilledData.from_samples(x, y, SMALL.images_per_class)
    trainer = FRePoTrainer.from_settings(SMALL, distilled)
    clock = StepClock()
    trainer.fit(x, y, validation_split=0.1, callbacks=[clock], verbose=0)
    compared = plan.compare(memory.resident_bytes(), clock.seconds_per_step)
    # Loose: the machine is shared, and a process of many tests holds what they left.
    assert 0.3 < compared["peak_ratio"] < 3
    assert 0 < compared["seconds_ratio"] < 1000


def test_the_clock_leaves_out_the_call_that_compiles():
    clock = StepClock()
    clock._times = [10.0, 1.0, 2.0, 3.0]
    assert clock.seconds_per_step == 2.0
    clock._times = [10.0]
    assert clock.seconds_per_step == 10.0


@of_jax
def test_a_trainer_plans_itself():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (100, *SHAPE)).astype("uint8")
    distilled = DistilledData.from_samples(x, np.arange(100) % CLASSES, SMALL.images_per_class)
    trainer = FRePoTrainer.from_settings(SMALL, distilled)
    plans = trainer.plan(100), trainer.plan(x)
    assert [plan.form for plan in plans] == ["pixels", "pixels"]
    assert plans[0].steps == SMALL.steps and plans[0].fits
    assert plans[0].parts["pool"] == plans[1].parts["pool"] > 0
    for wrong in (0, -1, "many", np.zeros(3)):
        with pytest.raises((ValueError, TypeError), match="`x` must"):
            trainer.plan(wrong)
    trainer.settings = None
    with pytest.raises(ValueError, match="`plan` needs the settings"):
        trainer.plan(100)
