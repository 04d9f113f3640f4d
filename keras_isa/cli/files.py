"""`keras-isa show` and `keras-isa export`."""

from __future__ import annotations

from pathlib import Path

import click

from keras_isa.cli.command import cli
from keras_isa.cli.support import naming, work_on_stderr


@cli.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--output", type=click.Path(path_type=Path), help="[default: PATH with .png]")
def show(path: Path, output: Path | None) -> None:
    """Draws the distilled set at PATH as one picture."""
    with work_on_stderr():
        from keras_isa.asset.export import save_grid
        from keras_isa.asset.lettering import warn_of_boxes
        from keras_isa.asset.loading import load

        with naming("PATH"):
            distilled = load(path)
        output = output or path.with_suffix(".png")
        if output.suffix != ".png":
            raise ValueError(f"--output must end in .png. Received: {output}")
        warn_of_boxes(distilled.class_names)
        with naming("--output"):
            save_grid(distilled, output)
    click.echo(f"wrote {output}")


@cli.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--format", "kind", type=click.Choice(["npz", "png"]), required=True)
@click.option("--output", type=click.Path(path_type=Path), required=True)
def export(path: Path, kind: str, output: Path) -> None:
    """Writes the distilled set at PATH as an .npz file or a folder of .png files."""
    with work_on_stderr():
        from keras_isa.asset.export import export_npz, export_png
        from keras_isa.asset.loading import load

        with naming("PATH"):
            distilled = load(path)
        with naming("--output"):
            (export_npz if kind == "npz" else export_png)(distilled, output)
    click.echo(f"wrote {output}")
