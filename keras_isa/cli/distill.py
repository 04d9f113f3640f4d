"""`keras-isa distill`."""

from __future__ import annotations

import contextlib
import sys
import time
from pathlib import Path
from typing import Any

import click

from keras_isa.cli.about import described
from keras_isa.cli.command import INTERRUPTED, cli
from keras_isa.cli.options import mean_count, parse_ipc
from keras_isa.cli.settings import (
    checked_settings,
    method_option,
    named_method,
    set_option,
    setting_options,
)
from keras_isa.cli.support import (
    data_options,
    json_option,
    load_options,
    naming,
    note,
    print_report,
    repeats_option,
    score,
    seed_option,
    verbosity,
    verbosity_options,
    work_on_stderr,
)
from keras_isa.files import safe_file_name


@cli.command()
@click.argument("dataset")
@method_option
@click.option(
    "--ipc",
    default="1",
    show_default=True,
    help="Images per class: N, proportional:N (N on average), or NAME=N,NAME=N,...",
)
@click.option("--preset", help="Settings to take, see `keras-isa presets`.")
@setting_options(
    "steps",
    "batch_size",
    "crucial_fraction",
    "isa_interval",
    "pairing",
    "regularization",
    "preprocessing",
    "flip",
    "width",
    "dtype_policy",
)
@set_option
@data_options
@seed_option
@repeats_option
@click.option("--output", type=click.Path(path_type=Path), help="[default: ./DATASET_ipcN.keras]")
@click.option("--no-overwrite", is_flag=True, help="Refuse to replace an existing file.")
@click.option(
    "--resume",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Keep the state of the run in DIR, and go on from what is there.",
)
@click.option(
    "--log-dir",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Keep a log in DIR: log.csv, TensorBoard's files, and pictures of the set.",
)
@click.option("--plan", is_flag=True, help="Forecast memory and time, and stop.")
@click.option("--trial", type=int, help="With --plan: run so many steps and compare.")
@verbosity_options
@json_option
def distill(
    dataset: str,
    method: str,
    ipc: str,
    preset: str | None,
    seed: int,
    repeats: int,
    output: Path | None,
    no_overwrite: bool,
    resume: Path | None,
    log_dir: Path | None,
    plan: bool,
    trial: int | None,
    as_json: bool,
    assignments: tuple[str, ...],
    **options: Any,
) -> None:
    """Distils DATASET: `digits`, an .npz file, a folder of images, or `tfds:NAME`.

    Writes the distilled set as a .keras file and its picture as a .png beside it, then trains
    networks on it, on random real images and on k-means images, and prints the accuracies.
    """
    started = time.perf_counter()
    data = load_options(**{name: options.pop(name) for name in DATA_NAMES})
    with work_on_stderr():
        from keras_isa import backend
        from keras_isa.cli.planning import run_plan

        wanted = parse_ipc(ipc)
        trainer = named_method(method)
        changes = checked_settings(trainer.Config, mean_count(wanted), assignments, **options)
        if trial is not None and not (plan and trial > 0):
            raise ValueError("--trial must be a positive number of steps and come with --plan")
        output = output or Path(f"{short_name(dataset)}_ipc{short_name(ipc)}.keras")
        for option, folder in (("--resume", resume), ("--log-dir", log_dir)):
            if plan and folder:
                raise ValueError(f"{option} has no meaning with --plan")
        if not plan:
            check_output(output, no_overwrite)
            resume, logs = _run_folder(resume), _logs(log_dir)
        backend.reuse_memory()
        run = Run(dataset, data, wanted, preset, changes, seed, trainer)
        if plan:
            text = run_plan(run, trial, as_json)
        else:
            result, record = _distil(run, output, repeats, resume, logs)
    if plan:
        click.echo(text)
        return
    report = result.to_dict()
    report["seconds"] = time.perf_counter() - started
    report["steps_per_second"] = record["steps"] / record["seconds"]
    report["output"] = str(output)
    print_report(report, result, as_json)


DATA_NAMES = ("data_dir", "download", "classes", "image_size", "axes", "split", "key")


