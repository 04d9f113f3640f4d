"""Whatever is set for Keras and for a backend, the numbers are those of the default settings."""

import contextlib
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_isa
from keras_isa import DistilledData, FRePoTrainer, global_settings
from keras_isa.evaluation import Recipe
from keras_isa.evaluation.evaluate import Scores
from keras_isa.models.recorded_network import RecordedNetwork
from keras_isa.optimizers import Adam

config = keras.config
on_jax = pytest.mark.skipif(keras.backend.backend() != "jax", reason="settings of JAX")


@pytest.fixture(autouse=True)
def restored(monkeypatch):
    """Every setting of Keras as it was, and warnings told anew."""
    monkeypatch.setattr(global_settings, "_policies_warned_of", set())
    before = config.floatx(), config.image_data_format(), config.dtype_policy(), config.epsilon()
    yield
    config.set_floatx(before[0])
    config.set_image_data_format(before[1])
    config.set_dtype_policy(before[2])
    config.set_epsilon(before[3])
    config.set_max_epochs(None)
    config.set_max_steps_per_epoch(None)


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    y = np.arange(40) % 2
    x = rng.normal(100 + 60 * y[:, None, None, None], 20, (40, 4, 4, 3)).astype("float32")
    x[:2, 0, 0] = [[0], [255]]  # the usual range of pixels
    return x, y


def own_network():
    """Layers without a dtype and an image format of their own."""
    inputs = keras.Input((4, 4, 3))
    x = keras.layers.Conv2D(3, 3, padding="same", activation="relu")(inputs)
    x = keras.layers.BatchNormalization()(x)
    features = keras.layers.Flatten()(keras.layers.AveragePooling2D(2)(x))
    return keras.Model(inputs, [keras.layers.Dense(2)(features), features])


def everything(images, folder):
    """What preprocessing, `fit`, saving, loading and `evaluate` give, as arrays."""
    x, y = images
    distilled = DistilledData.from_samples(x, y, 1, preprocessing="zca")
    prepared = distilled.preprocess(x[:5])
    back = distilled.to_numpy("pixels")[0]
    trainer = FRePoTrainer(distilled, own_network, pool_size=2, max_online_steps=2)
    trainer.compile()
    history = trainer.fit(x, y, batch_size=8, steps_per_epoch=2, validation_split=0.25, verbose=0)
    numbers = [float(value[-1]) for _, value in sorted(history.history.items())]
    distilled.save(folder / "set.keras")
    loaded = keras_isa.load(folder / "set.keras")
    recipe = Recipe(
        width=4, depth=1, steps=3, warmup_steps=1, learning_rate=0.01, augmentation=("crop",)
    )
    options = {"train": images, "baselines": ("random",), "recipe": recipe, "repeats": 2}
    result = keras_isa.evaluate(loaded, images, **options)
    scores = np.array([result.distilled.accuracies, result.baselines["random"].accuracies])
    found = [prepared, back, *loaded.to_numpy(), np.array(numbers), scores]
    assert all(array.dtype.name in ("float32", "float64") for array in found)
    return found


@pytest.fixture(scope="module")
def expected(images, tmp_path_factory):
    return everything(images, tmp_path_factory.mktemp("default"))


def same(found, expected):
    for array, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(array, other)


@pytest.mark.parametrize("name", ["bfloat16", "int8_from_float32"])
def test_a_dtype_policy_that_training_does_not_survive(images, expected, tmp_path, name):
    config.set_dtype_policy(name)
    with pytest.warns(UserWarning, match=f"dtype policy '{name}' is not used") as told:
        found = everything(images, tmp_path)
    assert sum("dtype policy" in str(warning.message) for warning in told) == 1
    same(found, expected)
    assert config.dtype_policy().name == name


