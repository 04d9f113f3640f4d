"""Every method, plain and with crucial samples and ISA, at equal time on one data set.

    python benchmarks/methods.py digits --ipc 1 10 --seconds 60 --seeds 5 --out methods.json
    python benchmarks/methods.py mnist.npz --methods rfad rcig --seconds 300 --out mnist.json

A cell is a method, a variant, a number of images per class and a seed. Its steps take --seconds:
some steps are run and timed first, on the machine as it is, and the cell gets as many as fit. That
does not count compilation, validation and the experts of mtt, which are part of `seconds`. Held-out
training images choose the best set of a run. Networks are trained on it by the recipe of the
method's preset (`accuracy`), and by FRePo's (`common`), which is the same for all and that of
k-means and random images.

Every cell runs in a process of its own, so that its memory is its own. With --out, finished cells
are kept and not made again. Prints one JSON object: the cells, a row for each method and variant
with the mean, the 95 % interval and the least of its seeds, k-means and random images beside it,
and the same as a table in Markdown. Progress goes to stderr.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import _measure
import _runs

VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {"crucial_fraction": 1.0, "isa_interval": (0.0, 0.0)},
    "crucial": {"crucial_fraction": 0.8, "isa_interval": (0.0, 0.0)},
    "isa": {"crucial_fraction": 1.0, "isa_interval": (0.0, 0.5)},
    "both": {"crucial_fraction": 0.8, "isa_interval": (0.0, 0.5)},
}
_TIMED = 12  # steps that are timed


def main() -> None:
    parser = _measure.parser(__doc__)
    add = parser.add_argument
    add("dataset", help="digits or an .npz file")
    add("--methods", nargs="+", help="default: all")
    add("--variants", nargs="+", default=list(VARIANTS), choices=list(VARIANTS))
    add("--ipc", type=int, nargs="+", default=[1], help="images per class")
    add("--seconds", type=float, default=60.0, help="time of the steps of a cell")
    add("--seeds", type=int, default=5, help="number of seeds, from 0")
    add("--repeats", type=int, default=2, help="networks per set")
    add("--width", type=int, help="of all networks, default: the preset's")
    add("--held-out", type=int, help="score on so many training images in place of the test part")
    add("--out", type=Path, help="JSON file that keeps finished cells")
    add("--cell", help=argparse.SUPPRESS)  # the process of a cell
    arguments = parser.parse_args()
    if arguments.seeds < 1:
        parser.error(f"--seeds must be at least 1; got {arguments.seeds}")
    run = cell if arguments.cell else compare
    _measure.run(parser, lambda: run(arguments))


def compare(arguments: argparse.Namespace) -> dict[str, Any]:
    from keras_isa.methods import method, method_names

    names = arguments.methods or method_names()
    for name in names:
        method(name)  # raises at once for one that does not exist
    shared = ("dataset", "seconds", "repeats", "width", "held_out")
    journal = _runs.Journal(arguments.out, {name: getattr(arguments, name) for name in shared})
    cells = []
    for ipc in arguments.ipc:
        for seed in range(arguments.seeds):
            for name in ("baselines", *names):
                for variant in ["plain"] if name == "baselines" else arguments.variants:
                    about = {"method": name, "variant": variant, "ipc": ipc, "seed": seed}
                    cells.append(journal.run(about, lambda a=about: made(arguments, a), outcome))
    rows = [row_of(*key, runs) for key, runs in grouped(cells).items()]
    result = {
        "benchmark": "methods",
        "configuration": journal.configuration,
        "rows": rows,
        "table": table(rows),
        "runs": cells,
        **_measure.machine(),
    }
    journal.write({**result, "runs": journal.runs})
    return result


def made(arguments: argparse.Namespace, about: dict[str, Any]) -> dict[str, Any]:
    """Runs a cell in a process of its own."""
    words = [arguments.dataset, "--seconds", arguments.seconds, "--repeats", arguments.repeats]
    for option in ("width", "held_out"):
        if getattr(arguments, option):
            words += ["--" + option.replace("_", "-"), getattr(arguments, option)]
    found = _measure.printed_by("methods.py", [*words, "--cell", json.dumps(about)])
    return {name: found[name] for name in found if name != "about"}


def cell(arguments: argparse.Namespace) -> dict[str, Any]:
    """Distils and evaluates once, or evaluates the baselines."""
    import keras_isa
    from keras_isa import backend, datasets

    about = json.loads(arguments.cell)
    seed, ipc = about["seed"], about["ipc"]
    backend.reuse_memory()
    train, test = datasets.load(arguments.dataset)
    if arguments.held_out:
        train, test = divided(train, arguments.held_out, seed)
    recipe = common_recipe(train, ipc, arguments.width)
    options = {"repeats": arguments.repeats, "seed": seed}
    if about["method"] == "baselines":
        first = _runs.first_set(train, _runs.settings_for(train, ipc), seed)
        first.recipe.update(recipe)
        found = keras_isa.evaluate(first, test, train=train, **options)
        kmeans = next(v for k, v in found.baselines.items() if "means" in k)
        scores = {"random": found.distilled, "kmeans": kmeans}
        return {name: percent(one.accuracies) for name, one in scores.items()}
    started = time.perf_counter()
    trainer, settings, rate = timed(train, about, arguments)
    fit = {"validation_split": settings.validation_split, "verbose": 0}
    trainer.fit(train, **fit)
    seconds = time.perf_counter() - started
    found = keras_isa.evaluate(trainer.distilled, test, **options).distilled
    trainer.distilled.recipe.update(recipe)
    common = keras_isa.evaluate(trainer.distilled, test, **options).distilled
    return {
        "accuracy": percent(found.accuracies),
        "common": percent(common.accuracies),
        "krr": percent(common.krr_accuracies),
        "steps": settings.steps,
        "seconds_per_step": rate,
        "seconds": seconds,
        **_measure.peak_memory(),
    }


def common_recipe(train: Any, ipc: int, width: int | None) -> dict[str, Any]:
    """The recipe of FRePo's preset, with its number of steps."""
    from keras_isa.evaluation import Recipe

    recipe = _runs.settings_for(train, ipc).recipe
    recipe = Recipe.from_dict({**recipe, **({"width": width} if width else {})}, train.image_shape)
    return {**recipe.to_dict(), "steps": recipe.steps_for(ipc * train.num_classes)}


