"""What holds for every registered method; a new one comes under these tests by being registered."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_isa
from keras_isa import DistilledData, backend
from keras_isa.datasets import Dataset
from keras_isa.inputs.arrays import to_numpy
from keras_isa.methods import Batch, method, method_names
from keras_isa.planning import plan as plan_module
from keras_isa.presets import preset_names, read_preset

SHAPE, CLASSES = (8, 8, 1), 3
# So few networks, layers and steps, where a method has them, that its step compiles fast.
FEW = {
    **{"depth": 1, "networks": 2, "judges": 2},
    **{"student_steps": 3, "experts": 1, "expert_steps": 2},
}


def settings_of(name, **changes):
    config = method(name).Config.derived(SHAPE, CLASSES, 60, 1, accelerated=False)
    recipe = {**config.recipe, "width": 4, "depth": 1, "steps": 3, "warmup_steps": 0}
    small = {"width": 4, "steps": 4, "epochs": 2, "batch_size": 12, "steps_per_execution": 2}
    small |= {"updates_per_batch": 1, **{k: v for k, v in FEW.items() if hasattr(config, k)}}
    return config.with_changes(recipe=recipe, **{**small, **changes})


def made(name, data, **changes):
    distilled = DistilledData.from_samples(*data, 1)
    return method(name).from_settings(settings_of(name, **changes), distilled)


# Steps of differences: along the smaller one float32 may round, along the larger one a loss bends.
STEPS = (1e-4, 1e-3, 1e-2)


def ends_of(loss, learned, name, direction, step):
    """Losses at both ends of a step, and the step."""
    ends = []
    for amount in (step, -step):
        moved = keras.ops.stop_gradient(learned[name])
        moved = moved + amount * keras.ops.convert_to_tensor(direction)
        ends.append(float(to_numpy(keras.ops.stop_gradient(loss({**learned, name: moved})))))
    return ends, step


def close(slope, ends, step):
    found = (ends[0] - ends[1]) / (2 * step)
    return found == pytest.approx(slope, rel=0.05, abs=1e-3 * max(map(abs, ends)))


every_method = pytest.mark.parametrize("name", method_names())


@every_method
def test_the_gradient_is_that_of_the_loss(name, data):
    x, y = data
    # Behind normalised pictures of two pixels a loss bends within a step of the differences.
    trainer = made(name, data, normalization="identity", depth=2)
    trainer.leave_gradients_whole()
    batch = Batch(trainer.distilled(x[:12]), keras.ops.convert_to_tensor(y[:12].astype("int32")))
    context = trainer.context(batch)
    learned = {k: keras.ops.convert_to_tensor(v) for k, v in trainer.learned_variables().items()}
    fixed = {"images": trainer.distilled.images, "labels": trainer.distilled.labels}
    compiled = backend.current().compiled
    loss = compiled(lambda values: trainer.outer_loss({**fixed, **values}, batch, context)[0])
    metrics, gradients = compiled(lambda values: trainer.gradients(values, batch, context))(learned)
    assert set(metrics) <= {*trainer.metric_names, "sample_losses"}
    rng = np.random.default_rng(1)
    for name, value in learned.items():
        direction = rng.normal(size=value.shape).astype("float32")
        slope = float(np.sum(to_numpy(gradients[name]) * direction))
        assert any(close(slope, *ends_of(loss, learned, name, direction, h)) for h in STEPS)
        assert abs(slope) > 0


@every_method
def test_a_run_changes_the_set_and_is_recorded(name, data, tmp_path):
    trainer = made(name, data, steps=16, epochs=2)
    before = trainer.distilled.to_numpy()[0]
    history = trainer.fit(*data, validation_split=0.2, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert set(history) == {*trainer.metric_names, "val_loss", "val_accuracy"}
    assert not np.array_equal(before, trainer.distilled.to_numpy()[0])
    record = trainer.distilled.provenance
    assert record["method"] == name and record["settings"]["steps"] == 16
    assert trainer.predictor.name in record["selection"]["by"]
    trainer.distilled.save(tmp_path / "set.keras")
    loaded = keras_isa.load(tmp_path / "set.keras")
    for found, expected in zip(loaded.to_numpy(), trainer.distilled.to_numpy(), strict=True):
        np.testing.assert_array_equal(found, expected)
    scores = keras_isa.evaluate(loaded, data, repeats=1).distilled
    assert 0 <= scores.accuracies[0] <= 1 and 0 <= scores.krr_accuracies[0] <= 1


@every_method
def test_a_batch_serves_several_updates_of_the_set(name, data):
    x, y = data
    # The rates of both fall over twelve updates.
    trainer, by_hand = made(name, data, steps=4, updates_per_batch=3), made(name, data, steps=12)
    class_ids = keras.ops.convert_to_tensor(y[:12].astype("int32"))
    batch = Batch(trainer.distilled(x[:12]), class_ids)
    drawn = []
    own_context = trainer.context
    trainer.context = lambda batch: drawn.append(1) or own_context(batch)
    trainer.distillation_step(*batch)
    assert len(drawn) == 1 and int(to_numpy(trainer.optimizer.iterations)) == 3
    context, variables = by_hand.context(batch), by_hand.learned_variables()
    for _ in range(3):
        values = {k: keras.ops.convert_to_tensor(v) for k, v in variables.items()}
        _, gradients = by_hand.gradients(values, batch, context)
        by_hand.optimizer.apply([gradients[k] for k in variables], list(variables.values()))
    by_hand.inner_step(context)
    both = [[*one.variables, *one.optimizer.variables] for one in (trainer, by_hand)]
    for found, expected in zip(*both, strict=True):
        expected = to_numpy(expected)
        np.testing.assert_allclose(to_numpy(found), expected, rtol=1e-4, atol=1e-5)
    assert trainer.description()["updates_per_batch"] == 3
    with pytest.raises(ValueError, match="`updates_per_batch` must be set before `compile`"):
        trainer.updates_per_batch = 2
    assert trainer.cost().step(12, 3) > by_hand.cost().step(12, 3)


@every_method
def test_batches_of_a_stream_are_as_good(name, data):
    x, y = data
    trainer = made(name, data)
    batches = [(x[start : start + 12], y[start : start + 12]) for start in range(0, 60, 12)]
    history = trainer.fit(batches, steps_per_epoch=2, epochs=1, verbose=0).history
    assert np.isfinite(history["loss"]).all()


@every_method
@pytest.mark.skipif(keras.backend.backend() != "jax", reason="forecasts are made by JAX")
def test_a_plan_counts_what_is_there(name, data, monkeypatch):
    monkeypatch.setattr(plan_module, "_SECONDS", 0.0)
    trainer = made(name, data)
    plan = trainer.plan(data[0])
    assert plan.fits and plan.seconds_per_step > 0
    settings = trainer.settings
    small = DistilledData.from_samples(*data, 1)
    trial = method(name).from_settings(method(name).trial_settings(settings), small)
    held = sum(trial.held_bytes(settings).values())
    variables = {id(v): v for v in (*trainer.variables, *trainer.optimizer.variables)}.values()
    counted = sum(int(np.prod(v.shape)) * 4 for v in variables)
    assert held == pytest.approx(counted, rel=0.25)
    assert trainer.cost().step(24, 6) > trainer.cost().step(12, 3) > 0


@every_method
def test_a_search_tries_what_its_settings_say(name, data, tmp_path):
    tuning = pytest.importorskip("keras_isa.tuning")
    train = Dataset.from_arrays(*data, name="corners")
    # Nearly all of the time is compilation: one block, no loop over steps, no augmentation of the
    # students. Finalists, which are run as the preset is, are in tests/tuning.
    small = {"steps": 2, "epochs": 1, "depth": 1, "steps_per_execution": 1}
    settings = settings_of(name, **small, validation_split=0.2)
    recipe = {**settings.recipe, "depth": 1, "augmentation": []}
    settings = settings.with_changes(recipe=recipe)
    result = tuning.tune(
        train, settings, directory=tmp_path, trials=2, steps=2, finalists=0, repeats=1, report=None
    )
    assert [record.status for record in result.trials] == ["completed"] * 2
    assert {key for one in result.trials for key in one.values} == set(settings.searched)
    assert result.distilled.provenance["method"] == name
    assert result.distilled.provenance["image_init"] == "random"
    assert result.best.score is not None and result.best.steps == 2


@every_method
@pytest.mark.parametrize(
    "changes", [{"steps": 0}, {"updates_per_batch": 0}, {"learning_rate": -1.0}, {"width": "wide"}]
)
def test_bad_settings_are_refused(name, changes):
    (field,) = changes
    with pytest.raises((ValueError, TypeError), match=f"`{field}`"):
        settings_of(name, **changes)


@every_method
def test_bad_images_are_refused(name, data):
    x, y = data
    trainer, holes = made(name, data), np.where(x > 200, np.nan, x)
    for images, classes, message in (
        (x[:, :4], y, "shape"),
        (holes, y, "finite"),
        (x, y[:-1], "one label per image"),
        (x, y + 1, "class|label"),
    ):
        with pytest.raises(ValueError, match=message):
            trainer.fit(images, classes, verbose=0)


@every_method
@pytest.mark.slow
@pytest.mark.skipif(keras.backend.backend() != "jax", reason="forecasts are made by JAX")
def test_the_peak_is_within_a_quarter_of_the_plan(name, users_environment, tmp_path):
    # In a process of its own, as the peak is that of the process.
    words = ["digits", "--method", name, "--plan", "--trial", "20", "--json"]
    start = "from keras_isa_command import main; main()"
    command = [sys.executable, "-c", start, "distill", *words]
    root = str(Path(keras_isa.__file__).parents[1])
    environment = {**users_environment, "PYTHONPATH": root}
    options = {"cwd": tmp_path, "env": environment, "capture_output": True, "text": True}
    report = json.loads(subprocess.run(command, check=True, **options).stdout)
    assert 0.75 < report["trial"]["peak_ratio"] < 1.25


@every_method
@pytest.mark.parametrize(("recipe", "error"), [({"wdith": 3}, ValueError), (3, TypeError)])
def test_bad_recipes_are_refused(name, recipe, error):
    with pytest.raises(error, match="`recipe` must"):
        method(name).Config(images_per_class=1, recipe=recipe)


@every_method
def test_settings_of_another_method_are_refused(name, data):
    for other in set(method_names()) - {name}:
        with pytest.raises(TypeError, match="`settings` must be"):
            method(name).from_settings(settings_of(other), DistilledData.from_samples(*data, 1))


@every_method
def test_every_preset_can_be_read(name):
    config = method(name).Config
    assert preset_names(config)
    for preset in preset_names(config):
        settings, about = read_preset(preset, 10, config)
        assert type(settings) is config and settings.images_per_class == 10
        assert settings.batch_size <= about["train_size"]


@every_method
def test_every_setting_says_what_it_is(name):
    for field in dataclasses.fields(method(name).Config):
        assert field.metadata["text"].endswith(".")
        assert f"        {field.name}: " in method(name).Config.__doc__
