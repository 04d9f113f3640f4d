"""Numbers of the evaluation protocol."""

import json

import keras
import pytest

from keras_isa.presets import Recipe


@pytest.mark.parametrize(
    "rows,steps",
    [
        (1, 1000),
        (10, 1000),
        (11, 2000),
        (100, 2000),
        (200, 2000),
        (201, 5000),
        (400, 5000),
        (500, 5000),
        (501, 4000),
        (1000, 4000),
        (2000, 5000),
        (2001, 40000),
        (5000, 40000),
    ],
)
def test_steps_follow_the_size_of_the_set(rows, steps):
    assert Recipe().steps_for(rows) == steps
    assert Recipe(steps=7).steps_for(rows) == 7


def test_published_protocol_is_the_default():
    recipe = Recipe()
    assert (recipe.width, recipe.learning_rate, recipe.warmup_steps) == (128, 3e-4, 500)
    assert recipe.batch_size == 500 and recipe.depth is None
    assert "flip" not in recipe.augmentation


def test_stored_recipe_comes_back():
    recipe = Recipe(width=3, depth=2, steps=9, augmentation=["flip", "crop"])
    stored = json.loads(json.dumps(recipe.to_dict()))
    assert Recipe.from_dict(stored) == recipe
    assert Recipe.from_dict({}) == Recipe()
    assert Recipe.from_dict({"width": 5}).width == 5


@pytest.mark.parametrize(
    "field,value",
    [
        ("width", 0),
        ("width", 1.5),
        ("width", True),
        ("warmup_steps", -1),
        ("batch_size", 0),
        ("steps", 0),
        ("steps", True),
        ("steps", 2.5),
        ("depth", 0),
        ("depth", "3"),
        ("learning_rate", 0.0),
        ("learning_rate", -1e-3),
        ("learning_rate", float("nan")),
        ("learning_rate", float("inf")),
        ("learning_rate", "fast"),
        ("augmentation", ("crop", "blur")),
        ("augmentation", "crop"),
    ],
)
def test_bad_values_are_named(field, value):
    with pytest.raises(ValueError, match=f"`{field}`"):
        Recipe(**{field: value})


def test_unknown_keys_are_named():
    with pytest.raises(ValueError, match="`recipe` must have keys out of width, .*: epochs$"):
        Recipe.from_dict({"epochs": 3})


def test_network_of_the_protocol():
    model = Recipe(width=4, depth=2).builder((8, 8, 1), 10, vectorized=False)()
    logits, features = model.outputs
    assert logits.shape == (None, 10) and features.shape == (None, 2 * 2 * 8)
    kinds = [type(layer).__name__ for layer in model.layers]
    assert not any("Normalization" in kind for kind in kinds)
    first, second = (layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D))
    assert (first.filters, second.filters) == (4, 8)


def test_network_for_flat_features():
    model = Recipe(width=4, augmentation=()).builder((30,), 3, vectorized=True)()
    logits, features = model.outputs
    assert logits.shape == (None, 3) and features.shape == (None, 4)
    assert not any("Normalization" in type(layer).__name__ for layer in model.layers)
