"""Settings of crucial samples and ISA, which methods share."""

import pytest

from keras_isa.methods import KIPConfig, MTTConfig, RCIGConfig, RFADConfig
from keras_isa.presets.module_settings import ModuleConfig


@pytest.mark.parametrize("config", [KIPConfig, MTTConfig, RCIGConfig, RFADConfig])
def test_methods_are_plain_by_default_and_take_the_module(config):
    plain = config(images_per_class=1)
    assert isinstance(plain, ModuleConfig)
    assert (plain.crucial_fraction, plain.isa_interval) == (1.0, (0.0, 0.0))
    both = plain.with_changes(crucial_fraction=0.8, isa_interval=(0, 0.5), pairing="random")
    assert (both.crucial_fraction, both.isa_interval, both.pairing) == (0.8, (0.0, 0.5), "random")
    for wrong in ({"crucial_fraction": 0}, {"isa_interval": (1, 0)}, {"pairing": "far"}):
        (field,) = wrong
        with pytest.raises(ValueError, match=f"`{field}`"):
            plain.with_changes(**wrong)


def test_all_pairs_need_a_squared_error():
    assert KIPConfig(images_per_class=1, pairing="all").pairing == "all"
    for config in (MTTConfig, RCIGConfig):
        with pytest.raises(ValueError, match="`pairing` must be"):
            config(images_per_class=1, pairing="all")
