"""Settings of one run."""

import json

import numpy as np
import pytest

from keras_isa.presets import Recipe, Settings


def test_changes():
    settings = Settings(images_per_class=3, steps=40, isa_interval=[0, 0.25])
    assert settings.isa_interval == (0, 0.25)
    changed = settings.with_changes(steps=50, width=None, isa_interval=(-1, 0))
    assert (changed.steps, changed.width, changed.isa_interval) == (50, settings.width, (-1, 0))
    assert settings.steps == 40 and changed.images_per_class == 3
    assert Settings.from_dict(changed.to_dict()) == changed
    with pytest.raises(ValueError, match="`settings` must have keys out of .*Received: stpes$"):
        settings.with_changes(stpes=3)
    with pytest.raises(ValueError, match="Received: a, b$"):
        Settings.from_dict({"images_per_class": 1, "b": 1, "a": 2})


def test_an_epoch_has_at_least_one_step():
    settings = Settings(images_per_class=1, steps=4)
    assert settings.epochs == 4
    assert Settings(images_per_class=1).with_changes(steps=2).epochs == 2
    assert Settings(images_per_class=1, steps=500, epochs=7).epochs == 7


@pytest.mark.parametrize("field", ["images_per_class", "steps", "epochs", "batch_size"])
@pytest.mark.parametrize("value", [0, -2, 1.5, True, "3", None])
def test_counts_must_be_positive_integers(field, value):
    with pytest.raises(ValueError, match=f"`{field}` must be a positive integer"):
        Settings.from_dict({"images_per_class": 1, field: value})


def test_one_number_for_each_class():
    settings = Settings(images_per_class=[3, np.int64(1), 2])
    assert settings.images_per_class == (3, 1, 2)
    stored = json.loads(json.dumps(settings.to_dict()))
    assert stored["images_per_class"] == [3, 1, 2]
    assert Settings.from_dict(stored) == settings
    for value in ((), (1, 0), (1, 2.0), [1, True], [[1], [2]], "12"):
        with pytest.raises(ValueError, match="`images_per_class` must be .*one for each class"):
            Settings(images_per_class=value)


def test_preprocessing_is_one_of_the_known_kinds():
    assert Settings(images_per_class=1).preprocessing == "standardize"
    for kind in ("none", "standardize", "zca", "block_zca"):
        assert Settings(images_per_class=1, preprocessing=kind).preprocessing == kind
    for value in ("ZCA", "", None, True, ["zca"]):
        with pytest.raises(ValueError, match="`preprocessing` must be one of .*'block_zca'"):
            Settings(images_per_class=1, preprocessing=value)


def test_the_policy_of_the_networks_is_keras_own_unless_named():
    assert Settings(images_per_class=1).dtype_policy is None
    for policy in ("float32", "mixed_bfloat16"):
        assert Settings(images_per_class=1, dtype_policy=policy).dtype_policy == policy
    for value in ("bfloat16", "", 16, True, ["float32"]):
        with pytest.raises(ValueError, match="`dtype_policy` must be one of .*Received"):
            Settings(images_per_class=1, dtype_policy=value)


@pytest.mark.parametrize("field", ["learning_rate", "inner_learning_rate"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf"), "fast", True])
def test_rates_must_be_positive_numbers(field, value):
    with pytest.raises(ValueError, match=f"`{field}` must be"):
        Settings(images_per_class=1).with_changes(**{field: value})


def test_own_recipe_is_copied():
    recipe = {"width": 4}
    settings = Settings(images_per_class=1, recipe=recipe)
    recipe["width"] = 5
    assert settings.recipe == Recipe(width=4).to_dict()


def test_a_recipe_with_an_unknown_key_is_refused():
    with pytest.raises(ValueError, match="`recipe` must have keys out of .*Received: iterations$"):
        Settings(images_per_class=1, recipe={"iterations": 3})


def test_every_setting_is_written_on_a_line():
    settings = Settings(images_per_class=(1, 2))
    lines = str(settings).splitlines()
    assert len(lines) == len(settings.to_dict())
    assert "  images_per_class = [1, 2]" in lines and "  width = 128" in lines
