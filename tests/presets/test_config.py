"""Settings that every method has, and how a method adds its own."""

import dataclasses
import json

import numpy as np
import pytest

from keras_isa.methods import DMConfig
from keras_isa.ops.arguments import whole_number
from keras_isa.presets import Config, Recipe, read_preset
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
    assert Config(images_per_class=1, steps=500, epochs=7).epochs == 7


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


def test_a_recipe_keeps_the_fields_that_are_not_changed():
    settings, _ = read_preset("digits", 10, DMConfig)
    changed = settings.with_changes(recipe={"epochs": 10})
    assert changed.recipe == {**settings.recipe, "epochs": 10}
    assert "flip" not in changed.recipe["augmentation"]
    with pytest.raises(TypeError, match="`recipe` must"):
        settings.with_changes(recipe=3)
