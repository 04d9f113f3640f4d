"""`keras-isa experts`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from keras_isa.cli import support
from keras_isa.cli.command import cli
from keras_isa.cli.run import Run
from keras_isa.cli.settings import setting_options
from keras_isa.files import make_folder


@cli.command()
@click.argument("dataset")
@click.option("--preset", help="Settings to take, see `keras-isa presets --method mtt`.")
@support.default_option(
    "--ipc", click.IntRange(min=1), 1, "Images per class of the sets, for which presets differ."
)
@click.option("--count", type=click.IntRange(min=1), help="Number of experts.")
@setting_options("width", "batch_size", "preprocessing", "dtype_policy")
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="NAME=VALUE",
    help="A setting of mtt with its value as in TOML, such as expert_epochs=20. May be repeated.",
)
@support.data_options
@support.seed_option
@support.folder_option("--output", required=True, help="Folder of the experts.")
@support.computing_options
@support.json_option
def experts(
    ipc: int,
    count: int | None,
    assignments: tuple[str, ...],
    output: Path,
    as_json: bool,
    **typed: Any,
) -> None:
    """Trains networks on DATASET for `keras-isa distill DATASET --method mtt --experts DIR`.

    Each expert is a file of DIR. If the command is killed, the same command goes on; with a greater
    --count it adds experts. They train on the images that `distill` with the same --seed trains on.
    """
    with support.work_on_stderr():
        if count is not None:
            assignments = (*assignments, f"experts={count}")
        run = Run(method="mtt", ipc=str(ipc), output=None, assignments=assignments, **typed)
        with support.naming("--output"):
            make_folder(output)
        support.start_computing()
        train, _ = run.load()
        settings = run.settings(train)
        trainer = run.trainer(train, settings)
        support.note_device()
        support.note(run.described(train, settings))
        options = {"validation_split": settings.validation_split, "folder": output}
        with support.naming("--output"):
            made = trainer.make_experts(train, note=support.note, **options)
    text = f"{output} holds {len(made)} experts of {made.epochs} epochs"
    report = {"output": str(output), "experts": len(made), "epochs": made.epochs}
    support.print_report(report, text, as_json)
