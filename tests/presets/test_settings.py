"""Settings of FRePo; those of every method are in test_config.py."""

import pytest

from keras_isa.presets import Settings


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


@pytest.mark.parametrize("field", ["learning_rate", "inner_learning_rate"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf"), "fast", True])
def test_rates_must_be_positive_numbers(field, value):
    with pytest.raises(ValueError, match=f"`{field}` must be"):
        Settings(images_per_class=1).with_changes(**{field: value})
