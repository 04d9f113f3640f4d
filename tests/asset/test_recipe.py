"""The recipes of the evaluation protocols."""

import json

import keras
import pytest

from keras_isa.layers.siamese_augmentation import OPERATIONS
from keras_isa.presets import Recipe, dc_recipe


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


def test_published_protocol_of_dc():
    recipe = dc_recipe()
    assert (recipe.loss, recipe.optimizer, recipe.schedule) == ("cross_entropy", "sgd", "step")
    assert (recipe.learning_rate, recipe.momentum, recipe.weight_decay) == (0.01, 0.9, 5e-4)
    assert (recipe.width, recipe.constant_width, recipe.normalization) == (128, True, "instance")
    assert (recipe.strategy, recipe.augmentation) == ("dsa", OPERATIONS)
    assert (recipe.epochs, recipe.batch_size, recipe.shuffle) == (1000, 256, True)
    assert dc_recipe(width=8, augmentation=("crop",)).augmentation == ("crop",)
    with pytest.raises(TypeError, match="epoch"):
        dc_recipe(epoch=3)


def test_mirror_images_are_of_images():
    assert Recipe(flip=True).rows_for(10) == 20 and Recipe().rows_for(10) == 10
    with pytest.raises(ValueError, match="`flip` must be False for flat features"):
        Recipe(flip=True).for_shape((30,))


@pytest.mark.parametrize("rows,steps", [(1, 1000), (256, 1000), (257, 2000), (512, 2000)])
def test_epochs_make_steps(rows, steps):
    assert dc_recipe().steps_for(rows) == steps
    assert dc_recipe(steps=7).steps_for(rows) == 7


def test_a_recipe_of_version_0_1_0_is_that_of_frepo():
    names = ("width", "depth", "learning_rate", "steps", "warmup_steps", "batch_size")
    old = {name: getattr(Recipe(), name) for name in names}
    old["augmentation"] = ["crop", "rotate", "translate", "cutout", "color"]
    recipe = Recipe.from_dict(old)
    assert recipe == Recipe()
    assert (recipe.loss, recipe.optimizer, recipe.schedule) == ("squared_error", "adam", "cosine")
    assert (recipe.normalization, recipe.constant_width) == ("identity", False)
    assert (recipe.strategy, recipe.epochs, recipe.shuffle) == ("frepo", None, False)


def test_stored_recipe_comes_back():
    stored = json.loads(json.dumps(dc_recipe(steps=4).to_dict()))
    assert Recipe.from_dict(stored) == dc_recipe(steps=4)
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
        ("epochs", 0),
        ("loss", "hinge"),
        ("optimizer", "lamb"),
        ("momentum", 0.9),  # Adam has none
        ("momentum", 1.0),
        ("weight_decay", 5e-4),
        ("weight_decay", -1e-4),
        ("schedule", None),
        ("normalization", "layer"),
        ("strategy", "siamese"),
    ],
)
def test_bad_values_are_named(field, value):
    with pytest.raises(ValueError, match=f"`{field}`"):
        Recipe(**{field: value})


@pytest.mark.parametrize("field", ["shuffle", "constant_width"])
def test_yes_or_no(field):
    with pytest.raises(TypeError, match=f"`{field}` must be True or False"):
        Recipe(**{field: "no"})


@pytest.mark.parametrize(("strategy", "operation"), [("dsa", "translate"), ("frepo", "scale")])
def test_operations_are_those_of_the_strategy(strategy, operation):
    with pytest.raises(ValueError, match="`augmentation` must name one or more of"):
        Recipe(strategy=strategy, augmentation=(operation,))
    other = "frepo" if strategy == "dsa" else "dsa"
    assert Recipe(strategy=other, augmentation=(operation,)).augmentation == (operation,)


def test_network_of_dc():
    model = dc_recipe(width=4, depth=2).builder((8, 8, 1), 10, vectorized=False)()
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [layer.filters for layer in convolutions] == [4, 4]
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds.count("GroupNormalization") == 2


def test_unknown_keys_are_named():
    known = "`recipe` must have keys out of network, width, "
    with pytest.raises(ValueError, match=f"{known}.*: iterations$"):
        Recipe.from_dict({"iterations": 3})


def test_network_of_the_protocol():
    model = Recipe(width=4, depth=2).builder((8, 8, 1), 10, vectorized=False)()
    logits, features = model.outputs
    assert logits.shape == (None, 10) and features.shape == (None, 2 * 2 * 8)
    kinds = [type(layer).__name__ for layer in model.layers]
    assert not any("Normalization" in kind for kind in kinds)
    first, second = (layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D))
    assert (first.filters, second.filters) == (4, 8)


@pytest.mark.parametrize("shape", [(12, 3), (30,)])
def test_only_images_are_augmented(shape):
    assert Recipe(width=3).for_shape(shape) == Recipe(width=3, augmentation=())
    assert Recipe.from_dict({"width": 3}, shape).augmentation == ()
    assert Recipe(width=3).for_shape((8, 8, 1)) == Recipe(width=3)
    assert dc_recipe().for_shape(shape) == dc_recipe(augmentation=())
    with pytest.raises(ValueError, match="`augmentation` must be empty for .*for images.*crop"):
        Recipe.from_dict({"augmentation": ["crop"]}, shape)


def test_network_for_sequences():
    model = Recipe(width=4, depth=2).builder((12, 3), 5, vectorized=True)()
    logits, features = model.outputs
    assert logits.shape == (None, 5) and features.shape == (None, 8)


def test_network_for_flat_features():
    model = Recipe(width=4, augmentation=()).builder((30,), 3, vectorized=True)()
    logits, features = model.outputs
    assert logits.shape == (None, 3) and features.shape == (None, 4)
    assert not any("Normalization" in type(layer).__name__ for layer in model.layers)
