"""What several commands share: options, error prefixes, where output goes."""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

import keras_isa
from keras_isa import backend
from keras_isa.asset.hub import is_address
from keras_isa.evaluation import score_cache
from keras_isa.inputs.axes import AXES
from keras_isa.inputs.class_names import parse_names
from keras_isa.inputs.targets import TASKS

DATA_NAMES = ("data_dir", "download", "classes", "image_size", "axes", "split", "key", "task")
_LEVEL = "keras_isa.verbosity"
_NO_CACHE = "keras_isa.no_cache"


def together(*options: Callable) -> Callable[[Callable], Callable]:
    """Returns a decorator that adds these options; the help lists them in this order."""

    def add(command: Callable) -> Callable:
        for option in reversed(options):
            command = option(command)
        return command

    return add


class FilePath(click.Path):
    """A path; an empty text, such as that of an unset variable, is not the current folder."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, parameter: Any, context: Any) -> Path:
        if value == "":
            self.fail("must be a path. Received: an empty text", parameter, context)
        return super().convert(value, parameter, context)


class SetPath(FilePath):
    """A distilled set: a path, or its address on the Hugging Face Hub as it was typed."""

    def convert(self, value: Any, parameter: Any, context: Any) -> str | Path:
        return value if is_address(value) else super().convert(value, parameter, context)


def output_name(path: str | Path, suffix: str) -> Path:
    """Returns the default name of what is written of a set: beside it, or here if it is fetched.

    Args:
        path: A value of `SetPath`.
        suffix: The suffix of the file, such as `".png"`.
    """
    return (Path(Path(path).name) if is_address(path) else path).with_suffix(suffix)


set_argument = click.argument("path", type=SetPath())
path_option = functools.partial(click.option, type=FilePath())
folder_option = functools.partial(path_option, metavar="DIR")


def default_option(flag: str, kind: click.ParamType, default: Any, text: str | None) -> Callable:
    """Returns an option whose default is in the help."""
    return click.option(flag, type=kind, default=default, show_default=True, help=text)


json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object only.")
# Seeds are stored in 32 bits, and a run also takes the next few numbers after its own.
seed_option = default_option("--seed", click.IntRange(0, 2**31 - 1), 0, None)
repeats_option = default_option("--repeats", click.IntRange(min=1), 5, "Networks per set.")
source_options = together(
    click.option("--data-dir", help="Where TensorFlow Datasets are prepared."),
    click.option("--download", is_flag=True, help="Let TensorFlow Datasets download and prepare."),
    click.option("--image-size", type=click.IntRange(min=1), help="Crop and resize to N x N."),
    click.option("--axes", type=click.Choice(AXES), help="Which axis of the arrays is what."),
    click.option(
        "--split",
        type=float,
        metavar="SHARE",
        help="Test part of a source without one. [default: 0.2]",
    ),
    click.option("--key", metavar="NAME", help="Which labels, where a download has several."),
)
# `load_options` reads these.
data_options = together(
    source_options,
    click.option("--classes", help="These classes only, in this order: NAME,NAME,..."),
    click.option(
        "--task",
        type=click.Choice(TASKS),
        help="What labels are: classes, or with regression numbers to predict, of an .npz file or "
        "a folder of arrays. [default: classification]",
    ),
)


def load_options(options: dict[str, Any]) -> dict[str, Any]:
    """Takes the values of `data_options` out of a command's options.

    Args:
        options: The values of the options, by name.

    Returns:
        Arguments of `keras_isa.datasets.load`.
    """
    data = {name: options.pop(name) for name in DATA_NAMES}
    if data["task"] == "classification":
        data["task"] = None
    if data["task"] and data["classes"]:
        raise ValueError("--classes has no meaning with --task regression")
    if data["classes"] is not None:
        with naming("--classes"):
            data["classes"] = parse_names(data["classes"])
    if data["data_dir"]:
        # The asset records the folder, which a command finds from anywhere if the path is absolute.
        data["data_dir"] = os.path.abspath(data["data_dir"])
    return data


def _keep_level(context: click.Context, option: click.Parameter, wanted: bool) -> None:
    if wanted and context.meta.setdefault(_LEVEL, option.name) != option.name:
        raise click.UsageError("--verbose and --quiet exclude each other: give one of them")


_level_option = functools.partial(
    click.option, is_flag=True, callback=_keep_level, expose_value=False
)
verbosity_options = together(
    _level_option(
        "--verbose", help="Also print where settings come from, and what the frameworks log."
    ),
    _level_option("--quiet", help="Print results, warnings and errors only."),
)


def _keep_choice(context: click.Context, option: click.Parameter, wanted: bool) -> None:
    context.meta[_NO_CACHE] = wanted


# Of commands that compute; `start_computing` reads the last one.
computing_options = together(
    verbosity_options,
    click.option(
        "--no-cache",
        is_flag=True,
        callback=_keep_choice,
        expose_value=False,
        help="Take no compiled programs and no scores from earlier commands, and keep none.",
    ),
)


def asked_to_be(level: str) -> bool:
    """Whether the running command has the option `--quiet`, or `--verbose`.

    Args:
        level: `"quiet"` or `"verbose"`.
    """
    context = click.get_current_context(silent=True)
    return context is not None and context.meta.get(_LEVEL) == level


def was_typed(name: str) -> bool:
    """Whether an option of the running command was given, even with its default.

    Args:
        name: The parameter of the option, such as `"ipc"`.
    """
    source = click.get_current_context().get_parameter_source(name)
    return source == ParameterSource.COMMANDLINE


def note(text: str) -> None:
    """Prints a line about the work, which `--quiet` leaves out, to stderr."""
    if not asked_to_be("quiet"):
        click.echo(text, err=True)


def start_computing() -> None:
    """Prepares the backend for a command."""
    backend.reuse_memory()
    context = click.get_current_context()
    if not context.meta[_NO_CACHE]:
        backend.cache_programs()
        score_cache.keep_scores()
    if asked_to_be("verbose"):
        log = backend.log_compilations()
        context.call_on_close(lambda: log is None or note(str(log)))


def note_device() -> None:
    """Says on what device a command computes, when its input has been found good."""
    note(f"computing on {backend.device_name()}")
    advice = backend.advice_for_gpu()
    if advice is not None:
        note(advice)


def joined_lines(text: str) -> str:
    """Joins the lines of a text; spaces inside of a line stay, as class names may have them."""
    return " ".join(line.strip() for line in text.splitlines() if line.strip())


@contextlib.contextmanager
def work_on_stderr() -> Iterator[None]:
    """A context in which progress, log and warnings go to stderr; stdout is for results.

    Of the warnings those of this library are shown, and with `--verbose` those of others.
    """

    def show(message: Any, *rest: Any, **more: Any) -> None:
        over_the_bar = "\r\x1b[K" if sys.stderr.isatty() else ""
        text = joined_lines(str(message))
        click.echo(f"{over_the_bar}keras-isa: warning: {text}", err=True)

    with contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings(), _framework_logs():
        if asked_to_be("verbose"):
            warnings.simplefilter("default")
        else:
            warnings.filterwarnings("ignore", module=r"(?!keras_isa\b)")
        warnings.filterwarnings("always", category=UserWarning, module="keras_isa")
        warnings.showwarning = show
        yield


@contextlib.contextmanager
def _framework_logs() -> Iterator[None]:
    """A context in which loggers print errors, and everything with `--verbose`."""
    root, before = logging.getLogger(), logging.root.manager.disable
    level, handler = root.level, logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
    root.addHandler(handler)
    if asked_to_be("verbose"):
        root.setLevel(logging.INFO)
    else:
        logging.disable(max(before, logging.WARNING))
    try:
        yield
    finally:
        logging.disable(before)
        root.setLevel(level)
        root.removeHandler(handler)


@contextlib.contextmanager
def naming(option: str, hint: str = "") -> Iterator[None]:
    """A context in which an error begins with the option that was typed."""
    try:
        yield
    except (ValueError, TypeError) as error:
        raise ValueError(f"{option}: {error}{hint}") from error


def verbosity() -> int:
    """1, a live bar, on a terminal, 2, a line per epoch, in a file, and 0 with `--quiet`."""
    if asked_to_be("quiet"):
        return 0
    return 1 if sys.stderr.isatty() else 2


def score(distilled: Any, train: Any, test: Any, repeats: int, seed: int) -> Any:
    """Evaluates a set beside the baselines."""
    return keras_isa.evaluate(
        distilled, test, train=train, repeats=repeats, seed=seed, verbose=verbosity()
    )


def print_report(report: dict[str, Any], text: str, as_json: bool) -> None:
    """Prints a report, as one JSON object or in words with the seconds that it names."""
    click.echo(json.dumps(report) if as_json else text)
    if "seconds" in report and not as_json and not asked_to_be("quiet"):
        click.echo(f"{report['seconds']:.0f} seconds")
