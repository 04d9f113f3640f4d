"""What several commands share: options, error prefixes, where output goes."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import click

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object only.")
# Seeds are stored in 32 bits, and a run counts a few numbers on from its own.
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


def load_options(
    data_dir: str | None, download: bool, classes: str | None, image_size: int | None
) -> dict[str, Any]:
    """Arguments of `keras_isa.datasets.load` from the values of `data_options`."""
    names = None if classes is None else [name.strip() for name in classes.split(",")]
    return {
        # Whole, so that an asset that records it is evaluated from anywhere.
        "data_dir": data_dir and os.path.abspath(data_dir),
        "download": download,
        "classes": names,
        "image_size": image_size,
    }


@contextlib.contextmanager
def work_on_stderr() -> Iterator[None]:
    """Progress, log and warnings go to stderr; stdout is for results."""

    def show(message: Any, *rest: Any, **more: Any) -> None:
        click.echo(f"keras-isa: warning: {' '.join(str(message).split())}", err=True)

    with contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings():
        warnings.filterwarnings("always", category=UserWarning, module="keras_isa")
        warnings.showwarning = show
        yield


@contextlib.contextmanager
def naming(option: str, hint: str = "") -> Iterator[None]:
    """Puts the option that was typed before what the library says about its value."""
    try:
        yield
    except (ValueError, TypeError) as error:
        raise ValueError(f"{option}: {error}{hint}") from error


def verbosity() -> int:
    """A live bar on a terminal, one line per epoch in a file."""
    return 1 if sys.stderr.isatty() else 2


def score(distilled: Any, train: Any, test: Any, repeats: int, seed: int) -> Any:
    """Evaluates a set beside the baselines."""
    import keras_isa

    return keras_isa.evaluate(
        distilled, test, train=train, repeats=repeats, seed=seed, verbose=sys.stderr.isatty()
    )


def print_report(report: dict[str, Any], result: Any, as_json: bool) -> None:
    """Prints the scores as one JSON object or as a table."""
    if as_json:
        click.echo(json.dumps(report))
        return
    click.echo(str(result))
    click.echo(f"{report['seconds']:.0f} seconds")
