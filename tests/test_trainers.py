"""The former place of the trainers gives them with a warning."""

import pytest

import keras_isa


@pytest.mark.parametrize(
    ("name", "home"),
    [
        ("DistillationTrainer", "methods"),
        ("FRePoTrainer", "methods"),
        ("ModelPool", "models"),
    ],
)
def test_a_former_name_is_the_present_one(name, home):
    with pytest.warns(DeprecationWarning, match=f"is now keras_isa.{home}.{name}"):
        assert getattr(keras_isa.trainers, name) is getattr(getattr(keras_isa, home), name)


def test_other_names_are_unknown():
    with pytest.raises(AttributeError, match="keras_isa.trainers.*'Other'"):
        keras_isa.trainers.__getattr__("Other")
