"""The options of a run: its method, and the settings from the fields of the `Config`."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Callable, Sequence
from typing import Any

import click

from keras_isa.cli import support
from keras_isa.methods import method
from keras_isa.presets.settings import Settings

method_option = click.option(
    "--method",
    default="frepo",
    show_default=True,
    help="Method of distillation, see `keras-isa methods`.",
)


def named_method(name: str, option: str = "--method") -> Any:
    """Returns the trainer's class of a method, or raises an error that names the option.

    Args:
        name: Name of the method.
        option: Option or argument with the name.
    """
    with support.naming(option):
        return method(name)


def setting_options(*names: str) -> Callable[[Callable], Callable]:
    """Returns a decorator that adds an option for each of these settings of FRePo.

    Other methods have some of these settings.

    Args:
        *names: Fields of `keras_isa.presets.Settings`.
    """
    fields = {field.name: field for field in dataclasses.fields(Settings)}
    return support.together(*(_setting_option(fields[name]) for name in names))


def _setting_option(field: dataclasses.Field) -> Callable:
    flag, text = "--" + field.name.replace("_", "-"), field.metadata["text"]
    if isinstance(field.default, bool):
        return click.option(f"{flag}/--no-{field.name}", default=None, help=text)
    if isinstance(field.default, tuple):
        return click.option(flag, type=float, nargs=2, metavar="LO HI", help=text)
    kind = type(field.default) if isinstance(field.default, int | float) else str
    return click.option(flag, type=kind, help=text)


def run_options(*settings: str) -> Callable[[Callable], Callable]:
    """Returns a decorator that adds what `keras_isa.cli.run.Run` and its reports need.

    Args:
        *settings: Names of the settings that get an option of their own.
    """
    return support.together(
        click.argument("dataset"),
        method_option,
        click.option(
            "--ipc",
            default="1",
            show_default=True,
            help="Images per class: N, proportional:N (N on average), or NAME=N,NAME=N,...; with "
            "--task regression the number of rows of the set.",
        ),
        click.option("--preset", help="Settings to take, see `keras-isa presets`."),
        setting_options(*settings),
        click.option(
            "--set",
            "assignments",
            multiple=True,
            metavar="NAME=VALUE",
            help="A setting of the method with its value as in TOML, such as steps=500 or "
            "isa_interval=[0,0.5]. May be repeated.",
        ),
        support.data_options,
        support.seed_option,
        support.repeats_option,
        support.path_option("--output", help="[default: ./DATASET_ipcN.keras]"),
        support.computing_options,
        support.json_option,
    )


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
            raise ValueError(
                "--set must be NAME=VALUE, each name once; several values are [0, 0.5], and none "
                f"are []. Received: {word}"
            )
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
    typed = {name: "--" + name.replace("_", "-") for name in given}
    for name, value in parse_assignments(assignments).items():
        if name in given:
            raise ValueError(f"--set {name}: give it once. Received: {typed[name]} too")
        given[name], typed[name] = value, f"--set {name}"
    known = sorted(field.name for field in dataclasses.fields(config))
    known.remove("images_per_class")
    settings = config(images_per_class=ipc)
    for name, value in given.items():
        with support.naming(typed[name]):
            if name not in known:
                raise ValueError(
                    f"the method {config.method} has no setting {name}. It has {', '.join(known)}"
                )
            settings.with_changes(**{name: value})
    return given
