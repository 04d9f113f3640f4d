"""Layers are found by the names that a user sees."""

import keras
import pytest

from keras_isa.models.feature_extractor import find_layer, fresh_names


def two_branches():
    inputs = keras.Input((3, 3, 1))
    x = keras.layers.Flatten()(inputs)
    left = keras.Sequential([keras.layers.Dense(2, name="unit_7")], name="left")
    right = keras.Sequential([keras.layers.Dense(4, name="unit_7")], name="right")
    both = keras.layers.Concatenate(name="unit")([left(x), right(x)])
    return keras.Model(inputs, keras.layers.Dense(3, name="last_12")(both))


@pytest.fixture(scope="module")
def branched():
    return two_branches()


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("left/unit_7", ("left", "unit_7")),
        ("right/unit_7", ("right", "unit_7")),
        ("right/unit", ("right", "unit_7")),
        ("left", ("left",)),
        ("unit", ("unit",)),
        ("last", ("last_12",)),
    ],
)
def test_paths_and_names_without_their_number(branched, name, path):
    expected = branched
    for part in path:
        expected = expected.get_layer(part)
    assert find_layer(branched, name) is expected


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("unit_7", "left/unit_7', 'right/unit_7"),
        ("lft/unit_7", "left/unit_7"),
        ("zzz", "unit"),
        ("", "unit"),
    ],
)
def test_unclear_names_are_refused_with_the_likely_ones(branched, name, found):
    with pytest.raises(ValueError, match=f"`feature_layer` must .*{found}.*Received.*{name!r}"):
        find_layer(branched, name)


def test_numbers_of_names_start_anew_inside_only():
    outside = keras.layers.Dropout(0.5).name
    with pytest.raises(RuntimeError, match="stop"), fresh_names():
        assert keras.layers.Dropout(0.5).name == "dropout"
        assert keras.layers.Dropout(0.5).name == "dropout_1"
        raise RuntimeError("stop")
    assert keras.layers.Dropout(0.5).name not in (outside, "dropout")
