"""Options that are settings of a method."""

import click
import pytest

from keras_isa.cli.settings import (
    checked_settings,
    named_method,
    parse_assignments,
    setting_options,
)
from keras_isa.methods import DMConfig, FRePoTrainer
from keras_isa.presets import Settings


def test_options_are_made_from_the_fields():
    @click.command()
    @setting_options("flip", "isa_interval", "steps", "learning_rate", "depth")
    def command(**options):
        return options

    flip, interval, steps, rate, depth = command.params
    assert (flip.opts, flip.secondary_opts) == (["--flip"], ["--no-flip"])
    assert (interval.opts, interval.nargs) == (["--isa-interval"], 2)
    kinds = (steps.type, rate.type, depth.type)
    assert kinds == (click.INT, click.FLOAT, click.STRING)
    assert set(command.main([], standalone_mode=False).values()) == {None}
    given = command.main(["--no-flip", "--isa-interval", "0", "1"], standalone_mode=False)
    assert given["flip"] is False and given["isa_interval"] == (0.0, 1.0)
    assert steps.help == "Distillation steps, a batch each."


def test_assignments_are_values_of_toml_or_words():
    words = ["pool-size=5", "pairing=random", "isa_interval=[0, 1]", "flip=true", 'a="b"']
    assert parse_assignments(words) == {
        "pool_size": 5,
        "pairing": "random",
        "isa_interval": [0, 1],
        "flip": True,
        "a": "b",
    }
    for wrong in (["a"], ["=1"], ["a="], ["a=1", "a=2"]):
        with pytest.raises(ValueError, match="^--set must be NAME=VALUE, each name once"):
            parse_assignments(wrong)


def test_given_settings_are_checked_and_returned():
    given = checked_settings(Settings, 1, ["pool_size=5"], steps=7, width=None)
    assert given == {"steps": 7, "pool_size": 5}


@pytest.mark.parametrize(
    ("config", "assignments", "options", "message"),
    [
        (Settings, ["steps=0"], {}, "^--set steps: `steps` must be a positive integer"),
        (Settings, [], {"batch_size": -1}, "^--batch-size: `batch_size` must be"),
        (Settings, ["steps=2"], {"steps": 3}, "^--set steps: .*--steps too"),
        (
            Settings,
            ["images_per_class=2"],
            {},
            "^--set images_per_class: the method frepo has no",
        ),
        (
            DMConfig,
            [],
            {"pool_size": 3},
            "^--pool-size: the method dm has no setting pool_size",
        ),
    ],
)
def test_bad_settings_are_named_as_they_were_given(config, assignments, options, message):
    with pytest.raises(ValueError, match=message):
        checked_settings(config, 1, assignments, **options)


def test_methods_are_found_by_name():
    assert named_method("frepo") is FRePoTrainer
    with pytest.raises(ValueError, match="^NAME: "):
        named_method("no-such", "NAME")
