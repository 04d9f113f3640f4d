"""Compares features in bfloat16 with features in float32 over several seeds.

    python benchmarks/precision.py digits --seeds 0 1 2 3 4 --steps 2000

The networks of the pool compute in the one or the other (`mixed_bfloat16`); kernel,
regression, images and labels are float32 in both. Both sets are evaluated by float32 networks.
Prints one JSON object; progress goes to stderr.

    difference          mean over seeds of the accuracy with bfloat16 minus that with float32
    standard_error      of that mean, from the differences of the seeds
"""

from __future__ import annotations

import argparse
import math
import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import _measure
import _runs


def main() -> None:
    parser = _measure.parser(__doc__)
    add = parser.add_argument
    add("dataset", help="digits or an .npz file")
    add("--ipc", type=int, default=1, help="images per class")
    add("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    add("--steps", type=int, help="distillation steps, default: the preset's")
    add("--repeats", type=int, default=5, help="networks per set")
    arguments = parser.parse_args()
    _measure.run(parser, lambda: measure(arguments))


def measure(arguments: argparse.Namespace) -> dict:
    import keras_isa

    train, test = keras_isa.datasets.load(arguments.dataset)
    settings = _runs.settings_for(train, arguments.ipc).with_changes(steps=arguments.steps)
    scores = {"float32": [], "mixed_bfloat16": []}
    for seed in arguments.seeds:
        for policy, found in scores.items():
            distilled = _runs.distil(train, settings.with_changes(dtype_policy=policy), seed)
            result = keras_isa.evaluate(
                distilled, test, repeats=arguments.repeats, seed=seed, verbose=False
            )
            found.append(result.to_dict()["accuracy_mean"])
            print(f"seed {seed}, {policy}: {100 * found[-1]:.1f} %", flush=True)
    differences = [b - a for a, b in zip(*scores.values(), strict=True)]
    mean, deviation = _measure.mean_and_std(differences)
    return {
        "benchmark": "precision",
        "configuration": {**vars(arguments), "settings": settings.to_dict()},
        "accuracy": scores,
        "difference": mean,
        "standard_error": deviation and deviation / math.sqrt(len(differences)),
        **_measure.machine(),
    }


if __name__ == "__main__":
    main()