def test_all_of_keras_json(images, expected, tmp_path):
    config.set_floatx("float16")
    config.set_image_data_format("channels_first")
    config.set_epsilon(0.01)
    with pytest.raises(ValueError, match=r"`optimizer` must .*set_floatx.*Lamb .* in float16"):
        trainer = FRePoTrainer(DistilledData((4, 4, 3), 2, 1), own_network, pool_size=1)
        trainer.compile(keras.optimizers.Lamb(3e-4))
    with pytest.raises(ValueError, match=r"`inner_optimizer` must .*Received: a SGD"):
        trainer.compile(None, keras.optimizers.SGD(3e-4))
    same(everything(images, tmp_path), expected)
    assert (config.floatx(), config.image_data_format()) == ("float16", "channels_first")


@pytest.mark.parametrize(
    "name",
    [
        "evaluation.evaluate.evaluate",
        "tuning.search.tune",
        "tuning.tuner.DistillationTuner.search",
        "tuning.result.TuningResult.test",
        "tuning.hyper_model.DistillationHyperModel.build",
        "tuning.hyper_model.DistillationHyperModel.fit",
        "planning.plan.forecast",
        "methods.frepo.FRePoTrainer.train_on_batch",
    ],
)
def test_work_begins_in_standard_settings(monkeypatch, name):
    class Begins(Exception):
        pass

    def begin():
        raise Begins

    monkeypatch.setattr(global_settings, "standard_settings", begin)
    with pytest.raises(Begins):
        pkgutil.resolve_name(f"keras_isa.{name}")()


@on_jax
def test_settings_of_jax(images, expected, tmp_path):
    import jax

    with contextlib.ExitStack() as stack:
        for name, value in {
            "enable_x64": True,
            "default_prng_impl": "rbg",
            "numpy_rank_promotion": "raise",
            "numpy_dtype_promotion": "strict",
            "legacy_prng_key": "error",
            "default_matmul_precision": "bfloat16",
            "transfer_guard": "disallow",
        }.items():
            stack.enter_context(getattr(jax, name)(value))
        same(everything(images, tmp_path), expected)


TORCH = """
expected = everything(images, folder)
with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16), torch.device("meta"):
    torch.set_default_dtype(torch.float64)
    found = everything(images, folder)
    assert torch.get_default_dtype() == torch.float64
same(found, expected)
"""
# The check looks at every operation, which is slow: at those alone that compare with nothing.
TENSORFLOW = """
tensorflow.debugging.enable_check_numerics()
assert nearest_partners([[1.0, 0.0], [0.0, 1.0], [5.0, 1.0]]).numpy().tolist() == [2, 2, 0]
tensorflow.debugging.disable_check_numerics()
try:
    with tensorflow.Graph().as_default():
        everything(images, folder)
except ValueError as error:
    assert "TensorFlow must execute eagerly" in str(error)
else:
    raise AssertionError
"""


@pytest.mark.parametrize(("backend", "script"), [("torch", TORCH), ("tensorflow", TENSORFLOW)])
def test_settings_of_other_backends(backend, script, images, tmp_path):
    pytest.importorskip(backend)
    np.savez(tmp_path / "images.npz", *images)
    code = f"""
import pathlib, sys
import {backend}
import numpy as np
from keras_isa.ops import nearest_partners
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_global_settings import everything, same
folder = pathlib.Path({str(tmp_path)!r})
images = tuple(np.load(folder / "images.npz").values())
{script}
"""
    root = Path(keras_isa.__file__).parents[1]
    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(root)}
    process = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=300
    )
    assert process.returncode == 0, process.stderr


