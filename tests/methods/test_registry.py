import sys
import types

import pytest

from keras_isa import DistillationTrainer, FRePoTrainer
from keras_isa.methods import method, method_names, register, registry
from keras_isa.presets import Config


@pytest.fixture(autouse=True)
def as_before(monkeypatch):
    monkeypatch.setattr(registry, "_METHODS", dict(registry._METHODS))


def named(name):
    config = type("Config", (Config,), {"method": name})
    return type("Own", (DistillationTrainer,), {"Config": config})


def test_methods_by_name():
    assert method("frepo") is FRePoTrainer
    own = register(named("own"))
    assert method("own") is own and "own" in method_names()
    assert register(own) is own


def test_a_class_of_ones_own_module(monkeypatch):
    module = types.ModuleType("own_module")
    module.Own = named("mine")
    monkeypatch.setitem(sys.modules, "own_module", module)
    assert method("own_module:Own") is module.Own
    assert method("mine") is module.Own
    for name in ("own_module:Other", "no_such_module:Own", ":Own"):
        with pytest.raises(ValueError, match="`method` must name a class .*MODULE:CLASS"):
            method(name)


def test_others_are_refused():
    with pytest.raises(
        ValueError,
        match="`method` must be one of dm, dsa, frepo, kip, mtt, rcig, rfad, or MODULE:CLASS",
    ):
        method("nope")
    with pytest.raises(TypeError, match="`trainer` must be a subclass"):
        register(Config)
    with pytest.raises(ValueError, match="`trainer` must have a `Config` with a name"):
        register(named(""))
    with pytest.raises(ValueError, match="a name of its own.*'frepo', which is FRePoTrainer"):
        register(named("frepo"))
