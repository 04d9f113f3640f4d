"""`keras-isa show`, `keras-isa export` and `keras-isa prepare`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from keras_isa import datasets
from keras_isa.asset.distilled_data import DistilledData
from keras_isa.asset.export import export_npz, export_png, save_grid
from keras_isa.asset.lettering import warn_of_boxes
from keras_isa.asset.loading import load
from keras_isa.cli import support
from keras_isa.cli.command import cli

_WRITERS = {"npz": export_npz, "png": export_png, "keras": DistilledData.save}
_SUFFIXES = {"npz": ".npz", "keras": ".keras"}


@cli.command()
@support.set_argument
@click.option("--output", type=support.FilePath(), help="[default: PATH with .png]")
def show(path: str | Path, output: Path | None) -> None:
    """Draws the distilled set at PATH as one picture."""
    with support.work_on_stderr():
        with support.naming("PATH"):
            distilled = load(path)
        output = output or support.output_name(path, ".png")
        if output.suffix != ".png":
            raise ValueError(f"--output must end in .png. Received: {output}")
        warn_of_boxes(distilled.class_names)
        with support.naming("--output"):
            save_grid(distilled, output)
    click.echo(f"wrote {output}")


@cli.command()
@support.set_argument
@click.option("--format", "kind", type=click.Choice(list(_WRITERS)), required=True)
@click.option("--output", type=support.FilePath(), required=True)
@click.option(
    "--first",
    "count",
    type=click.IntRange(min=1),
    metavar="K",
    help="Only the first K stored images of each class.",
)
def export(path: str | Path, kind: str, output: Path, count: int | None) -> None:
    """Writes the distilled set at PATH as an .npz file, a folder of .png files or a .keras file."""
    with support.work_on_stderr():
        with support.naming("PATH"):
            distilled = load(path)
        if count is not None:
            with support.naming("--first"):
                distilled = distilled.first(count)
            if _same_file(path, output):
                raise ValueError(
                    "--output must be another file than PATH, of which it is a part. "
                    f"Received: {output}"
                )
        suffix = _SUFFIXES.get(kind, "")
        if output.suffix != suffix and (suffix or output.suffix in _SUFFIXES.values()):
            wanted = f"end in {suffix}" if suffix else "be a folder"
            raise ValueError(f"--output must {wanted} for --format {kind}. Received: {output}")
        with support.naming("--output"):
            _WRITERS[kind](distilled, output)
        trained_for_it = (distilled.provenance.get("settings") or {}).get("prefixes")
        if count is not None and not trained_for_it:
            support.note(
                "the set was not trained for its parts (--set prefixes=true): its first images are "
                "as good as any others of it"
            )
    click.echo(f"wrote {output}")


def _same_file(path: str | Path, output: Path) -> bool:
    return output.exists() and Path(path).exists() and os.path.samefile(path, output)


@cli.command()
@click.argument("name")
@click.argument("source")
@click.option("--output", type=support.FilePath(), required=True)
@click.option(
    "--format",
    "kind",
    type=click.Choice(["npz", "tfds", "npy"]),
    help="[default: npz where --output ends in .npz, else npy]",
)
@support.source_options
@support.verbosity_options
def prepare(name: str, source: str, output: Path, kind: str | None, **options: Any) -> None:
    """Prepares SOURCE as a data set called NAME.

    SOURCE is an image set as its authors distribute it, as an archive or as an unpacked folder, or
    any data that `distill` can read: a folder of images, an .npz file, `tfds:NAME`. If NAME is the
    name of a known set, such as cifar10, imagenet64 or tiny_imagenet, SOURCE must be this set.

    With --format npz the --output is a file. With npy it is a folder of arrays from which `distill
    OUTPUT` reads single images, so that the set may be larger than memory. With tfds it is a folder
    in which `distill tfds:NAME --data-dir OUTPUT` finds the set.
    """
    with support.work_on_stderr():
        with support.naming("prepare"):
            given = {key: value for key, value in options.items() if value}
            progress = support.verbosity() == 1
            prepared = datasets.prepare(name, source, output, kind=kind, progress=progress, **given)
    click.echo(f"wrote {prepared}")
