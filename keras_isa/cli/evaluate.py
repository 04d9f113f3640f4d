"""`keras-isa evaluate`, `keras-isa reproduce` and `keras-isa compare`."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import click

from keras_isa.asset.hub import is_address
from keras_isa.asset.loading import load
from keras_isa.cli import support, testing
from keras_isa.cli.command import cli
from keras_isa.evaluation.comparison import checked_sets
from keras_isa.evaluation.comparison import compare as compare_sets
from keras_isa.evaluation.evaluate import LABELS
from keras_isa.evaluation.record import EVALUATION, reproduced


@cli.command()
@support.set_argument
@testing.dataset_option
@support.data_options
@testing.evaluation_options
@support.seed_option
@support.repeats_option
@click.option("--record", is_flag=True, help="Keep the result in the file, for `reproduce`.")
@support.computing_options
@support.json_option
def evaluate(
    path: str | Path, dataset: str | None, record: bool, as_json: bool, **options: Any
) -> None:
    """Trains networks on the distilled set at PATH and tests them on test images."""
    started = time.perf_counter()
    with support.work_on_stderr():
        if record and is_address(path):
            raise ValueError(f"--record has no meaning for {path}: only a file here can be changed")
        support.start_computing()
        opened = testing.open_set(path, dataset, options)
        result = testing.evaluated(opened, options)
        if record:
            source = {"dataset": os.path.abspath(dataset)} if _is_path(dataset) else {}
            if dataset and not source:
                source = {"dataset": dataset}
            opened.distilled.provenance[EVALUATION] = {**result.to_dict(), **source}
            with support.naming("PATH"):  # of a link its target
                opened.distilled.save(Path(path).resolve())
    report = {**result.to_dict(), "seconds": time.perf_counter() - started}
    support.print_report(report, str(result), as_json)


@cli.command()
@support.set_argument
@testing.dataset_option
@support.data_options
@support.computing_options
@support.json_option
def reproduce(path: str | Path, dataset: str | None, as_json: bool, **options: Any) -> None:
    """Runs the evaluation that the file at PATH records again, and prints the differences.

    `distill` records the evaluation that it ends with, and `evaluate --record` any other one. The
    same recipe, seeds and number of networks are used again.
    """
    started = time.perf_counter()
    with support.work_on_stderr():
        support.start_computing()
        opened = testing.open_set(path, dataset or _recorded_source(path), options)
        with support.naming("PATH"):
            result = reproduced(
                opened.distilled, opened.test, opened.train, verbose=support.verbosity()
            )
    report = {**result.to_dict(), "seconds": time.perf_counter() - started}
    support.print_report(report, str(result), as_json)


@cli.command()
@click.argument("paths", metavar="PATH PATH...", nargs=-1, required=True, type=support.SetPath())
@testing.dataset_option
@support.data_options
@click.option(
    "--labels",
    type=click.Choice(LABELS),
    default="learned",
    show_default=True,
    help="The labels of the sets, or classes in their place.",
)
@support.seed_option
@support.repeats_option
@support.computing_options
@support.json_option
def compare(
    paths: tuple,
    dataset: str | None,
    labels: str,
    seed: int,
    repeats: int,
    as_json: bool,
    **data: Any,
) -> None:
    """Tests several distilled sets by the recipe of the first one.

    They may be of any method and any origin. The differences to the first set come with their 95 %
    interval.
    """
    started = time.perf_counter()
    with support.work_on_stderr():
        if len(paths) < 2:
            raise ValueError(f"PATH must be given twice or more. Received: {len(paths)}")
        support.start_computing()
        opened = testing.open_set(paths[0], dataset, data)
        sets = {_name(paths[0], paths): opened.distilled}
        for path in paths[1:]:
            name = _name(path, paths)
            if name in sets:
                raise ValueError(f"PATH must be another file each time. Received twice: {path}")
            with support.naming("PATH"):
                sets[name] = load(path)
        with support.naming("PATH"):
            checked_sets(sets)
        with support.naming(opened.named, opened.hint):
            found = compare_sets(
                sets,
                opened.test,
                labels=labels,
                repeats=repeats,
                seed=seed,
                verbose=support.verbosity(),
            )
    report = {**found.to_dict(), "seconds": time.perf_counter() - started}
    support.print_report(report, str(found), as_json)


def _recorded_source(path: str | Path) -> str | None:
    """The data that an evaluation was recorded with, where they are not those of the set."""
    with support.naming("PATH"):
        record = load(path).provenance.get(EVALUATION)
    source = record.get("dataset") if isinstance(record, dict) else None
    return source if isinstance(source, str) else None


def _is_path(dataset: str | None) -> bool:
    return dataset is not None and os.path.exists(dataset)


def _name(path: str | Path, paths: tuple) -> str:
    """The name of a file, or its path where several have the name."""
    names = [Path(str(one)).name for one in paths]
    name = Path(str(path)).name
    return name if names.count(name) == 1 else str(path)