class Run:
    """One distillation as the command line describes it.

    Args:
        dataset: What was typed for DATASET.
        data: Arguments of `keras_isa.datasets.load`.
        wanted: Images per class, as `parse_ipc` returns.
        preset: Name of a preset, or `None`.
        changes: Settings that were typed.
        seed: Seed of everything.
        method: The trainer's class.
    """

    def __init__(
        self,
        dataset: str,
        data: dict,
        wanted: Any,
        preset: str | None,
        changes: dict,
        seed: int,
        method: Any,
    ) -> None:
        self.dataset, self.data, self.wanted, self.preset = dataset, data, wanted, preset
        self.changes, self.seed, self.method = changes, seed, method

    def load(self) -> tuple[Any, Any]:
        """Training and test part."""
        from keras_isa import datasets
        from keras_isa.asset.lettering import warn_of_boxes

        with naming("DATASET"):
            train, test = datasets.load(self.dataset, **self.data)
        warn_of_boxes(train.class_names)
        return train, test

    def settings(self, train: Any) -> Any:
        """Settings for the data, with what was typed."""
        from keras_isa import backend, presets

        with naming("--preset"):
            chosen = presets.settings_for(
                train,
                mean_count(self.wanted),
                backend.has_accelerator(),
                preset=self.preset,
                config=self.method.Config,
            )
        return chosen.with_changes(**self.changes)

    def settings_with_counts(self, train: Any, held_out: bool) -> Any:
        """As `settings`, with the number of images of each class where they differ.

        Args:
            train: The training part.
            held_out: Whether the images that are held out for validation cannot be taken.
        """
        import numpy as np

        from keras_isa.ops.counts import class_counts, simplest
        from keras_isa.ops.splits import validation_mask

        settings = self.settings(train)
        share, hint = settings.validation_split, ""
        available = train.y
        if held_out and share:
            available = train.y[~validation_mask(train.y, train.num_classes, share, self.seed)]
            hint = f" ({share:.0%} of DATASET are held out for validation)"
        with naming("--ipc", hint=hint):
            there = np.bincount(available, minlength=train.num_classes)
            counts = class_counts(self.wanted, there, train.class_names)
        return settings.with_changes(images_per_class=simplest(counts))

    def trainer(self, train: Any, settings: Any) -> Any:
        """The compiled trainer, whose `fit` draws the first images from `train`."""
        with naming("--preprocessing"):
            return self.method.for_data(train, settings, seed=self.seed)


def _distil(run: Run, output: Path, repeats: int, resume: Any, logs: list) -> tuple[Any, dict]:
    from keras_isa.asset.export import save_grid
    from keras_isa.callbacks import NaNGuard
    from keras_isa.training.progress import Forecast

    train, test = run.load()
    settings = run.settings_with_counts(train, held_out=True)
    trainer = run.trainer(train, settings)
    distilled = trainer.distilled
    note(described(run, train, settings))
    if not distilled.elementwise:
        note(f"computing {settings.preprocessing} of the training images")
    # `keras-isa evaluate` reads these to load the same data again.
    kept = {name: value for name, value in run.data.items() if value and name != "download"}
    distilled.provenance["load_options"] = kept
    interrupted = False
    try:
        trainer.fit(
            train,
            validation_split=settings.validation_split,
            callbacks=[NaNGuard(), Forecast(settings.steps, note), *logs],
            verbose=verbosity(),
            resume=resume,
        )
    except KeyboardInterrupt:
        interrupted = True
    except RuntimeError:  # it diverged again and again; the last finite set is kept
        with contextlib.suppress(Exception):
            distilled.save(output)
            click.echo(f"what was distilled so far is in {output}", err=True)
        raise
    try:
        distilled.save(output)
    except Exception:
        if interrupted:  # a second Ctrl-C ended a compiled call, which held the set
            raise KeyboardInterrupt from None
        raise
    picture = output.with_suffix(".png")
    save_grid(distilled, picture)
    note(f"wrote {output} and {picture}")
    if interrupted:
        click.echo(f"interrupted; what was distilled so far is in {output}", err=True)
        sys.exit(INTERRUPTED)
    return score(distilled, train, test, repeats, run.seed), distilled.provenance


def check_output(output: Path, no_overwrite: bool) -> None:
    """Refuses, before any work, a place where neither the set nor its picture can be written."""
    from keras_isa.files import check_writable

    if output.suffix != ".keras":
        raise ValueError(f"--output must end in .keras. Received: {output}")
    for path in (output, output.with_suffix(".png")):
        with naming("--output"):
            check_writable(path)
        if no_overwrite and path.exists():
            raise ValueError(f"--no-overwrite: there is already a file {path}")


def _run_folder(resume: Path | None) -> Any:
    from keras_isa.training.run_state import RunFolder

    with naming("--resume"):
        return None if resume is None else RunFolder(resume)


def _logs(folder: Path | None) -> list:
    """The callbacks that keep a log."""
    from keras_isa.callbacks import CSVLog, DistilledImages, TensorBoardLog

    if folder is None:
        return []
    with naming("--log-dir"):
        images = DistilledImages(folder)
        return [CSVLog(folder / "log.csv"), TensorBoardLog(folder), images]


def short_name(word: str) -> str:
    """A name for files, such as `imagenet_resized_64x64` for `tfds:imagenet_resized/64x64`."""
    return safe_file_name(
        word.removeprefix("tfds:") if word.startswith("tfds:") else Path(word).stem
    )
