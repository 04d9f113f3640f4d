"""`keras-isa evaluate`."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from os.path import abspath, realpath
from pathlib import Path
from typing import Any

import click

from keras_isa import datasets
from keras_isa.asset.loading import load
from keras_isa.cli import support
from keras_isa.cli.command import cli
from keras_isa.datasets.sources import load_test
from keras_isa.inputs.class_names import format_names

_MOST_HINTED = 100


def _classes_hint(class_names: Sequence[str]) -> str:
    """Returns a hint with the option for classes in this order, as a shell takes it."""
    if len(class_names) > _MOST_HINTED:
        return ""
    return f" (at the command line: --classes {shlex.quote(format_names(class_names))})"


@cli.command()
@support.set_argument
@click.option("--dataset", help="Data set, as for `distill`. [default: the recorded one]")
@support.data_options
@support.seed_option
@support.repeats_option
@support.computing_options
@support.json_option
def evaluate(
    path: str | Path, dataset: str | None, seed: int, repeats: int, as_json: bool, **data: Any
) -> None:
    """Trains networks on the distilled set at PATH and tests them on test images."""
    started = time.perf_counter()
    with support.work_on_stderr():
        support.start_computing()
        with support.naming("PATH"):
            distilled = load(path)
        options = {name: value for name, value in support.load_options(data).items() if value}
        if distilled.is_regression:
            options["task"] = distilled.task
        named, hint = ("--dataset", "") if dataset else ("PATH", " (--dataset names another)")
        with support.naming(named, hint):
            # Of the data from which the set was distilled the test part must be used.
            recorded = distilled.provenance.get("dataset")
            if dataset and recorded not in (dataset, realpath(dataset), abspath(dataset)):
                train, test = load_test(dataset, distilled.class_names, **options)
            else:
                train, test = datasets.load_recorded(distilled.provenance, **options)
            fits = test.class_names == distilled.class_names
        with support.naming(named, "" if fits else _classes_hint(distilled.class_names)):
            result = support.score(distilled, train, test, repeats, seed)
    report = {**result.to_dict(), "seconds": time.perf_counter() - started}
    support.print_report(report, str(result), as_json)
