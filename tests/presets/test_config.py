"""Settings that every method has, and how a method adds its own."""

import dataclasses
import json

import numpy as np
import pytest

from keras_isa.methods import DMConfig
from keras_isa.ops.arguments import whole_number
from keras_isa.presets import Config, Recipe, Settings, derive_settings, read_preset
from keras_isa.presets.config import Choices, check_steps_per_execution, described, setting, words


@described
@dataclasses.dataclass(frozen=True)
class Own(Config):
    """Settings of a method that is made up."""

    method = "own"

    size: int = setting(3, whole_number, "Size of something.", Choices((1, 2)))
    kind: str = setting("red", words("red", "blue"), "Colour of something, red or blue.")
    options: dict = setting({}, lambda name, value: dict(value), "Further options.")


def test_a_method_adds_settings_with_a_check_and_a_description():
    own = Own(images_per_class=1, size=np.int64(5), kind="blue")
    assert (own.size, own.kind, own.width) == (5, "blue", 128)
    assert type(own.size) is int and own.options == {}
    assert own.options is not Own(images_per_class=1).options
    with pytest.raises(ValueError, match="`kind` must be one of 'red', 'blue'"):
        own.with_changes(kind="green")
    assert "        size: Size of something.\n" in Own.__doc__ and "        width: " in Own.__doc__
    derived = Own.derived((4, 4, 1), 2, 9, [1, 1], accelerated=True)
    assert (derived.images_per_class, derived.steps, derived.size) == (1, 20_000, 3)
    with pytest.raises(dataclasses.FrozenInstanceError):
        own.size = 4


def test_steps_of_a_call_are_a_number_or_chosen():
    assert check_steps_per_execution("n", "auto") == "auto"
    assert check_steps_per_execution("n", np.int64(7)) == 7
    for value in (0, "all", True, None, 1.0):
        with pytest.raises(ValueError, match="`n` must be 'auto' or a positive integer"):
            check_steps_per_execution("n", value)


def test_an_epoch_has_at_least_one_step():
    settings = Config(images_per_class=1, steps=4)
    assert settings.epochs == 4
    assert Config(images_per_class=1).with_changes(steps=2).epochs == 2
    uneven = Config(images_per_class=1, steps=500, epochs=7)
    assert (uneven.epochs, uneven.equal_epochs) == (7, 5)


@pytest.mark.parametrize("field", ["images_per_class", "steps", "epochs", "batch_size"])
@pytest.mark.parametrize("value", [0, -2, 1.5, True, "3", None])
def test_counts_must_be_positive_integers(field, value):
    with pytest.raises(ValueError, match=f"`{field}` must be a positive integer"):
        Config.from_dict({"images_per_class": 1, field: value})


def test_one_number_for_each_class():
    settings = Config(images_per_class=[3, np.int64(1), 2])
    assert settings.images_per_class == (3, 1, 2)
    stored = json.loads(json.dumps(settings.to_dict()))
    assert stored["images_per_class"] == [3, 1, 2]
    assert Config.from_dict(stored) == settings
    for value in ((), (1, 0), (1, 2.0), [1, True], [[1], [2]], "12"):
        with pytest.raises(ValueError, match="`images_per_class` must be .*one for each class"):
            Config(images_per_class=value)


def test_preprocessing_is_one_of_the_known_kinds():
    assert Config(images_per_class=1).preprocessing == "standardize"
    for kind in ("none", "standardize", "zca", "block_zca"):
        assert Config(images_per_class=1, preprocessing=kind).preprocessing == kind
    for value in ("ZCA", "", None, True, ["zca"]):
        with pytest.raises(ValueError, match="`preprocessing` must be one of .*'block_zca'"):
            Config(images_per_class=1, preprocessing=value)


def test_the_policy_of_the_networks_is_keras_own_unless_named():
    assert Config(images_per_class=1).dtype_policy is None
    for policy in ("float32", "mixed_bfloat16"):
        assert Config(images_per_class=1, dtype_policy=policy).dtype_policy == policy
    for value in ("bfloat16", "", 16, True, ["float32"]):
        with pytest.raises(ValueError, match="`dtype_policy` must be one of .*Received"):
            Config(images_per_class=1, dtype_policy=value)


def test_own_recipe_is_copied():
    recipe = {"width": 4}
    settings = Config(images_per_class=1, recipe=recipe)
    recipe["width"] = 5
    assert settings.recipe == Recipe(width=4).to_dict()


def test_a_recipe_with_an_unknown_key_is_refused():
    with pytest.raises(ValueError, match="`recipe` must have keys out of .*Received: iterations$"):
        Config(images_per_class=1, recipe={"iterations": 3})


def test_every_setting_is_written_on_a_line():
    settings = Config(images_per_class=(1, 2))
    lines = str(settings).splitlines()
    assert len(lines) == len(settings.to_dict())
    assert "  images_per_class = [1, 2]" in lines and "  width = 128" in lines


