"""Sequences from the first draw to the end of a run, on the active backend."""

import keras
import numpy as np
import pytest

from keras_isa import DistilledData, FRePoTrainer
from keras_isa.models import ConvNet1D, default_network, with_features
from keras_isa.presets import Settings, derive_settings

SHAPE = (16, 2)


@pytest.fixture(scope="module")
def series():
    """60 sequences: each class has a level of its own in a feature of its own unit, in noise."""
    rng = np.random.default_rng(0)
    y = np.arange(60) % 3
    signs = np.array([[1.0, 1.0], [-1.0, 1.0], [1.0, -1.0]])
    x = signs[y][:, np.newaxis] + rng.normal(size=(60, *SHAPE))
    return (x * [1, 100]).astype("float32"), y


def make(series, count=1):
    return DistilledData.from_samples(*series, count, axes="NTF", seed=0)


def test_a_run_improves_the_set(series):
    distilled = make(series)
    settings = Settings(
        images_per_class=1, width=4, pool_size=2, batch_size=30, learning_rate=1e-2, steps=40
    )
    trainer = FRePoTrainer.from_settings(settings, distilled)
    before = trainer.evaluate(*series, return_dict=True, verbose=0)
    history = trainer.fit(*series, epochs=2, steps_per_epoch=20, verbose=0).history
    after = trainer.evaluate(*series, return_dict=True, verbose=0)
    assert np.isfinite(history["loss"]).all()
    assert after["loss"] < before["loss"] and after["accuracy"] > 0.6
    assert distilled.recipe["augmentation"] == []


def lstm():
    inputs = keras.Input((None, 2))
    x = keras.layers.LSTM(4, name="flat")(inputs)
    return keras.Model(inputs, keras.layers.Dense(3)(x))


def transformer():
    inputs = keras.Input(SHAPE)
    x = keras.layers.Dense(4)(inputs)
    x = keras.layers.LayerNormalization()(x + keras.layers.MultiHeadAttention(2, 2)(x, x))
    x = keras.layers.GlobalAveragePooling1D(name="flat")(x)
    return keras.Model(inputs, keras.layers.Dense(3)(x))


@pytest.mark.parametrize("build", [lstm, transformer])
def test_any_network_of_rank_3_serves(series, build):
    trainer = FRePoTrainer(make(series), build, feature_layer="flat", pool_size=1)
    trainer.compile(keras.optimizers.Lamb(1e-2, epsilon=1e-6))
    history = trainer.fit(*series, batch_size=20, steps_per_epoch=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()


def images(build=keras.layers.Conv2D):
    inputs = keras.Input((8, 8, 1))
    features = keras.layers.Flatten()(build(2, 3)(inputs))
    return keras.Model(inputs, [keras.layers.Dense(3)(features), features])


class Subclassed(keras.Model):
    """Has no graph: its layers see no shape before the first call."""

    def __init__(self, convolution):
        super().__init__()
        self.parts = [convolution(2, 3), keras.layers.Flatten(), keras.layers.Dense(3)]

    def call(self, x):
        features = self.parts[1](self.parts[0](x))
        return self.parts[2](features), features


@pytest.mark.parametrize(
    ("shape", "build"),
    [
        (SHAPE, images),
        (SHAPE, lambda: Subclassed(keras.layers.Conv2D)),
        ((8, 8, 1), lambda: ConvNet1D(SHAPE, 3, width=2)),
        ((8, 8, 1), lambda: Subclassed(keras.layers.Conv1D)),
        ((15, 2), lambda: ConvNet1D(SHAPE, 3, width=2)),
        ((16, 3), with_features(lstm, "flat", 3)),
    ],
)
def test_a_network_for_other_shapes_is_named_in_one_line(shape, build):
    kind = "sequences" if len(shape) == 2 else "images"
    with pytest.raises(ValueError, match=f"`feature_extractor` must .* {kind} of shape") as error:
        FRePoTrainer(DistilledData(shape, 3, 1), build, pool_size=1)
    assert "\n" not in str(error.value) and str(shape) in str(error.value)


def test_what_is_for_images_is_refused(series):
    with pytest.raises(ValueError, match="`flip` must be False for sequences"):
        FRePoTrainer(make(series), lambda: default_network(SHAPE, 3, width=2), flip=True)
    settings = Settings(images_per_class=1, width=2, recipe={"augmentation": ["crop"]})
    with pytest.raises(ValueError, match="`augmentation` must be empty for sequences"):
        FRePoTrainer.from_settings(settings, make(series))
    derived = derive_settings(SHAPE, 3, 60, 1, accelerated=False)
    assert not derived.flip and derived.recipe["augmentation"] == []
