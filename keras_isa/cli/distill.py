"""`keras-isa distill`."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Any

import click

from keras_isa.callbacks import CSVLog, DistilledImages, NaNGuard, TensorBoardLog
from keras_isa.cli import support
from keras_isa.cli.budget import check_budget, choose, plan_budget
from keras_isa.cli.command import INTERRUPTED, cli
from keras_isa.cli.planning import run_plan
from keras_isa.cli.run import Run
from keras_isa.cli.settings import run_options
from keras_isa.cli.testing import command_line
from keras_isa.evaluation.record import EVALUATION
from keras_isa.training.progress import Forecast
from keras_isa.training.run_state import RunFolder

# Images of at least so many pixels a side still show the same when they become tiles.
_LEAST_SIDE = 24
_TILES = (
    "each image is stored as it is; in fewer bytes --ipc 3 --parametrization "
    "multi_formation:2:shared+quantized:8 stores twelve smaller ones of each class in 8 bits, "
    "which gave 8 to 10 points more on MNIST and Fashion-MNIST"
)
_STARTED = (
    "preprocessing and first images are those of the set that the run starts from; if that was "
    "distilled from all of DATASET, it knows the images that are held out here"
)


@cli.command()
@run_options(
    "steps",
    "batch_size",
    "crucial_fraction",
    "isa_interval",
    "pairing",
    "regularization",
    "parametrization",
    "preprocessing",
    "flip",
    "width",
    "dtype_policy",
)
@click.option(
    "--budget-bytes",
    type=click.IntRange(min=1),
    metavar="N",
    help="Choose images per class and parametrisation by short runs, so that images and labels "
    "take N bytes at most.",
)
@click.option(
    "--start",
    type=support.SetPath(),
    metavar="FILE",
    help="Start from the distilled set in FILE, of any method, in place of real images. Its number "
    "of images, parametrisation and preprocessing stay.",
)
@click.option(
    "--track-samples",
    is_flag=True,
    help="Keep a running score of every training sample, and the ten of each class that the set "
    "explains worst in the record of the file.",
)
@support.folder_option(
    "--experts", help="Experts that `keras-isa experts` has made in DIR, for --method mtt."
)
@click.option("--no-overwrite", is_flag=True, help="Refuse to replace an existing file.")
@support.folder_option(
    "--resume", help="Keep the state of the run in DIR, and go on from what is there."
)
@support.folder_option(
    "--log-dir", help="Keep a log in DIR: log.csv, TensorBoard's files, and pictures of the set."
)
@click.option("--plan", is_flag=True, help="Forecast memory and time, and stop.")
@click.option(
    "--trial", type=click.IntRange(min=1), help="With --plan: run so many steps and compare."
)
def distill(
    repeats: int,
    budget_bytes: int | None,
    track_samples: bool,
    experts: Path | None,
    no_overwrite: bool,
    resume: Path | None,
    log_dir: Path | None,
    plan: bool,
    trial: int | None,
    as_json: bool,
    **typed: Any,
) -> None:
    """Distils DATASET: `digits`, an .npz file, a folder of images, or `tfds:NAME`.

    Writes the distilled set as a .keras file and its picture as a .png beside it, then trains
    networks on it, on random real images and on k-means images, and prints the accuracies.
    """
    with support.work_on_stderr():
        run = Run(**typed)
        if budget_bytes:
            check_budget(run, budget_bytes, resume=resume)
        if budget_bytes and trial:
            raise ValueError("--trial has no meaning with --budget-bytes: give --ipc")
        if trial and not plan:
            raise ValueError("--trial has no meaning without --plan")
        if track_samples:
            _check_tracking(run, plan)
        if experts:
            _check_experts(run, plan, budget_bytes)
        for option, folder in (("--resume", resume), ("--log-dir", log_dir)):
            if plan and folder:
                raise ValueError(f"{option} has no meaning with --plan")
        if not plan:
            run.check_output(no_overwrite)
            with support.naming("--resume"):
                resume = resume and RunFolder(resume)
            logs = _logs(log_dir)
        support.start_computing()
        if plan and budget_bytes:
            report, text = plan_budget(run, budget_bytes)
        elif plan:
            report, text = run_plan(run, trial)
        else:
            report, text = _distil(run, repeats, resume, logs, budget_bytes, track_samples, experts)
    support.print_report(report, text, as_json)


def _distil(
    run: Run,
    repeats: int,
    resume: Any,
    logs: list,
    budget_bytes: int | None,
    track_samples: bool,
    experts: Path | None,
) -> tuple[dict[str, Any], str]:
    train, test = run.load()
    record = {"screening": choose(run, train, budget_bytes)} if budget_bytes else {}
    settings = run.settings_with_counts(train, held_out=True)
    trainer = run.trainer(train, settings)
    distilled, trainer.track_samples = trainer.distilled, track_samples
    if experts:
        with support.naming("--experts"):
            trainer.give_experts(experts)
    distilled.provenance.update({**record, "command": command_line()})
    support.note_device()
    support.note(run.described(train, settings))
    if run.start is not None:
        support.note(_STARTED)
    elif tiles_would_help(settings, train.image_shape):
        support.note(_TILES)
    if getattr(settings, "prefixes", False) and max(distilled.class_counts) == 1:
        support.note("prefixes has no effect on one image per class: there is nothing to cut")
    if not distilled.elementwise and run.start is None:
        support.note(f"computing {settings.preprocessing} of the training images")
    interrupted, may_stop = False, settings.patience is not None
    try:
        trainer.fit(
            train,
            validation_split=settings.validation_split,
            callbacks=[NaNGuard(), Forecast(settings.steps, support.note, may_stop), *logs],
            verbose=support.verbosity(),
            resume=resume,
        )
    except KeyboardInterrupt:
        interrupted = True
    except RuntimeError:  # it diverged again and again; the last finite set is kept
        with contextlib.suppress(Exception):
            run.save(distilled)
            click.echo(f"what was distilled so far is in {run.output}", err=True)
        raise
    if track_samples and trainer.running_scores is not None:
        hardest = trainer.running_scores.hardest(train.y, train.class_names)
        distilled.provenance["hardest_samples"] = hardest
    try:
        run.save(distilled)
    except Exception:
        if interrupted:  # a second Ctrl-C ended a compiled call, which held the set
            raise KeyboardInterrupt from None
        raise
    support.note(f"wrote {run.output} and {run.save_picture(distilled)}")
    if interrupted:
        click.echo(f"interrupted; what was distilled so far is in {run.output}", err=True)
        sys.exit(INTERRUPTED)
    result, record = support.score(distilled, train, test, repeats, run.seed), distilled.provenance
    record[EVALUATION] = result.to_dict()
    run.save(distilled)
    speed = record["steps"] / record["seconds"]
    return run.report(**result.to_dict(), steps_per_second=speed), str(result)


def _check_tracking(run: Run, plan: bool) -> None:
    others = {
        "--plan": plan,
        "--task regression": run.data["task"],
        f"--method {run.method.Config.method}": not run.method.scores_samples,
    }
    for other, given in others.items():
        if given:
            raise ValueError(f"--track-samples has no meaning with {other}")


def _check_experts(run: Run, plan: bool, budget_bytes: int | None) -> None:
    others = {
        "--plan": plan,
        "--budget-bytes": budget_bytes is not None,
        f"--method {run.method.Config.method}": not run.method.takes_experts,
    }
    for other, given in others.items():
        if given:
            raise ValueError(f"--experts has no meaning with {other}")


def tiles_would_help(settings: Any, image_shape: tuple[int, ...]) -> bool:
    """Whether another parametrisation than the default is likely to give more, as measured.

    Args:
        settings: Settings of the run.
        image_shape: Shape of an image.
    """
    counts = settings.images_per_class
    few = (counts if isinstance(counts, int) else max(counts)) == 1
    large = len(image_shape) == 3 and min(image_shape[:2]) >= _LEAST_SIDE
    return settings.parametrization == "identity" and few and large


def _logs(folder: Path | None) -> list:
    """The callbacks that keep a log."""
    if folder is None:
        return []
    with support.naming("--log-dir"):
        images = DistilledImages(folder)
        return [CSVLog(folder / "log.csv"), TensorBoardLog(folder), images]
