"""The settings of gradient matching."""

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
