"""The former place of the functions that write files for other tools."""

import pytest

import keras_isa.asset.export
import keras_isa.export


@pytest.mark.parametrize("name", ["export_npz", "export_png", "save_grid"])
def test_a_former_name_is_the_present_one(name):
    with pytest.warns(DeprecationWarning, match=f"is now keras_isa.asset.export.{name}"):
        assert getattr(keras_isa.export, name) is getattr(keras_isa.asset.export, name)


def test_the_set_is_no_layer_any_more_but_its_former_name_serves():
    with pytest.warns(DeprecationWarning, match="is now keras_isa.DistilledData"):
        assert keras_isa.layers.DistilledData is keras_isa.DistilledData
