"""`keras-isa evaluate`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from keras_isa.cli.command import cli
from keras_isa.cli.support import (
    data_options,
    json_option,
    load_options,
    naming,
    print_report,
    repeats_option,
    score,
    seed_option,
    verbosity_options,
    work_on_stderr,
)

_ANOTHER = " (--dataset names another)"


@cli.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--dataset", help="As for `distill` [default: the recorded one].")
@data_options
@seed_option
@repeats_option
@verbosity_options
@json_option
def evaluate(
    path: Path, dataset: str | None, seed: int, repeats: int, as_json: bool, **data: Any
) -> None:
    """Trains networks on the distilled set at PATH and tests them."""
    started = time.perf_counter()
    with work_on_stderr():
        from keras_isa import backend, datasets
        from keras_isa.loading import load

        backend.reuse_memory()
        with naming("PATH"):
            distilled = load(path)
        options = {k: v for k, v in load_options(**data).items() if v}
        hint = f" (at the command line: --classes {','.join(distilled.class_names[:20])})"
        with naming("--dataset" if dataset else "PATH", "" if dataset else _ANOTHER):
            if dataset:
                train, test = datasets.load(dataset, **options)
            else:
                train, test = datasets.load_recorded(distilled.provenance, **options)
            fits = test.class_names == distilled.class_names
        with naming("--dataset" if dataset else "PATH", hint="" if fits else hint):
            result = score(distilled, train, test, repeats, seed)
    report = {**result.to_dict(), "seconds": time.perf_counter() - started}
    print_report(report, result, as_json)
