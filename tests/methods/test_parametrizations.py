"""Every method trains what a parametrised set stores."""

import keras
import numpy as np
import pytest

import keras_isa
from keras_isa import DistilledData, backend
from keras_isa.inputs.arrays import to_numpy
from keras_isa.methods import Batch, method, method_names
from keras_isa.training.run_state import state_variables

SHAPE, CLASSES = (8, 8, 1), 3
# So few networks, layers and steps, where a method has them, that its step compiles fast.
FEW = {
    **{"depth": 1, "networks": 2, "judges": 2},
    **{"student_steps": 3, "experts": 1, "expert_steps": 2},
}


def settings_of(name, text, **changes):
    config = method(name).Config.derived(SHAPE, CLASSES, 60, 2, accelerated=False)
    recipe = {**config.recipe, "width": 4, "depth": 1, "steps": 3, "warmup_steps": 0}
    small = {"width": 4, "steps": 4, "epochs": 2, "batch_size": 12, "steps_per_execution": 2}
    if "regularization" in dir(config):
        # With more images than features a smaller ridge leaves float32 no digits for slopes.
        small["regularization"] = 0.01
    small |= {
        **{k: v for k, v in FEW.items() if hasattr(config, k)},
        "parametrization": text,
        "updates_per_batch": 2,
        **changes,
    }
    return config.with_changes(recipe=recipe, **small)


def made(name, data, text, **changes):
    distilled = DistilledData.from_samples(*data, 2, parametrization=text)
    return method(name).from_settings(settings_of(name, text, **changes), distilled)


# Steps of differences: along the smaller one float32 may round, along the larger one a loss bends.
STEPS = (1e-4, 1e-3, 1e-2, 1e-1)


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
def test_the_gradient_of_what_is_stored_is_that_of_the_loss(name, data):
    x, y = data
    trainer = made(name, data, "bases:4", normalization="identity", depth=2)
    trainer.leave_gradients_whole()
    batch = Batch(trainer.distilled(x[:12]), keras.ops.convert_to_tensor(y[:12].astype("int32")))
    context = trainer.context(batch)
    learned = {k: keras.ops.convert_to_tensor(v) for k, v in trainer.learned_variables().items()}
    parts = {id(one) for one in trainer.distilled.variables}
    of_set = {k for k, one in trainer.learned_variables().items() if id(one) in parts}
    assert {"bases", "coefficients"} <= of_set <= set(trainer.distilled.stored)

    def loss_of(values):
        images, labels = trainer.distilled.decode(values)
        return trainer.outer_loss({**values, "images": images, "labels": labels}, batch, context)[0]

    loss = backend.current().compiled(loss_of)
    found = backend.current().compiled(lambda values: trainer.gradients(values, batch, context))
    _, gradients = found(learned)
    rng = np.random.default_rng(1)
    for key, value in learned.items():
        gradient = to_numpy(gradients[key])
        # Along the gradient, and aside: a slope that rounding does not hide.
        along = gradient / np.linalg.norm(gradient) * np.sqrt(gradient.size)
        direction = (along + rng.normal(size=value.shape)).astype("float32")
        slope = float(np.sum(gradient * direction))
        assert any(close(slope, *ends_of(loss, learned, key, direction, h)) for h in STEPS)
        assert abs(slope) > 0


@every_method
def test_a_run_that_was_killed_ends_with_the_same_set_and_its_file_has_it(name, data, tmp_path):
    class Kill(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise OSError("killed")

    text = "multi_formation:2+quantized:6"
    whole, killed, resumed = (made(name, data, text) for _ in range(3))
    first = {key: to_numpy(one) for key, one in whole.distilled.stored.items()}
    whole.fit(*data, verbose=0)
    assert not np.array_equal(first["images"], to_numpy(whole.distilled.stored["images"]))
    with pytest.raises(OSError, match="killed"):
        killed.fit(*data, resume=tmp_path, callbacks=[Kill()], verbose=0)
    resumed.fit(*data, resume=tmp_path, verbose=0)
    assert resumed.steps_taken == resumed.distilled.provenance["steps"] == 4
    for found, expected in zip(state_variables(resumed), state_variables(whole), strict=True):
        np.testing.assert_array_equal(to_numpy(found), to_numpy(expected), err_msg=found.path)
    other = made(name, data, "multi_formation:2")
    with pytest.raises(ValueError, match="`resume` must hold the same run"):
        other.fit(*data, resume=tmp_path, verbose=0)
    whole.distilled.save(tmp_path / "set.keras")
    loaded = keras_isa.load(tmp_path / "set.keras")
    images, labels = loaded.to_numpy()
    assert images.shape == (CLASSES * 2 * 4, *SHAPE)
    for found, expected in zip((images, labels), whole.distilled.to_numpy(), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)
    assert loaded.provenance["settings"]["parametrization"] == text
    if name == "frepo":  # a file is evaluated in one way, whatever made it
        result = keras_isa.evaluate(loaded, data, train=data, repeats=1)
        assert result.storage.images == len(images)


@every_method
@pytest.mark.skipif(keras.backend.backend() != "jax", reason="forecasts are made by JAX")
def test_a_plan_counts_all_images(name, data, monkeypatch):
    from keras_isa.planning import plan as plan_module

    class Asked(Exception):
        """What the forecast is for; the steps that it would compile are not looked at here."""

    def asked(*args, **options):
        raise Asked(options["rows"])

    monkeypatch.setattr(plan_module, "Trial", asked)
    with pytest.raises(Asked) as found:
        made(name, data, "multi_formation:2").plan(data[0])
    assert found.value.args == (CLASSES * 2 * 4,)


@every_method
def test_a_set_keeps_its_own_parametrisation(name, data):
    distilled = DistilledData.from_samples(*data, 2, parametrization="bases:3")
    trainer = method(name).from_settings(settings_of(name, "identity"), distilled)
    assert trainer.settings.parametrization == "bases:3"
    assert distilled.recipe["steps"] == 3


@every_method
@pytest.mark.parametrize("text", ["tiles:2", "multi_formation:1", "quantized:0"])
def test_bad_texts_are_refused(name, text):
    with pytest.raises(ValueError, match="`parametrization`"):
        settings_of(name, text)


@every_method
def test_what_does_not_suit_the_images_is_refused(name, data):
    with pytest.raises(ValueError, match="needs images of at least 10 pixels a side"):
        made(name, data, "multi_formation:5")
