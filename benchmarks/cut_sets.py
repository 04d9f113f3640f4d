"""Sets that are cut from one set, against sets that were made for their sizes.

    python benchmarks/cut_sets.py mnist.npz --run prefixes --steps 150 --width 16
    python benchmarks/cut_sets.py mnist.npz --run plain --steps 150 --width 16
    python benchmarks/cut_sets.py mnist.npz --run made --steps 150 --width 16

Distils --ipc images per class with `prefixes`, or without (`plain`), and cuts the set to --sizes;
or makes a set for each of the sizes. Networks trained on each say how good it is on held-out images
of the training part; the test part is never touched. Prints one JSON object: accuracies by size.
"""

from __future__ import annotations

import argparse
import os
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import _measure
import _runs

RUNS = ("prefixes", "plain", "made")


def main() -> None:
    parser = _measure.parser(__doc__)
    add = parser.add_argument
    add("dataset", help="digits or an .npz file")
    add("--run", choices=RUNS, default="prefixes")
    add("--ipc", type=int, default=10, help="images per class of the set that is cut")
    add("--sizes", type=int, nargs="+", default=[1, 2, 5], help="images per class")
    add("--steps", type=int, default=150, help="of every run")
    add("--width", type=int, help="of the networks, also of those trained on the sets")
    add("--batch-size", type=int)
    add("--student-steps", type=int, default=300, help="of the networks trained on the sets")
    add("--held-out", type=int, default=3000, help="images that say how good a set is")
    add("--repeats", type=int, default=2, help="networks per set")
    add("--seed", type=int, default=0)
    arguments = parser.parse_args()
    _measure.run(parser, lambda: measure(arguments))


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    from keras_isa import datasets

    train, _ = datasets.load(arguments.dataset)
    most, wanted = len(train) - 1, arguments.held_out
    if not 1 <= wanted <= most:
        raise ValueError(f"--held-out must be 1 to {most}. Received: {wanted}")
    if max(arguments.sizes) > arguments.ipc:
        raise ValueError(f"--sizes must be at most --ipc. Received: {arguments.sizes}")
    # The same images for every run and seed.
    train, held_out = datasets.split_train_validation(train, wanted / len(train), 0)
    made = arguments.run == "made"
    sizes = sorted({*arguments.sizes, *(() if made else (arguments.ipc,))})
    settings, found = {}, {}
    for size in sizes if made else [arguments.ipc]:
        settings[size] = _settings(train, size, arguments)
        distilled = _runs.distil(train, settings[size], arguments.seed)
        for cut in [size] if made else sizes:
            found[cut] = _accuracies(distilled.first(cut), held_out, arguments)
    return {
        "benchmark": "cut_sets",
        "configuration": {
            **{name: value for name, value in vars(arguments).items() if name != "sizes"},
            "settings": {size: one.to_dict() for size, one in settings.items()},
        },
        "accuracies": found,
        **_measure.machine(),
    }


def _settings(train: Any, size: int, arguments: argparse.Namespace) -> Any:
    settings = _runs.settings_for(train, size).with_changes(
        steps=arguments.steps,
        width=arguments.width,
        batch_size=arguments.batch_size,
        epochs=2,
        prefixes=arguments.run == "prefixes",
    )
    recipe = {"steps": arguments.student_steps, "width": arguments.width or settings.width}
    return settings.with_changes(recipe=recipe)


def _accuracies(distilled: Any, held_out: Any, arguments: argparse.Namespace) -> dict[str, float]:
    import keras_isa

    result = keras_isa.evaluate(
        distilled, held_out, repeats=arguments.repeats, seed=arguments.seed
    ).to_dict()
    print(distilled.images_per_class, result["accuracy_mean"], result["krr_accuracy_mean"])
    return {name: result[name] for name in ("accuracy_mean", "krr_accuracy_mean")}


if __name__ == "__main__":
    main()
