"""Layers by name: paths, names without their number, and names that no rebuilding changes."""

import keras
import pytest

from keras_isa.models import with_features
from keras_isa.models.layer_names import find_layer, fresh_names


@pytest.fixture(scope="module")
def model():
    inputs = keras.Input((4,))
    left = keras.Sequential([keras.layers.Dense(2, name="unit_7")], name="left")
    right = keras.Sequential([keras.layers.Dense(4, name="unit_7")], name="right")
    both = keras.layers.Concatenate(name="unit")([left(inputs), right(inputs)])
    return keras.Model(inputs, keras.layers.Dense(3, name="last_12")(both))


@pytest.mark.parametrize(
    ("name", "size"),
    [("left/unit_7", 2), ("right/unit_7", 4), ("unit", 6), ("right/unit", 4), ("last", 3)],
)
def test_paths_and_names_without_their_number(model, name, size):
    assert find_layer(model, name).output.shape == (None, size)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("unit_7", "left/unit_7', 'right/unit_7"),
        ("lft/unit_7", "left/unit_7"),
        ("zzz", "unit"),
        ("", "unit"),
    ],
)
def test_unclear_names_are_refused_with_the_likely_ones(model, name, found):
    message = f"`feature_layer` must .*{found}.*Received.*{name!r}"
    with pytest.raises(ValueError, match=message):
        find_layer(model, name)
    with pytest.raises(ValueError, match=message):
        with_features(lambda: model, name, 3)()


def test_automatic_names_count_from_nothing_and_outside_they_count_on():
    keras.layers.Dropout(0.5)  # takes the first automatic name
    for _ in range(2):
        with fresh_names():
            assert keras.layers.Dropout(0.5).name == "dropout"
    assert keras.layers.Dropout(0.5).name != "dropout"
