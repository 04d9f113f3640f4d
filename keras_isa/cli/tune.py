"""`keras-isa tune`."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import click

from keras_isa.cli.about import described
from keras_isa.cli.command import cli
from keras_isa.cli.distill import DATA_NAMES, Run, check_output, short_name
from keras_isa.cli.options import mean_count, parse_ipc, parse_space
from keras_isa.cli.settings import (
    checked_settings,
    method_option,
    named_method,
    set_option,
    setting_options,
)
from keras_isa.cli.support import (
    data_options,
    is_quiet,
    is_verbose,
    json_option,
    load_options,
    naming,
    note,
    repeats_option,
    seed_option,
    verbosity,
    verbosity_options,
    work_on_stderr,
)

_TUNERS = ("random", "hyperband", "bayesian", "grid")


@cli.command()
@click.argument("dataset")
@method_option
@click.option(
    "--trials",
    type=click.IntRange(min=1),
    default=12,
    show_default=True,
    help="Greatest number of trials. Hyperband counts a promoted run again, and 13 trials make one "
    "bracket.",
)
@click.option(
    "--tuner",
    type=click.Choice(_TUNERS),
    default="random",
    show_default=True,
    help="Strategy of the search.",
)
@click.option(
    "--space",
    multiple=True,
    metavar="NAME[=...]",
    help="Setting to search: NAME, NAME=LOW:HIGH or NAME=VALUE,VALUE,... May be repeated. "
    "[default: the method's own choice]",
)
@click.option(
    "--objective",
    type=click.Choice(["krr", "students"]),
    default="krr",
    show_default=True,
    help="Trials are scored by regression on random networks, or by networks trained on the set.",
)
@click.option(
    "--trial-steps",
    type=click.IntRange(min=1),
    help="Steps of a trial. [default: a fifth of --steps]",
)
@click.option(
    "--finalists",
    type=click.IntRange(min=0),
    default=2,
    show_default=True,
    help="Number of settings that are run with all steps, in addition to those of `distill`.",
)
@click.option("--ipc", default="1", show_default=True, help="Images per class, as for `distill`.")
@click.option("--preset", help="Settings to start from, see `keras-isa presets`.")
@setting_options("steps", "batch_size", "width", "dtype_policy")
@set_option
@data_options
@seed_option
@repeats_option
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="File of the best set. [default: ./DATASET_ipcN.keras]",
)
@click.option(
    "--resume",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder of the search, with which the same command continues. [default: beside --output]",
)
@verbosity_options
@json_option
def tune(
    dataset: str,
    method: str,
    trials: int,
    space: tuple[str, ...],
    ipc: str,
    preset: str | None,
    seed: int,
    repeats: int,
    output: Path | None,
    resume: Path | None,
    as_json: bool,
    assignments: tuple[str, ...],
    **options: Any,
) -> None:
    """Searches settings for DATASET, given as for `distill`.

    Short trials are scored on images held out of the training part. Then the best settings, and
    those that `distill` would take, are run with all steps, and networks trained on their sets
    score them on the same images. The best set is written as a .keras file with the history of the
    search in it, with a picture of the set and a plot of the search beside it. In the end this set
    and the set of `distill`'s settings are tested. If the command is killed, the same command
    continues the search.
    """
    started = time.perf_counter()
    data = load_options(**{name: options.pop(name) for name in DATA_NAMES})
    search = {name: options.pop(name) for name in ("tuner", "objective", "finalists")}
    search.update(trials=trials, steps=options.pop("trial_steps"), repeats=repeats, seed=seed)
    with work_on_stderr():
        from keras_isa import backend
        from keras_isa.tuning import SearchSpace

        wanted = parse_ipc(ipc)
        trainer = named_method(method)
        changes = checked_settings(trainer.Config, mean_count(wanted), assignments, **options)
        with naming("--space"):
            search["space"] = SearchSpace(parse_space(space), trainer.Config)
        output = output or Path(f"{short_name(dataset)}_ipc{short_name(ipc)}.keras")
        check_output(output, no_overwrite=False)
        folder = resume or output.with_name(f"{output.stem}_tuning")
        backend.reuse_memory()
        run = Run(dataset, data, wanted, preset, changes, seed, trainer)
        report = _tune(run, search, folder, output)
    if report is None:
        return
    seconds = time.perf_counter() - started
    if as_json:
        click.echo(json.dumps({**report, "output": str(output), "seconds": seconds}))
    else:
        click.echo(report["tables"])
        if not is_quiet():
            click.echo(f"{seconds:.0f} seconds")


def _tune(run: Run, search: dict, folder: Path, output: Path) -> dict[str, Any] | None:
    from keras_isa.asset.export import save_grid
    from keras_isa.tuning.result import format_scores
    from keras_isa.tuning.search import tune as run_search

    train, test = run.load()
    settings = run.settings_with_counts(train, held_out=False)
    note(f"{described(run, train, settings)}\nthe search is kept in {folder}")
    progress = verbosity() if is_verbose() else 0
    result = run_search(train, settings, directory=folder, report=note, verbose=progress, **search)
    if result is None:
        note("this worker has nothing more to do")
        return None
    kept = {name: value for name, value in run.data.items() if value and name != "download"}
    result.distilled.provenance["load_options"] = kept
    picture, plot = output.with_suffix(".png"), output.with_name(f"{output.stem}_tuning.png")
    scores = result.test(test)
    result.distilled.save(output)
    save_grid(result.distilled, picture)
    result.plot(plot)
    note(f"wrote {output}, {picture} and {plot}")
    tables = f"{result}\n\n{format_scores(scores)}"
    return {**result.distilled.provenance["tuning"], "tables": tables}
