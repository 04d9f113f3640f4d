"""The settings of RFAD."""

from keras_isa.methods import RFADConfig


def test_defaults_are_the_published_ones():
    settings = RFADConfig(images_per_class=1)
    published = {
        "networks": 8,
        "judges": 16,
        "batch_size": 4 * 1280,
        "steps": 100_000,
        "width": 256,
        "regularization": 5e-3,
        "loss": "platt",
        "learning_rate": 1e-3,
        "transform_learning_rate": 5e-5,
        "temperature_learning_rate": 1e-2,
        "learn_labels": False,
        "normalization": "identity",
        "crucial_fraction": 1.0,
        "isa_interval": (0.0, 0.0),
    }
    assert {name: getattr(settings, name) for name in published} == published
    # It stops after 1,000 steps without a better score, of which every 40 end with one.
    assert settings.steps // settings.epochs * settings.patience == 1000


def test_a_cpu_takes_fewer_networks_and_steps():
    about = (32, 32, 3), 10, 50_000, 1
    quick, whole = (RFADConfig.derived(*about, accelerated) for accelerated in (False, True))
    assert quick.width < whole.width == 256
    assert whole.steps // whole.epochs == 40
    assert quick.networks < whole.networks and quick.steps < whole.steps
