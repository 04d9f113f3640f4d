import pytest

import keras_isa
from keras_isa.moved import former_place


def test_a_name_at_its_former_place():
    with pytest.warns(DeprecationWarning, match="^keras_isa.layers.DistilledData is n") as caught:
        assert keras_isa.layers.DistilledData is keras_isa.DistilledData
    assert caught[0].filename == __file__


def test_other_names_are_missing_as_ever():
    look_up = former_place("keras_isa.layers", {"DistilledData": "keras_isa"})
    with pytest.raises(AttributeError, match="module 'keras_isa.layers' has no attribute 'Nothin"):
        look_up("Nothing")
