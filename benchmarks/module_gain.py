"""Compares plain FRePo with crucial samples and ISA, run for run, on one data set.

    python benchmarks/module_gain.py --dataset digits --ipc 1 --seeds 5 --out gain.json

For each seed every setting gets the same budget, first images, pool and batches; the sets are
evaluated on the test part by the preset's recipe. Prints one JSON object: all runs, means, and
differences against `plain` of the same seed with a 95 % t interval. With --out, finished runs are
kept and not made again; progress goes to stderr.

    plain           every sample, no ISA
    released        the hardest 80 %, interval (0, 0.5), nearest partner: the released code
    text            the hardest 80 %, interval (-1, 0), random partner: the paper's text
    crucial-only    the hardest 80 %, no ISA
    isa-only        every sample, interval (0, 0.5), nearest partner
    preset          what the preset or the derived settings say
"""

from __future__ import annotations

import argparse
import math
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import _measure
import _runs

SCORES = ("accuracy_mean", "krr_accuracy_mean")
# Two-sided 95 % points of Student's t by degrees of freedom, for machines without scipy.
_T = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)


def main() -> None:
    parser = _measure.parser(__doc__)
    add = parser.add_argument
    add("--dataset", default="digits", help="digits or an .npz file")
    add("--ipc", type=int, default=1, help="images per class")
    add("--steps", type=int, help="distillation steps, default: the preset's")
    add("--seeds", type=int, default=5, help="number of seeds, from 0")
    names = ", ".join(_runs.SETTINGS)
    add("--settings", default="released,text", help=f"of {names}; plain always runs")
    add("--repeats", type=int, default=5, help="networks per set")
    add("--out", type=Path, help="JSON file that keeps finished runs")
    arguments = parser.parse_args()
    wanted = [name for name in arguments.settings.split(",") if name]
    unknown = sorted(set(wanted) - set(_runs.SETTINGS))
    if unknown:
        parser.error(f"--settings must be out of {names}; got {', '.join(unknown)}")
    if arguments.seeds < 1:
        parser.error(f"--seeds must be at least 1; got {arguments.seeds}")
    names = ["plain", *dict.fromkeys(n for n in wanted if n != "plain")]
    _measure.run(parser, lambda: compare(arguments, names))


def compare(arguments: argparse.Namespace, names: list[str]) -> dict[str, Any]:
    from keras_isa import datasets

    train, test = datasets.load(arguments.dataset)
    base = _runs.settings_for(train, arguments.ipc).with_changes(steps=arguments.steps)
    configuration = {
        "dataset": train.name,
        "repeats": arguments.repeats,
        "base_settings": base.to_dict(),
    }
    journal = _runs.Journal(arguments.out, configuration)
    runs = {name: [] for name in names}
    for seed in range(arguments.seeds):
        for name in names:
            settings = base.with_changes(**_runs.SETTINGS[name])

            def make(settings: Any = settings, seed: int = seed) -> dict[str, Any]:
                return _runs.one_run(train, test, settings, seed, arguments.repeats)

            runs[name].append(journal.run({"setting": name, "seed": seed}, make))
    result = {
        "benchmark": "module_gain",
        "configuration": journal.configuration,
        "settings": {name: summary(runs[name], runs["plain"]) for name in names},
        "runs": [run for name in names for run in runs[name]],
        **_measure.machine(),
    }
    # The file may hold further seeds and settings: they stay.
    journal.write({**result, "runs": journal.runs})
    return result


def summary(runs: list[dict], plain: list[dict]) -> dict[str, Any]:
    """Means over seeds of one setting, and its gain over plain FRePo."""
    found: dict[str, Any] = {
        "seconds": sum(run["distillation_seconds"] + run["evaluation_seconds"] for run in runs)
    }
    for score in SCORES:
        values = [run[score] for run in runs]
        found[score], found[score.replace("_mean", "_std")] = _measure.mean_and_std(values)
        if runs is not plain:
            differences = [a - b[score] for a, b in zip(values, plain, strict=True)]
            found[f"{score}_gain"] = paired(differences)
    return found


def paired(differences: list[float]) -> dict[str, Any]:
    """Mean of paired differences with its 95 % t interval, `None` for a single pair."""
    mean, deviation = _measure.mean_and_std(differences)
    interval = None
    if deviation is not None:
        half = t_point(len(differences) - 1) * deviation / math.sqrt(len(differences))
        interval = [mean - half, mean + half]
    return {"differences": differences, "mean": mean, "interval_95": interval}


def t_point(freedom: int) -> float:
    """97.5 % point of Student's t distribution."""
    try:
        from scipy import stats
    except ImportError:
        # Beyond the table its last value, which is a little too wide.
        return _T[min(freedom, len(_T)) - 1]
    return float(stats.t.ppf(0.975, freedom))


if __name__ == "__main__":
    main()
