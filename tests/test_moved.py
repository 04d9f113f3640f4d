import importlib

import pytest

import keras_isa
from keras_isa.moved import former_place


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("keras_isa.layers", "DistilledData"),
        ("keras_isa.trainers", "FRePoTrainer"),
    ],
)
def test_a_name_at_its_former_place(module, name):
    former = importlib.import_module(module)
    with pytest.warns(DeprecationWarning, match=f"^{module}.{name} is now ") as caught:
        assert getattr(former, name) is getattr(keras_isa, name)
    assert caught[0].filename == __file__


def test_other_names_are_missing_as_ever():
    look_up = former_place("keras_isa.layers", {"DistilledData": "keras_isa"})
    with pytest.raises(AttributeError, match="module 'keras_isa.layers' has no attribute 'Nothin"):
        look_up("Nothing")
