"""The options for settings of a method, made from the fields of its `Config`."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Callable, Sequence
from typing import Any

import click

from keras_isa.cli.support import naming

method_option = click.option(
    "--method",
    default="frepo",
    show_default=True,
    help="Method of distillation, see `keras-isa methods`.",
)
set_option = click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="NAME=VALUE",
    help="A setting of the method with its value as in TOML. May be repeated.",
)


def named_method(name: str, option: str = "--method") -> Any:
    """Returns the trainer's class of a method, or raises an error that names the option.

    Args:
        name: Name of the method.
        option: Option or argument with the name.
    """
    from keras_isa.methods import method

    with naming(option):
        return method(name)


def setting_options(*names: str) -> Callable[[Callable], Callable]:
    """Returns a decorator that adds an option for each of these settings of FRePo.

    Other methods have some of these settings.

    Args:
        *names: Fields of `keras_isa.presets.Settings`.
    """
    from keras_isa.presets.settings import Settings

    fields = {field.name: field for field in dataclasses.fields(Settings)}

    def add(command: Callable) -> Callable:
        for name in reversed(names):
            field = fields[name]
            flag, text = "--" + name.replace("_", "-"), field.metadata["text"]
            if isinstance(field.default, bool):
                option = click.option(f"{flag}/--no-{name}", default=None, help=text)
            elif isinstance(field.default, tuple):
                option = click.option(flag, type=float, nargs=2, metavar="LO HI", help=text)
            else:
                kind = type(field.default) if isinstance(field.default, int | float) else str
                option = click.option(flag, type=kind, help=text)
            command = option(command)
        return command

    return add


def parse_assignments(words: Sequence[str]) -> dict[str, Any]:
    """Reads the values of `--set`: `NAME=VALUE`, with the value as in TOML or as a bare word.

    Raises:
        ValueError: If a word is not an assignment, or a name comes twice.

    Example:

    >>> from keras_isa.cli.settings import parse_assignments
    >>> parse_assignments(["pool-size=5", "pairing=random", "isa_interval=[0, 1]"])
    {'pool_size': 5, 'pairing': 'random', 'isa_interval': [0, 1]}
    """
    found: dict[str, Any] = {}
    for word in words:
        name, separator, text = word.partition("=")
        name = name.strip().replace("-", "_")
        if not separator or not name or not text.strip() or name in found:
            raise ValueError(f"--set must be NAME=VALUE, each name once. Received: {word}")
        try:
            found[name] = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            found[name] = text.strip()
    return found


def checked_settings(
    config: type, ipc: int, assignments: Sequence[str] = (), **options: Any
) -> dict[str, Any]:
    """Checks the settings on the command line before anything is loaded.

    Args:
        config: The `Config` of the method.
        ipc: Images per class.
        assignments: Values of `--set`.
        **options: Settings by name, `None` for options that were not given.

    Returns:
        The settings that were given, by name.

    Raises:
        ValueError: If the method does not have a setting, or a value is not usable. The message
            names the option.
    """
    given = {name: value for name, value in options.items() if value is not None}
    typed = dict.fromkeys(given)
    names = {field.name for field in dataclasses.fields(config)}
    for name, value in parse_assignments(assignments).items():
        if name in given:
            raise ValueError(
                f"--set {name}: give it once. Received: --{name.replace('_', '-')} too"
            )
        given[name], typed[name] = value, "--set"
    settings = config(images_per_class=ipc)
    for name, value in given.items():
        flag = "--" + name.replace("_", "-")
        if name not in names or name == "images_per_class":
            known = ", ".join(sorted(names - {"images_per_class"}))
            raise ValueError(
                f"{typed[name] or flag}: the method {config.method} has no setting {name}. It has "
                f"{known}"
            )
        with naming(f"--set {name}" if typed[name] else flag):
            settings.with_changes(**{name: value})
    return given
