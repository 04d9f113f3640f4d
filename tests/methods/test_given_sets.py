"""The settings that a set says by itself are those of a run that trains it."""

import numpy as np
import pytest

from keras_isa import DistilledData, FRePoTrainer
from keras_isa.methods.given_sets import settings_of
from keras_isa.presets import Settings


@pytest.fixture
def distilled():
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (12, 4, 4, 1)).astype("uint8"), np.arange(12) % 2
    return DistilledData.from_samples(x, y, [1, 3], preprocessing="zca")


def test_the_trainer_has_the_settings_of_the_set(distilled):
    asked = Settings(images_per_class=5, width=2, depth=1, normalization="identity", pool_size=1)
    settings = FRePoTrainer.from_settings(asked, distilled).settings
    assert settings.images_per_class == (1, 3)
    assert (settings.preprocessing, settings.parametrization) == ("zca", "identity")


def test_a_layer_of_the_users_has_no_setting(distilled):
    class Halves(type(distilled.preprocessing)):
        pass

    distilled.preprocessing = Halves(0.1)
    assert "preprocessing" not in settings_of(distilled)
