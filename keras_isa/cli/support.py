"""What several commands share: options, error prefixes, where output goes."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import click

from keras_isa.inputs.axes import AXES
from keras_isa.inputs.class_names import parse_names

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object only.")
# Seeds are stored in 32 bits, and a run also takes the next few numbers after its own.
seed_option = click.option(
    "--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True
)
repeats_option = click.option(
    "--repeats", type=click.IntRange(min=1), default=5, show_default=True, help="Networks per set."
)
_SOURCE_OPTIONS = (
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


def source_options(command: Callable) -> Callable:
    """Adds the options that say where images come from and what size they get."""
    for option in reversed(_SOURCE_OPTIONS):
        command = option(command)
    return command


def data_options(command: Callable) -> Callable:
    """Adds the options that say how a data set is loaded; `load_options` reads them."""
    classes = click.option("--classes", help="These classes only, in this order: NAME,NAME,...")
    return source_options(classes(command))


def load_options(data_dir: str | None, classes: str | None, **options: Any) -> dict[str, Any]:
    """Arguments of `keras_isa.datasets.load` from the values of `data_options`."""
    with naming("--classes"):
        names = None if classes is None else parse_names(classes)
    return {
        # The asset records the folder, which a command finds from anywhere if the path is absolute.
        "data_dir": data_dir and os.path.abspath(data_dir),
        "classes": names,
        **options,
    }


_LEVEL = "keras_isa.verbosity"


def verbosity_options(command: Callable) -> Callable:
    """Adds `--verbose` and `--quiet`; `is_quiet` and `is_verbose` read them."""

    def keep(context: click.Context, option: click.Parameter, wanted: bool) -> None:
        if not wanted:
            return
        if context.meta.setdefault(_LEVEL, option.name) != option.name:
            raise click.UsageError("--verbose and --quiet exclude each other: give one of them")

    for name, text in (
        ("--quiet", "Print results, warnings and errors only."),
        ("--verbose", "Also print where settings come from, and what the frameworks log."),
    ):
        option = click.option(name, is_flag=True, callback=keep, expose_value=False, help=text)
        command = option(command)
    return command


def is_quiet() -> bool:
    """Whether the running command has `--quiet`."""
    return _level() == "quiet"


def is_verbose() -> bool:
    """Whether the running command has `--verbose`."""
    return _level() == "verbose"


def _level() -> str | None:
    context = click.get_current_context(silent=True)
    return None if context is None else context.meta.get(_LEVEL)


def note(text: str) -> None:
    """Prints a line about the work, which `--quiet` leaves out, to stderr."""
    if not is_quiet():
        click.echo(text, err=True)


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
        if is_verbose():
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
    if is_verbose():
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
    if is_quiet():
        return 0
    return 1 if sys.stderr.isatty() else 2


def score(distilled: Any, train: Any, test: Any, repeats: int, seed: int) -> Any:
    """Evaluates a set beside the baselines."""
    import keras_isa

    return keras_isa.evaluate(
        distilled, test, train=train, repeats=repeats, seed=seed, verbose=verbosity()
    )


def print_report(report: dict[str, Any], result: Any, as_json: bool) -> None:
    """Prints the scores as one JSON object or as a table."""
    if as_json:
        click.echo(json.dumps(report))
        return
    click.echo(str(result))
    if not is_quiet():
        click.echo(f"{report['seconds']:.0f} seconds")