def timed(train: Any, about: dict[str, Any], arguments: argparse.Namespace) -> tuple[Any, Any, Any]:
    """A trainer whose steps take as long as asked, its settings, and the seconds of a step."""
    from keras_isa import backend, presets
    from keras_isa.methods import method
    from keras_isa.planning.plan import StepClock

    kind = method(about["method"])
    settings = presets.settings_for(
        train, about["ipc"], backend.has_accelerator(), None, kind.Config
    ).with_changes(**VARIANTS[about["variant"]])
    if arguments.width:
        recipe = {"width": arguments.width}
        settings = settings.with_changes(width=arguments.width, recipe=recipe)
    short = settings.with_changes(steps=_TIMED, epochs=1, steps_per_execution=1)
    clock = StepClock()
    # The run finds nothing of it but the experts of mtt, which are of the same images.
    kind.for_data(train, short, seed=about["seed"]).fit(
        train, validation_split=settings.validation_split, callbacks=[clock], verbose=0
    )
    rate = clock.seconds_per_step
    steps = max(int(arguments.seconds / rate), 1)
    values = {**settings.to_dict(), "steps": steps, "epochs": 10, "patience": None}
    settings = kind.Config.from_dict(values)
    return kind.for_data(train, settings, seed=about["seed"]), settings, rate


def divided(train: Any, count: int, seed: int) -> tuple[Any, Any]:
    """Two parts of the training images, of which the second is for scores."""
    import numpy as np

    from keras_isa.datasets import Dataset

    order = np.random.default_rng(1000 + seed).permutation(len(train.y))
    parts = np.sort(order[count:]), np.sort(order[:count])
    about = {name: getattr(train, name) for name in ("name", "class_names", "pixel_range")}
    return tuple(Dataset.from_arrays(train.x[rows], train.y[rows], **about) for rows in parts)


def percent(accuracies: Any) -> float:
    """The mean of accuracies in percent."""
    return 100 * sum(map(float, accuracies)) / len(accuracies)


def outcome(run: dict[str, Any]) -> str:
    """What came of a cell, in a few words."""
    if "kmeans" in run:
        return f"k-means {run['kmeans']:.2f}, random {run['random']:.2f}"
    return f"{run['accuracy']:.2f} after {run['steps']} steps, {run['seconds']:.0f} s"


def grouped(cells: list[dict[str, Any]]) -> dict[tuple, list[dict[str, Any]]]:
    """Cells by images per class, method and variant; baselines become two methods."""
    found: dict[tuple, list] = {}
    for one in cells:
        if one["method"] != "baselines":
            found.setdefault((one["ipc"], one["method"], one["variant"]), []).append(one)
            continue
        for name in ("random", "kmeans"):
            about = {"seed": one["seed"], "accuracy": one[name], "common": one[name]}
            found.setdefault((one["ipc"], name, "-"), []).append(about)
    return found


def row_of(ipc: int, name: str, variant: str, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Mean, interval and least of the seeds of a cell."""
    from keras_isa.evaluation.scores import mean_interval

    values = [run["accuracy"] for run in runs]
    row = {"ipc": ipc, "method": name, "variant": variant, "seeds": len(values)}
    row |= {"accuracy": sum(values) / len(values), "least": min(values)}
    row["interval_95"] = list(mean_interval(values)) if len(values) > 1 else None
    for key in ("common", "steps", "seconds_per_step", "seconds"):
        if key in runs[0]:
            row[key] = sum(run[key] for run in runs) / len(runs)
    memory = [run.get("peak_memory_mb") for run in runs]
    return {**row, "peak_memory_mb": max(memory)} if all(memory) else row


_COLUMNS = {
    "per class": lambda row: f"{row['ipc']}",
    "method": lambda row: row["method"],
    "variant": lambda row: row["variant"],
    "accuracy": lambda row: f"{row['accuracy']:.1f}",
    "95 %": lambda row: "{:.1f} to {:.1f}".format(*row["interval_95"]),
    "least": lambda row: f"{row['least']:.1f}",
    "common": lambda row: f"{row['common']:.1f}",
    "steps": lambda row: f"{row['steps']:.0f}",
    "s per step": lambda row: f"{row['seconds_per_step']:.3g}",
    "MB": lambda row: f"{row['peak_memory_mb']:.0f}",
}


def table(rows: list[dict[str, Any]]) -> str:
    """The rows in Markdown; what a row does not have is a dash."""

    def text(column: Any, row: dict[str, Any]) -> str:
        try:
            return column(row)
        except (KeyError, TypeError):
            return "-"

    lines = [list(_COLUMNS), ["---"] * len(_COLUMNS)]
    lines += [[text(column, row) for column in _COLUMNS.values()] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main()
