"""The settings that can be searched, and their declaration to keras-tuner."""

import keras_tuner
import pytest

from keras_isa.methods import method, method_names
from keras_isa.presets import Settings
from keras_isa.tuning import SearchSpace
from keras_isa.tuning.space import searchable

EVERY_SETTING = [(name, one) for name in method_names() for one in searchable(method(name).Config)]


def declared(space, config=Settings, **changes):
    hp = keras_tuner.HyperParameters()
    SearchSpace(space, config).declare(hp, config(images_per_class=1, **changes))
    return hp


def test_share_and_ridge_are_searched_by_default():
    hp = declared(None, crucial_fraction=0.6, regularization=1e-3)
    assert hp.values == {"crucial_fraction": 0.6, "regularization": 1e-3}
    ridge = next(dimension for dimension in hp.space if dimension.name == "regularization")
    assert ridge.sampling == "log"


@pytest.mark.parametrize(("of", "name"), EVERY_SETTING)
def test_every_setting_comes_back_as_a_setting(of, name):
    config = method(of).Config
    space = SearchSpace([name], config)
    hp = declared([name], config)
    for dimension in hp.space:
        for seed in range(5):
            hp.values[name] = dimension.random_sample(seed)
            value = space.values(hp)[name]
            if name != "image_init":
                changed = config(images_per_class=1).with_changes(**{name: value})
                assert getattr(changed, name) == value


def test_choices_keep_their_types():
    space = {"isa_interval": [(0, 0.5), (-1, 0)], "learn_labels": [True], "pool_size": [2, 3]}
    hp = declared(space)
    assert SearchSpace(space).values(hp) == {
        "isa_interval": (0.0, 0.5),
        "learn_labels": True,
        "pool_size": 2,
    }


def test_the_base_setting_is_the_default_where_the_space_has_it():
    assert declared({"regularization": (1e-5, 1e-4)}, regularization=1e-2).values == {
        "regularization": 1e-4
    }
    assert declared({"pairing": ["random", "nearest"]}).values == {"pairing": "nearest"}
    assert declared({"pairing": ["random", "all"]}).values == {"pairing": "random"}


@pytest.mark.parametrize(
    ("space", "error", "named"),
    [
        ("regularization", TypeError, "space"),
        (3, TypeError, "space"),
        ({}, ValueError, "space"),
        ({"ridge": (0, 1)}, ValueError, "`space`.*'ridge'"),
        ({"regularization": (1e-2, 1e-6)}, ValueError, "regularization.*low < high"),
        ({"regularization": (0.0, 1e-2)}, ValueError, "regularization.*above 0"),
        ({"regularization": (1e-3, 1e-2, 1e-1)}, ValueError, "regularization"),
        ({"regularization": "small"}, ValueError, "regularization"),
        ({"crucial_fraction": (0.5, 1.5)}, ValueError, "crucial_fraction"),
        ({"crucial_fraction": (0.5, float("nan"))}, ValueError, "crucial_fraction"),
        ({"max_online_steps": (2.5, 9)}, ValueError, "max_online_steps"),
        ({"pool_size": [0, 1]}, ValueError, "pool_size"),
        ({"pairing": ["closest"]}, ValueError, "pairing"),
        ({"pairing": []}, ValueError, "pairing"),
        ({"pairing": ["all", "all"]}, ValueError, "pairing"),
        ({"isa_interval": (0.0, 0.5)}, ValueError, "isa_interval"),
        ({"learn_labels": ["yes"]}, TypeError, "learn_labels"),
        ({"image_init": ["zeros"]}, ValueError, "image_init"),
    ],
)
def test_bad_spaces_name_the_argument(space, error, named):
    with pytest.raises(error, match=named):
        SearchSpace(space)