def test_limits_are_told_and_leave_validation_whole(images):
    x, y = images
    distilled = DistilledData.from_samples(x, y, 1)
    trainer = FRePoTrainer(distilled, own_network, pool_size=2)
    trainer.compile()
    config.set_max_epochs(1)
    config.set_max_steps_per_epoch(2)
    with pytest.warns(UserWarning, match="cut short") as told:
        history = trainer.fit(
            x, y, batch_size=8, epochs=3, steps_per_epoch=5, validation_data=(x, y), verbose=0
        ).history
    texts = [str(warning.message) for warning in told]
    assert sorted(text.split(" in place")[0] for text in texts if "cut short" in text) == [
        "the run is cut short: it takes epochs=1",
        "the run is cut short: it takes steps_per_epoch=2",
    ]
    assert len(history["loss"]) == 1 and int(trainer.optimizer.iterations) == 2
    limited = trainer.evaluate(x, y, verbose=0, return_dict=True)
    config.set_max_steps_per_epoch(None)
    assert limited == trainer.evaluate(x, y, verbose=0, return_dict=True)
    np.testing.assert_allclose(history["val_loss"][-1], limited["loss"], rtol=1e-6)
    assert config.max_epochs() == 1


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "mixed_float16"])
def test_a_network_with_layers_of_another_format_is_refused(dtype):
    def build():
        inputs = keras.Input((3,))
        features = keras.layers.Dense(4, dtype=dtype, name="dim")(inputs)
        return keras.Model(inputs, [keras.layers.Dense(2)(features), features])

    with pytest.raises(ValueError, match=f"layer 'dim' with the dtype policy '{dtype}'"):
        RecordedNetwork(build, (3,), 2)


def test_an_accuracy_is_a_number(images):
    assert Scores((0.5,), (1.0,)).to_dict()["accuracy_mean"] == 0.5
    with pytest.raises(RuntimeError, match="1 of 2 networks have logits that are not finite"):
        Scores((0.5, float("nan")), (1.0, 1.0))
    x, y = images
    distilled = DistilledData.from_samples(x, y, 1)
    recipe = Recipe(width=4, steps=8, warmup_steps=0, learning_rate=1e30, augmentation=())
    with pytest.raises(RuntimeError, match="2 of 2 networks .* not finite, and so no accuracy"):
        keras_isa.evaluate(distilled, (x, y), recipe=recipe, repeats=2)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("amsgrad", [False, True])
def test_constants_of_adam_in_float32(dtype, amsgrad):
    variable = keras.Variable(np.ones(3), dtype=dtype)
    optimizer = Adam(0.125, amsgrad=amsgrad, epsilon=1e-8)
    gradients = np.array([[0.5, -1.0, 2.0], [0.25, 1.0, 0.0], [0.5, 0.5, -1.0]])
    value, mean, square, largest = np.ones(3), 0.0, 0.0, 0.0
    for step, gradient in enumerate(gradients, start=1):
        optimizer.apply([keras.ops.convert_to_tensor(gradient, dtype=dtype)], [variable])
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient**2
        largest = np.maximum(largest, square)
        second = (largest if amsgrad else square) / (1 - 0.999**step)
        value = value - 0.125 * mean / (1 - 0.9**step) / (np.sqrt(second) + 1e-8)
    found = keras.ops.convert_to_numpy(keras.ops.cast(variable, "float32"))
    digits = {"float32": 1e-5, "bfloat16": 0.02, "float16": 0.003}[dtype]
    np.testing.assert_allclose(found, value, atol=digits)


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"KERAS_MAX_EPOCHS": "many"}, "cannot start, .*'many'.*KERAS_MAX_EPOCHS=many"),
        ({"KERAS_HOME": "."}, r"cannot start, .*keras\.json"),
        ({"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "none"}, "`jax_platforms` must .*'none'"),
    ],
)
def test_what_cannot_be_read_is_named_in_one_line(tmp_path, variables, told):
    (tmp_path / "keras.json").write_text('["float32"]')
    root = Path(keras_isa.__file__).parents[1]
    process = subprocess.run(
        [sys.executable, "-c", "from keras_isa_command import main; main()", "distill", "digits"],
        env={**os.environ, "PYTHONPATH": str(root), **variables},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert process.returncode == 2 and len(process.stderr.splitlines()) == 1
    assert re.search(told, process.stderr)
