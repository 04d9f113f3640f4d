"""The settings of gradient matching."""

import pytest

from keras_isa.methods import DSAConfig


def test_defaults_are_the_published_ones():
    settings = DSAConfig(images_per_class=1)
    published = {
        "batch_size": 2560,
        "steps": 1000,
        "learning_rate": 0.1,
        "inner_learning_rate": 0.01,
        "pool_size": 1,
        "inner_steps": 1,
        "max_online_steps": 1,
        "normalization": "instance",
        "augmentation": ("color", "crop", "cutout", "flip", "scale", "rotate"),
        "crucial_fraction": 1.0,
        "isa_interval": (0.0, 0.0),
    }
    assert {name: getattr(settings, name) for name in published} == published
    assert settings.recipe["optimizer"] == "sgd"  # networks are trained as DC trains them


def test_a_cpu_takes_narrower_networks_and_several_images_take_networks_that_learn():
    about = (28, 28, 1), 10, 60_000
    quick, whole = (DSAConfig.derived(*about, 1, accelerated) for accelerated in (False, True))
    assert quick.width < whole.width and quick.batch_size < whole.batch_size
    assert "flip" not in quick.augmentation and "flip" not in quick.recipe["augmentation"]
    several = DSAConfig.derived(*about, 10, False)
    assert quick.inner_steps == quick.max_online_steps == 1
    assert several.inner_steps > 1 and several.max_online_steps > several.inner_steps
    assert DSAConfig.derived((5,), 3, 90, 1, False).augmentation == ()


def test_instance_normalisation_has_sixteen_pixels_or_more():
    for side, depth in ((4, 1), (8, 2), (12, 2), (16, 3), (28, 3)):
        assert DSAConfig.derived((side, side, 1), 10, 900, 1, False).depth == depth


def test_a_network_takes_its_steps_before_it_is_replaced():
    with pytest.raises(ValueError, match="`inner_steps` must be at most `max_online_steps`"):
        DSAConfig(images_per_class=1, inner_steps=3, max_online_steps=2)
