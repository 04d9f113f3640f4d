"""`keras-isa report` and `keras-isa samples`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from keras_isa.asset.lettering import warn_of_boxes
from keras_isa.cli import support, testing
from keras_isa.cli.command import cli
from keras_isa.evaluation.report import make_report, report_paths
from keras_isa.evaluation.sample_scores import score_samples
from keras_isa.files import check_writable


@cli.command()
@support.set_argument
@testing.dataset_option
@support.data_options
@testing.evaluation_options
@support.seed_option
@support.repeats_option
@click.option("--output", type=support.FilePath(), help="[default: PATH with _report.html]")
@support.computing_options
def report(path: str | Path, dataset: str | None, output: Path | None, **options: Any) -> None:
    """Tests the distilled set at PATH and writes a page about it, with a JSON file beside it.

    The page holds everything itself: the images, the table, the learning curves, the training
    images that the set explains worst, settings, and the verdict.
    """
    started = time.perf_counter()
    with support.work_on_stderr():
        plain = support.output_name(path, ".html")
        output = output or plain.with_name(f"{plain.stem}_report.html")
        with support.naming("--output"):
            report_paths(output)
        support.start_computing()
        opened = testing.open_set(path, dataset, options)
        about = {"repeats": min(options["repeats"], 3), "seed": options["seed"]}
        result = testing.evaluated(opened, options)
        samples = x = None
        if opened.train is not None and not opened.distilled.is_regression:
            samples, x = score_samples(opened.distilled, opened.train, **about), opened.train.x
        made = make_report(
            opened.distilled, result, samples=samples, x=x, command=testing.command_line()
        )
        with support.naming("--output"):
            written = made.save(output)
    click.echo(f"wrote {' and '.join(written)}")
    click.echo(made.verdict)
    if not support.asked_to_be("quiet"):
        click.echo(f"{time.perf_counter() - started:.0f} seconds")


@cli.command()
@support.set_argument
@testing.dataset_option
@support.data_options
@support.seed_option
@support.default_option("--repeats", click.IntRange(min=1), 3, "Networks that are trained.")
@support.default_option("--count", click.IntRange(min=1), 10, "Samples of each class.")
@click.option("--output", type=support.FilePath(), help="[default: PATH with _hardest.csv]")
@support.computing_options
def samples(
    path: str | Path,
    dataset: str | None,
    seed: int,
    repeats: int,
    count: int,
    output: Path | None,
    **data: Any,
) -> None:
    """Lists the training samples that the distilled set at PATH explains worst.

    They are rare, hard, or wrongly labelled. Writes a table with the row of each in the training
    part, its class, the class that networks trained on the set see in it, and its loss; and a
    picture beside it.
    """
    with support.work_on_stderr():
        plain = support.output_name(path, ".csv")
        output = output or plain.with_name(f"{plain.stem}_hardest.csv")
        if output.suffix != ".csv":
            raise ValueError(f"--output must end in .csv. Received: {output}")
        picture = output.with_suffix(".png")
        with support.naming("--output"):
            check_writable(output)
            check_writable(picture)
        if picture.exists() and not output.exists():
            raise ValueError(f"--output: the picture beside it would replace {picture}")
        support.start_computing()
        opened = testing.open_set(path, dataset, data)
        if opened.train is None:
            raise ValueError(
                f"{opened.named}: the data have no training part, which `samples` looks at"
            )
        if opened.distilled.is_regression:
            raise ValueError(
                "PATH must be a set with classes: `samples` tells which class the set sees in a "
                "sample. Received: a set for regression"
            )
        with support.naming(opened.named, opened.hint):
            found = score_samples(opened.distilled, opened.train, repeats=repeats, seed=seed)
        warn_of_boxes(opened.train.class_names)
        with support.naming("--output"):
            found.save_csv(output, count)
            found.save_picture(picture, opened.train.x, count, opened.train.pixel_range)
    click.echo(f"wrote {output} and {picture}")
