"""`keras-isa import`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from keras_isa import datasets
from keras_isa.asset import import_set
from keras_isa.asset.foreign.formats import FORMATS
from keras_isa.asset.foreign.spaces import PIXELS, SPACES
from keras_isa.cli import support
from keras_isa.cli.command import cli


@cli.command("import")
@click.argument("path", metavar="FILE", type=support.FilePath())
@click.option("--format", "kind", type=click.Choice(list(FORMATS)), required=True)
@click.option("--dataset", required=True, help="The data it was distilled from, as for `distill`.")
@click.option("--output", type=support.FilePath(), required=True)
@click.option(
    "--space",
    type=click.Choice([PIXELS, *SPACES]),
    help="The space of the images. [default: that of the format]",
)
@click.option("--index", type=click.IntRange(min=0), default=0, help="Which set of several.")
@click.option("--sha256", help="The fingerprint that FILE must have. [default: any]")
@support.data_options
@support.verbosity_options
def import_(
    path: Path,
    kind: str,
    dataset: str,
    output: Path,
    space: str | None,
    index: int,
    sha256: str | None,
    **data: Any,
) -> None:
    """Makes a set of this library of the distilled set in FILE, which others have published.

    The preprocessing of the authors' code, which their files do not hold, is fitted to the training
    part of --dataset; the recipe is the protocol by which they train networks on the set.
    `keras-isa evaluate` then tests it. Formats are those of the authors' code: rfad, rcig, frepo,
    dc (also DSA, DM, DataDAM, DREAM), mtt and mtt_zca (also TESLA), datm, folder (SRe2L, RDED), and
    arrays for any pair of arrays.
    """
    with support.work_on_stderr():
        if output.suffix != ".keras":
            raise ValueError(f"--output must end in .keras. Received: {output}")
        options = {name: value for name, value in support.load_options(data).items() if value}
        if options.pop("task", None):
            raise ValueError("--task has no meaning here: published sets have classes")
        with support.naming("--dataset"):
            train, _ = datasets.load(dataset, **options)
        with support.naming("FILE"):
            distilled = import_set(path, kind, train, space=space, index=index, sha256=sha256)
        with support.naming("--output"):
            distilled.save(output)
    about = distilled.provenance["imported"]
    click.echo(
        f"wrote {output}: {len(distilled.class_ids)} images of {distilled.num_classes} classes, "
        f"{about['preprocessing']}; SHA-256 of {path.name} {about['sha256']}"
    )
