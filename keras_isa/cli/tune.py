"""`keras-isa tune`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from keras_isa.cli import support
from keras_isa.cli.command import cli
from keras_isa.cli.options import parse_space
from keras_isa.cli.run import Run
from keras_isa.cli.settings import run_options
from keras_isa.presets.config import OBJECTIVES, TUNERS


@cli.command()
@support.default_option(
    "--trials",
    click.IntRange(min=1),
    12,
    "Greatest number of trials. Hyperband counts a promoted run again, and 13 trials make one "
    "bracket.",
)
@support.default_option("--tuner", click.Choice(TUNERS), "random", "Strategy of the search.")
@click.option(
    "--space",
    multiple=True,
    metavar="NAME[=...]",
    help="Setting to search: NAME, NAME=LOW:HIGH or NAME=VALUE,VALUE,... May be repeated. "
    "[default: the method's own choice]",
)
@support.default_option(
    "--objective",
    click.Choice(OBJECTIVES),
    "krr",
    "Trials are scored by regression on random networks, or by networks trained on the set.",
)
@click.option(
    "--trial-steps",
    type=click.IntRange(min=1),
    help="Steps of a trial. [default: a fifth of --steps]",
)
@support.default_option(
    "--finalists",
    click.IntRange(min=0),
    2,
    "Number of settings that are run with all steps, in addition to those of `distill`.",
)
@run_options("steps", "batch_size", "width", "dtype_policy")
@support.folder_option(
    "--resume",
    help="Folder of the search, with which the same command continues. [default: beside --output]",
)
def tune(
    space: tuple[str, ...], trial_steps: int | None, resume: Path | None, as_json: bool, **rest: Any
) -> None:
    """Searches settings for DATASET, given as for `distill`.

    Short trials are scored on images held out of the training part. Then the best settings, and
    those that `distill` would take, are run with all steps, and networks trained on their sets
    score them on the same images. The best set is written as a .keras file with the history of the
    search in it, with a picture of the set and a plot of the search beside it. In the end this set
    and the set of `distill`'s settings are tested. If the command is killed, the same command
    continues the search.
    """
    names = ("tuner", "trials", "objective", "finalists", "repeats")
    search = {"steps": trial_steps, **{name: rest.pop(name) for name in names}}
    with support.work_on_stderr():
        # Only this command takes the time to import keras-tuner.
        from keras_isa.tuning import SearchSpace
        from keras_isa.tuning import tune as run_search
        from keras_isa.tuning.result import format_scores

        run = Run(**rest)
        if run.data["task"]:
            raise ValueError("--task must be classification: a search compares accuracies")
        with support.naming("--space"):
            config = run.method.Config
            search["space"] = SearchSpace(parse_space(space, config), config)
        run.check_output()
        search["directory"] = resume or run.output.with_name(f"{run.output.stem}_tuning")
        support.start_computing()
        train, test = run.load()
        settings = run.settings_with_counts(train, held_out=False)
        support.note_device()
        support.note(run.described(train, settings))
        support.note(f"the search is kept in {search['directory']}")
        search["verbose"] = support.verbosity() if support.asked_to_be("verbose") else 0
        result = run_search(train, settings, seed=run.seed, report=support.note, **search)
        if result is None:
            support.note("this worker has nothing more to do")
            return
        scores = result.test(test)
        run.save(result.distilled)
        picture = run.save_picture(result.distilled)
        plot = run.output.with_name(f"{run.output.stem}_tuning.png")
        result.plot(plot)
        support.note(f"wrote {run.output}, {picture} and {plot}")
    tables = f"{result}\n\n{format_scores(scores)}"
    report = run.report(**result.distilled.provenance["tuning"], tables=tables)
    support.print_report(report, tables, as_json)
