"""`keras-isa prepare` and `keras-isa presets`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from keras_isa.cli.command import cli
from keras_isa.cli.settings import method_option, named_method
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
    """Prepares SOURCE as a data set called NAME.

    SOURCE is an image set as its authors distribute it, as an archive or as an unpacked folder, or
    any data that `distill` can read: a folder of images, an .npz file, `tfds:NAME`. If NAME is the
    name of a known set, such as cifar10, imagenet64 or tiny_imagenet, SOURCE must be this set.

    With --format npz the --output is a file. With npy it is a folder of arrays from which `distill
    OUTPUT` reads single images, so that the set may be larger than memory. With tfds it is a folder
    in which `distill tfds:NAME --data-dir OUTPUT` finds the set.
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
@method_option
@json_option
def presets(method: str, as_json: bool) -> None:
    """Lists the presets, which are settings for the paper's data sets and variants for CPUs."""
    with work_on_stderr():
        from keras_isa.presets import format_preset_table, preset_table

        rows = preset_table(named_method(method).Config)
    click.echo(json.dumps(rows) if as_json else format_preset_table(rows))
