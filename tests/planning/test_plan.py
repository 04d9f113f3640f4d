"""The forecast of memory and time: counted parts are exact, and measured parts are plausible."""

import functools
import json

import keras
import numpy as np
import pytest

import keras_isa
from keras_isa import DistilledData, FRePoTrainer, TrajectoryMatchingTrainer, memory
from keras_isa.datasets import Dataset
from keras_isa.methods import MTTConfig
from keras_isa.planning import plan as plan_module
from keras_isa.planning.plan import Plan, StepClock, forecast
from keras_isa.presets import Settings

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


@of_jax
def test_a_plan_says_what_it_counts(plan):
    pixels = 64
    assert plan.placement == "pixels"
    with pytest.warns(DeprecationWarning, match="Plan.placement"):
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
def test_a_real_run_is_compared(plan):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (100, *SHAPE)).astype("uint8")
    y = np.arange(100) % CLASSES
    distilled = DistilledData.from_samples(x, y, SMALL.images_per_class)
    trainer = FRePoTrainer.from_settings(SMALL, distilled)
    clock = StepClock()
    trainer.fit(x, y, validation_split=0.1, callbacks=[clock], verbose=0)
    compared = plan.compare(memory.resident_bytes(), clock.seconds_per_step)
    # The bounds are wide: the machine is shared, and earlier tests left memory in the process.
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
    assert [plan.placement for plan in plans] == ["pixels", "pixels"]
    assert plans[0].steps == SMALL.steps and plans[0].fits
    assert plans[0].parts["pool"] == plans[1].parts["pool"] > 0
    for wrong in (0, -1, "many", np.zeros(3)):
        with pytest.raises((ValueError, TypeError), match="`x` must"):
            trainer.plan(wrong)
    trainer.settings = None
    with pytest.raises(ValueError, match="`plan` needs the settings"):
        trainer.plan(100)


def test_a_run_that_may_stop_early_is_forecast_at_most():
    parts = {"pool": 3}
    assert "\nat most 10 steps" in str(Plan(parts, "steps", 10, "pixels", 0.5, 10, may_stop=True))
    assert "\n10 steps" in str(Plan(parts, "steps", 10, "pixels", 0.5, 10))


@of_jax
def test_a_forecast_of_a_regression_counts_its_rows():
    x = np.arange(50 * 64, dtype="float32").reshape(50, 8, 8, 1) / 3200
    data = Dataset.from_arrays(x, np.arange(100.0).reshape(50, 2), task="regression")
    settings = SMALL.with_changes(images_per_class=5)
    trainer = FRePoTrainer.for_data(data, settings)
    plan = trainer.plan(data)
    assert plan.parts["set"] == trainer.held_bytes(settings)["set"]
    assert plan.fits and plan.seconds_per_step > 0


@of_jax
def test_what_cannot_be_distilled_has_no_forecast():
    settings = SMALL.with_changes(parametrization="bases:99")
    with pytest.raises(ValueError, match="must not have more bases .*Received: bases:99"):
        forecast(FRePoTrainer, settings, (8, 8, 1), num_classes=3, train_size=50)


@of_jax
def test_experts_are_part_of_a_plan_until_they_are_there():
    random = np.random.default_rng(0)
    data = random.integers(0, 256, (60, *SHAPE), dtype="uint8"), np.arange(60) % CLASSES
    settings = MTTConfig.derived(SHAPE, CLASSES, 60, 1, accelerated=False).with_changes(
        width=4, depth=1, steps=4, experts=2, expert_epochs=3, expert_steps=2, most_start=2
    )
    trainer = TrajectoryMatchingTrainer.from_settings(settings, DistilledData(SHAPE, CLASSES, 1))
    plan = trainer.plan(data[0])
    assert 0 < plan.expert_seconds < 60
    assert plan.hours == (plan.expert_seconds + 4 * plan.seconds_per_step) / 3600
    assert "experts and 4 steps" in str(plan)
    trainer = TrajectoryMatchingTrainer.from_settings(
        settings, DistilledData.from_samples(*data, 1)
    )
    buffer = trainer.make_experts(*data, note=None)
    if not keras_isa.backend.has_accelerator():
        assert plan.parts["experts"] == 4 * buffer.size * (buffer.epochs + 1) * 2
    again = trainer.plan(data[0])
    assert again.expert_seconds == 0 and "experts" not in str(again)
