"""The parts of a trial."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from keras_isa import DistilledData
from keras_isa.methods import DistributionMatchingTrainer, DMConfig
from keras_isa.presets import Config, Settings
from keras_isa.tuning.trial import Diverged, StopWhenDiverged, set_first_images, trainer_of
from keras_isa.tuning.tunable_trainer import TunableTrainer


def test_each_method_has_a_trainer():
    assert trainer_of(Settings) is TunableTrainer
    assert trainer_of(DMConfig) is DistributionMatchingTrainer

    class Other(DMConfig):
        pass

    class OfFRePo(Settings):
        method = "frepo"

    for config in (Other, OfFRePo, Config):
        with pytest.raises(ValueError, match="method"):
            trainer_of(config)


def test_a_loss_that_is_not_finite_ends_a_trial():
    callback = StopWhenDiverged()
    steps = keras.Variable(7, dtype="int32", trainable=False)
    callback.set_model(SimpleNamespace(optimizer=SimpleNamespace(iterations=steps)))
    callback.on_epoch_end(0, {"loss": 1.0, "accuracy": np.float32(0.5)})
    with pytest.raises(Diverged, match="^diverged: loss is inf after 7 steps$"):
        callback.on_epoch_end(1, {"loss": float("inf")})


@pytest.mark.parametrize("kind", ["random", "kmeans", "noise"])
def test_first_images_are_of_their_class_and_follow_the_seed(kind):
    y = np.arange(60) % 2
    x = np.random.default_rng(9).normal(size=(60, 2, 2, 1)).astype("float32")
    x += 10 * y[:, None, None, None]
    found = []
    for seed in (0, 0, 1):
        distilled = DistilledData((2, 2, 1), 2, (1, 2), preprocessing=None)
        set_first_images(distilled, kind, x, y, seed)
        images, labels = distilled.to_numpy()
        assert labels.argmax(axis=1).tolist() == [0, 1, 1]
        if kind == "noise":
            assert not np.isin(images, x).any()
        else:
            assert (images.mean(axis=(1, 2, 3)) > 5).tolist() == [False, True, True]
            assert np.isin(images, x).all()
        found.append(images)
    np.testing.assert_array_equal(found[0], found[1])
    if kind != "kmeans":
        assert (found[0] != found[2]).any()
