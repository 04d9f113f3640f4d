"""Accuracy of `keras-isa distill DATASET` over several seeds.

    python benchmarks/accuracy.py digits --ipc 1 --seeds 0 1 2 --out accuracy.json

Each seed distils with the preset or the derived settings, validation included, and evaluates as
the command does; real images of the same number are evaluated once, with the first seed. Prints one
JSON object. With --out, finished seeds are kept and not run again; progress goes to stderr.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import _measure
import _runs


def main() -> None:
    parser = _measure.parser(__doc__)
    add = parser.add_argument
    add("dataset", help="digits or an .npz file")
    add("--ipc", type=int, default=1, help="images per class")
    add("--seeds", type=int, nargs="+", default=[0, 1, 2])
    add("--steps", type=int, help="distillation steps, default: the preset's")
    add("--repeats", type=int, default=5, help="networks per set")
    add("--out", type=Path, help="JSON file that keeps finished seeds")
    arguments = parser.parse_args()
    _measure.run(parser, lambda: measure(arguments))


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    from keras_isa import datasets

    train, test = datasets.load(arguments.dataset)
    settings = _runs.settings_for(train, arguments.ipc).with_changes(steps=arguments.steps)
    configuration = {
        "dataset": train.name,
        "repeats": arguments.repeats,
        "settings": settings.to_dict(),
    }
    journal = _runs.Journal(arguments.out, configuration)
    runs, first = [], not any("baselines" in run for run in journal.runs)
    for seed in dict.fromkeys(arguments.seeds):

        def make(seed: int = seed, baselines: bool = first) -> dict[str, Any]:
            return _runs.one_run(train, test, settings, seed, arguments.repeats, baselines)

        runs.append(journal.run({"seed": seed}, make))
        first = False
    scores = {}
    for score in ("accuracy_mean", "krr_accuracy_mean"):
        mean, deviation = _measure.mean_and_std([run[score] for run in runs])
        scores[score], scores[f"{score}_std_over_seeds"] = mean, deviation
    result = {
        "benchmark": "accuracy",
        "configuration": journal.configuration,
        **scores,
        "baselines": next(run["baselines"] for run in journal.runs if "baselines" in run),
        "runs": [{k: v for k, v in run.items() if k != "baselines"} for run in runs],
        **_measure.machine(),
    }
    journal.write({**result, "runs": journal.runs})
    return result


if __name__ == "__main__":
    main()
