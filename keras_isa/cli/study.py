"""`keras-isa study`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import click

from keras_isa.cli import support
from keras_isa.cli.command import cli
from keras_isa.cli.run import Run, short_name
from keras_isa.cli.settings import method_option
from keras_isa.cli.testing import Words, command_line
from keras_isa.files import make_folder
from keras_isa.studies import Experiment, run_study, study_names
from keras_isa.studies import study as study_named
from keras_isa.studies.experiment import held_out_part
from keras_isa.studies.factors import FACTORS
from keras_isa.studies.module import ModuleStudy
from keras_isa.studies.run import seeds_there


@cli.command()
@click.argument("name", type=click.Choice(study_names()))
@click.argument("dataset")
@method_option
@click.option(
    "--ipc", type=click.IntRange(min=1), help="Images per class. [default: 1, or as the study asks]"
)
@click.option("--preset", help="Settings to take, see `keras-isa presets`.")
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="NAME=VALUE",
    help="A setting of the method with its value as in TOML. May be repeated.",
)
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    help="Number of seeds, from --seed on. [default: 5, or as the study asks]",
)
@click.option(
    "--over",
    type=Words(tuple(FACTORS), keeps_all=True),
    default=None,
    help="Of the study module: compare at other values of these settings too, one at a time: "
    f"{', '.join(FACTORS)}; all (that the method has) or none.",
)
@click.option(
    "--precision",
    type=click.FloatRange(min=0, min_open=True, max=100),
    metavar="POINTS",
    help="Of the study module: as many seeds as it takes for 95 % intervals of so many points to "
    "either side, by the first five, and --seeds at most.",
)
@click.option(
    "--equal-time/--no-equal-time",
    default=None,
    help="Of the study module: whether runs that take as long as the plain one are compared too. "
    "[default: yes]",
)
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    help="Begin no seed that would end later. The same command goes on.",
)
@click.option(
    "--held-out",
    type=click.IntRange(min=1),
    metavar="N",
    help="Score on N training images, which are not distilled, in place of the test part: for "
    "choosing settings.",
)
@support.data_options
@support.seed_option
@support.default_option("--repeats", click.IntRange(min=1), 3, "Networks per set.")
@support.folder_option(
    "--output",
    help="Folder of the study, and of its sets and scores, which are used again with --no-cache "
    "too. [default: ./DATASET_ipcN_studies, or DATASET_METHOD_ipcN_studies]",
)
@support.computing_options
@support.json_option
def study(
    name: str,
    ipc: int | None,
    seeds: int | None,
    over: tuple[str, ...] | None,
    precision: float | None,
    equal_time: bool | None,
    minutes: float | None,
    held_out: int | None,
    repeats: int,
    output: Path | None,
    as_json: bool,
    **typed: Any,
) -> None:
    """Runs the paper's study NAME on DATASET: a JSON file, a picture and a page.

    module asks whether crucial samples and ISA help, cruciality which samples matter, information
    what hard samples tell about easy ones, diversity how much of the data a set reaches, manifold
    where distilled images lie, augmentation how ISA stands beside mixup, convergence how fast it
    is, sensitivity how much settings matter, and gallery what images look like. The sets of all
    studies are kept in the folder, and a stopped study goes on from there.
    """
    kind = study_named(name)
    with support.work_on_stderr():
        for option, value in (("--precision", precision), ("--minutes", minutes)):
            if value is not None and not math.isfinite(value):
                raise ValueError(f"{option} must be a number above zero. Received: {value}")
        options = _options(kind, over=over, precision=precision, equal_time=equal_time)
        ipc = ipc or kind.images_per_class
        run = Run(ipc=str(ipc), output=None, assignments=typed.pop("assignments"), **typed)
        last = run.seed + (seeds or kind.seeds) - 1
        if last >= 2**31:
            raise ValueError(f"--seed and --seeds must end below 2**31. Received: seed {last}")
        if run.data["task"]:
            raise ValueError("--task regression has no meaning here: the studies are of classes")
        method = "" if typed["method"] == "frepo" else f"{typed['method']}_"
        output = output or Path(f"{short_name(run.dataset)}_{method}ipc{ipc}_studies")
        if output.exists() and not output.is_dir():
            raise ValueError(f"--output must be a folder. Received: {output}")
        support.start_computing()
        train, test = run.load()
        if held_out:
            with support.naming("--held-out"):
                train, test = held_out_part(train, held_out)
        settings = run.settings_with_counts(train, held_out=True)
        about = {"repeats": repeats}
        if held_out:
            about["scored_on"] = "held-out training images"
        experiment = Experiment(train, test, settings, output / "cells", **about)
        with support.naming(f"NAME {name}"):
            made = kind(experiment, **options)
        with support.naming("--output"):
            wanted = {*seeds_there(output, made), *range(run.seed, last + 1)}
            make_folder(output)
        support.note_device()
        support.note(run.described(train, experiment.settings))
        try:
            found = run_study(
                made,
                sorted(wanted),
                minutes=minutes,
                command=command_line(),
                note=support.note,
            )
        except KeyboardInterrupt:
            click.echo(
                f"what was measured is in {output}; the same command goes on, and with fewer "
                "--seeds it makes the page of what is there",
                err=True,
            )
            raise
        with support.naming("--output"):
            written = found.save(output)
        support.note(f"wrote {', '.join(map(str, written))}")
    support.print_report(found.values, str(found), as_json)


def _options(kind: type, **typed: Any) -> dict[str, Any]:
    """The options of the study of the module, which others do not have."""
    given = {name: value for name, value in typed.items() if value is not None}
    if given and not issubclass(kind, ModuleStudy):
        option = next(iter(given)).replace("_", "-")
        raise ValueError(f"--{option} has no meaning for {kind.name}: it is of module")
    return given