def test_steps_and_epochs_of_a_recipe_replace_each_other():
    settings = Config(images_per_class=1, recipe={"width": 4, "steps": 7})
    recipe = settings.with_changes(recipe={"epochs": 10}).recipe
    assert (recipe["steps"], recipe["epochs"], recipe["width"]) == (None, 10, 4)
    recipe = settings.with_changes(recipe={"epochs": 10}).with_changes(recipe={"steps": 5}).recipe
    assert (recipe["steps"], recipe["epochs"]) == (5, None)
    assert settings.with_changes(recipe={"width": 2}).recipe["steps"] == 7
    # A whole recipe of which one field was changed.
    recipe = settings.with_changes(recipe={**settings.recipe, "epochs": 10}).recipe
    assert (recipe["steps"], recipe["epochs"]) == (None, 10)
    recipe = settings.with_changes(recipe={**settings.recipe, "steps": 3}).recipe
    assert (recipe["steps"], recipe["epochs"]) == (3, None)
    recipe = settings.with_changes(recipe={"steps": 3, "epochs": 1000}).recipe
    assert Recipe.from_dict(recipe).steps_for(10) == 3


def test_a_recipe_keeps_the_fields_that_are_not_changed():
    settings, _ = read_preset("digits", 10, DMConfig)
    changed = settings.with_changes(recipe={"epochs": 10})
    assert changed.recipe == {**settings.recipe, "epochs": 10}
    assert "flip" not in changed.recipe["augmentation"]
    with pytest.raises(TypeError, match="`recipe` must"):
        settings.with_changes(recipe=3)


# ------------------------------------------------------------------ derived from the data

SHAPES = [
    ((8, 8, 1), 10, 1437),
    ((28, 28, 1), 10, 60000),
    ((32, 32, 3), 10, 50000),
    ((32, 32, 3), 100, 50000),
    ((64, 64, 3), 200, 100000),
    ((1, 1, 1), 2, 4),
    ((300, 200, 3), 3, 90),
    ((20, 31, 2), 5, 400),
    ((9, 40, 13), 4, 4000),
    ((30,), 2, 400),
    ((3,), 3, 30),
    ((48, 3), 3, 200),
    ((2, 1), 2, 10),
    ((1000, 64), 5, 5000),
    ((10000,), 50, 20000),
]


@pytest.mark.parametrize("accelerated", [False, True], ids=["cpu", "accelerated"])
@pytest.mark.parametrize("shape,classes,size", SHAPES)
def test_derived_settings_are_usable(shape, classes, size, accelerated):
    for images_per_class in (1, 10):
        settings = derive_settings(shape, classes, size, images_per_class, accelerated)
        assert settings.images_per_class == images_per_class
        assert settings.preprocessing == "standardize"
        assert 1 <= settings.batch_size <= min(1024, size)
        assert settings.flip == (len(shape) == 3 and shape[-1] == 3)
        assert settings.epochs <= settings.steps
        assert 100 <= settings.steps <= 20_000
        recipe = Recipe.from_dict(settings.recipe)
        assert ("flip" in recipe.augmentation) == settings.flip
        assert bool(recipe.augmentation) == (len(shape) == 3)
        published = Settings(images_per_class=images_per_class)
        for name in ("crucial_fraction", "isa_interval", "pairing", "reduction", "pool_size"):
            assert getattr(settings, name) == getattr(published, name)
        if accelerated:
            assert settings.steps == 20_000 and settings.patience is None
            assert (settings.width, settings.learning_rate) == (128, 3e-4)
            assert recipe.width == 128 and recipe.steps is None
        else:
            assert settings.width < 128 and recipe.width < 128
            assert (settings.equal_epochs, settings.patience) == (4, 2)
            assert settings.batch_size <= 256
            assert settings.learning_rate > published.learning_rate
            assert 100 <= recipe.steps_for(classes * images_per_class) <= 2000


def test_steps_on_a_cpu_follow_the_cost():
    def steps(shape, images_per_class):
        settings = derive_settings(shape, 10, 50000, images_per_class, accelerated=False)
        return settings.steps, settings.recipe["steps"]

    small, large = steps((28, 28, 1), 1), steps((64, 64, 1), 1)
    assert small[0] > large[0] and small[1] >= large[1]
    few, many = steps((28, 28, 1), 1), steps((28, 28, 1), 50)
    assert few[0] > many[0] and few[1] > many[1]
    # Networks for flat features are so cheap that the number of steps is the greatest possible.
    assert steps((784,), 1) == (1200, 2000)


def test_the_sum_over_classes_decides_the_cost():
    def derived(images_per_class):
        return derive_settings((28, 28, 1), 4, 50000, images_per_class, accelerated=False)

    assert derived([3, 3, 3, 3]) == derived(3)
    uneven = derived((1, 1, 1, 97))
    assert uneven.images_per_class == (1, 1, 1, 97)
    assert (uneven.steps, uneven.recipe) == (derived(25).steps, derived(25).recipe)
    for counts in ((1, 2), (1, 2, 3, 0), 0, "4"):
        with pytest.raises(ValueError, match="`images_per_class`"):
            derived(counts)


@pytest.mark.parametrize("word", ["none", "None"])
def test_settings_that_may_be_none_take_the_word(word):
    settings = Settings(images_per_class=1, patience=3, ema_momentum=0.5)
    changed = settings.with_changes(patience=word, ema_momentum=word)
    assert changed.patience is None and changed.ema_momentum is None
    with pytest.raises(ValueError, match="`steps` must be"):
        settings.with_changes(steps=word)
