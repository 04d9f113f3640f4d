"""The settings of RCIG."""

from keras_isa.methods import RCIGConfig


def test_defaults_are_the_published_ones():
    settings = RCIGConfig(images_per_class=1)
    published = {
        "batch_size": 1024,
        "learning_rate": 3e-3,
        "temperature_learning_rate": 3e-2,
        "ema_momentum": 0.99,
        "pool_size": 30,
        "max_online_steps": 100,
        "most_inner_steps": 15,
        "inner_learning_rate": 5e-5,
        "regularization": 5e-4,
        "solver_steps": 20,
        "implicit_limit": 1.0,
        "normalization": "identity",
        "crucial_fraction": 1.0,
        "isa_interval": (0.0, 0.0),
    }
    assert {name: getattr(settings, name) for name in published} == published
    recipe = settings.recipe
    assert (recipe["learning_rate"], recipe["augmentation"]) == (1e-4, [])


def test_a_cpu_takes_narrower_networks_and_fewer_steps():
    about = (32, 32, 3), 10, 50_000, 1
    quick, whole = (RCIGConfig.derived(*about, accelerated) for accelerated in (False, True))
    assert quick.width < whole.width and quick.steps < whole.steps
    assert quick.flip and quick.recipe["flip"] and quick.recipe["augmentation"] == []
    assert not RCIGConfig.derived((28, 28, 1), 10, 60_000, 1, False).flip
