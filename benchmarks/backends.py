"""Compares the backends: errors against float64 NumPy, and the time of a step.

    python benchmarks/backends.py
    python benchmarks/backends.py --width 32 --batch 256 --backends jax torch

Each backend that is installed runs in a process of its own, one after the other. Prints one JSON
object; progress goes to stderr.

    errors              greatest relative distances from the reference in `_reference.py`: losses of
                        20 steps, gradients at the start, set and weights after 20 steps
    seconds_per_step    of `fit` on random images in an epoch after the first one
    first_epoch         seconds of the first epoch, which compiles
    ratio               seconds_per_step over those of the first backend
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys

os.environ.setdefault("KERAS_BACKEND", "jax")

import _measure
import _runs

BACKENDS = ("jax", "tensorflow", "torch")


def main() -> None:
    arguments = parse()
    if arguments.one:
        _measure.print_json(measure(arguments))
        return
    found = {}
    for name in arguments.backends:
        if importlib.util.find_spec(name) is None:
            continue
        print(f"{name} ...", file=sys.stderr)
        words = [*sys.argv[1:], "--one"]
        found[name] = _measure.printed_by("backends.py", words, KERAS_BACKEND=name)
    first = next(iter(found.values()))["seconds_per_step"]
    for result in found.values():
        result["ratio"] = result["seconds_per_step"] / first
    configuration = {k: v for k, v in vars(arguments).items() if k not in ("one", "backends")}
    _measure.print_json(
        {
            "benchmark": "backends",
            "configuration": configuration,
            "backends": found,
            **_measure.machine(),
        }
    )


def parse() -> argparse.Namespace:
    parser = _measure.parser(__doc__)
    add = parser.add_argument
    add("--backends", nargs="+", choices=BACKENDS, default=BACKENDS)
    add("--shape", type=int, nargs=3, metavar=("H", "W", "C"), default=(28, 28, 1))
    add("--ipc", type=int, default=1, help="images per class")
    add("--width", type=int, default=32)
    add("--batch", type=int, default=256, help="target images per step")
    add("--steps", type=int, default=20, help="steps per epoch")
    add("--one", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def measure(arguments: argparse.Namespace) -> dict:
    """Errors and times of the active backend."""
    import _reference
    import keras

    from keras_isa import backend
    from keras_isa.versions import versions

    backend.reuse_memory()
    trainer, x, y = _runs.on_random_images(
        arguments.shape,
        images_per_class=arguments.ipc,
        width=arguments.width,
        batch_size=arguments.batch,
        steps=2 * arguments.steps,
    )
    clock = _measure.epoch_clock()
    trainer.fit(x, y, epochs=2, steps_per_epoch=arguments.steps, callbacks=[clock], verbose=0)
    return {
        "version": versions()[keras.backend.backend()],
        "errors": _reference.errors(_reference.problem()),
        "seconds_per_step": clock.seconds[1] / arguments.steps,
        "first_epoch": clock.seconds[0],
    }


if __name__ == "__main__":
    main()
