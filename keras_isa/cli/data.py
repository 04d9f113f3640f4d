"""`keras-isa prepare` and `keras-isa presets`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from keras_isa.cli.command import cli
from keras_isa.cli.support import (
    json_option,
    naming,
    source_options,
    verbosity,
    verbosity_options,
    work_on_stderr,
)


@cli.command()
@click.argument("name")
@click.argument("source")
@click.option("--output", type=click.Path(path_type=Path), required=True)
@click.option(
    "--format",
    "kind",
    type=click.Choice(["npz", "tfds", "npy"]),
    help="[default: npz where --output ends in .npz, else npy]",
)
@source_options
@verbosity_options
def prepare(name: str, source: str, output: Path, kind: str | None, **options: Any) -> None:
    """Turns SOURCE into a ready data set called NAME.

    SOURCE is a download of cifar10 (packed files), tiny_imagenet, imagenette128 or imagewoof128, or
    anything that `distill` reads: a folder of images, an .npz file, `tfds:NAME`.

    As npz, --output is a file. As npy it is a folder of arrays that `distill OUTPUT` reads image
    by image, so that the set may be larger than memory. As tfds it is a folder in which `distill
    tfds:NAME --data-dir OUTPUT` finds the set.
    """
    with work_on_stderr():
        from keras_isa import datasets

        with naming("prepare"):
            prepared = datasets.prepare(
                name,
                source,
                output,
                kind=kind,
                **{key: value for key, value in options.items() if value},
                progress=verbosity() == 1,
            )
    click.echo(f"wrote {prepared}")


@cli.command()
@json_option
def presets(as_json: bool) -> None:
    """Lists the presets: settings of the paper's data sets, and variants for CPUs."""
    with work_on_stderr():
        from keras_isa.presets import format_preset_table, preset_table

        rows = preset_table()
    click.echo(json.dumps(rows) if as_json else format_preset_table(rows))
