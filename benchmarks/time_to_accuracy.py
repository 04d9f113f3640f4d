"""Seconds of training until networks trained on the set reach an accuracy on held-out images.

    python benchmarks/time_to_accuracy.py mnist.npz --accuracy 80
    python benchmarks/time_to_accuracy.py mnist.npz --whole --change learning_rate=0.02

Distils with the preset or the derived settings, with --change to try others. After every --every
steps the clock stops and networks are trained on the set; held-out images of the training part say
how good they are, the test part is never touched. Ends once --accuracy is reached, or with --whole
after the last step. Prints one JSON object: the curve, and the seconds to the accuracy with and
without those of the first call, which compiles.
"""

from __future__ import annotations

import argparse
import ast
import os
import time
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import _measure
import _runs


def main() -> None:
    parser = _measure.parser(__doc__)
    add = parser.add_argument
    add("dataset", help="digits or an .npz file")
    add("--ipc", type=int, default=1, help="images per class")
    add("--accuracy", type=float, default=80.0, help="in %%, of the networks' mean")
    add("--every", type=int, default=100, help="steps from one look to the next")
    add("--whole", action="store_true", help="go on to the last step")
    add("--change", action="append", default=[], metavar="NAME=VALUE", help="another setting")
    add("--repeats", type=int, default=3, help="networks per look")
    add("--seed", type=int, default=0)
    arguments = parser.parse_args()
    _measure.run(parser, lambda: measure(arguments))


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    from keras_isa import FRePoTrainer, datasets

    for name in ("every", "repeats"):
        if getattr(arguments, name) < 1:
            raise ValueError(f"--{name} must be at least 1. Received: {getattr(arguments, name)}")
    train, _ = datasets.load(arguments.dataset)
    settings = _runs.settings_for(train, arguments.ipc).with_changes(**_changes(arguments.change))
    if settings.steps % arguments.every:
        raise ValueError(
            f"--every must divide the {settings.steps} steps of the run. "
            f"Received: {arguments.every}"
        )
    share = settings.validation_split
    fit_part, held_out = datasets.split_train_validation(train, share, arguments.seed)
    distilled = _runs.first_set(fit_part, settings, arguments.seed)
    trainer = FRePoTrainer.from_settings(settings, distilled, seed=arguments.seed)
    target = None if arguments.whole else arguments.accuracy / 100
    curve = _curve(settings, held_out, arguments, target)
    trainer.fit(
        fit_part,
        epochs=settings.steps // arguments.every,
        steps_per_epoch=arguments.every,
        validation_split=0.0,
        callbacks=[curve],
        verbose=0,
    )
    reached = next(
        (look for look in curve.looks if look["accuracy"] * 100 >= arguments.accuracy), {}
    )
    return {
        "benchmark": "time_to_accuracy",
        "configuration": {
            "dataset": train.name,
            "accuracy": arguments.accuracy,
            "repeats": arguments.repeats,
            "seed": arguments.seed,
            "settings": settings.to_dict(),
        },
        "steps": reached.get("steps"),
        "seconds": reached.get("seconds"),
        "seconds_after_first_call": reached.get("seconds_after_first_call"),
        "best": max(look["accuracy"] for look in curve.looks),
        "curve": curve.looks,
        **_measure.machine(),
    }


def _changes(pairs: list[str]) -> dict[str, Any]:
    """`NAME=VALUE` with Python's literals: numbers, tuples, True; other values are words."""
    changes = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not (name and sign and value):
            raise ValueError(f"--change must be NAME=VALUE. Received: {pair}")
        try:
            changes[name] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            changes[name] = value
    return changes


def _curve(settings: Any, held_out: Any, arguments: argparse.Namespace, target: Any) -> Any:
    """A callback whose clock stops while networks are trained on the set."""
    import keras
    import numpy as np

    from keras_isa.inputs.arrays import to_numpy
    from keras_isa.tuning.scoring import Scorer

    class Curve(keras.callbacks.Callback):
        def on_train_begin(self, logs: dict | None = None) -> None:
            self.scorer = Scorer(settings, arguments.repeats, arguments.seed)
            self.looks: list[dict[str, Any]] = []
            self.images = to_numpy(self.model.distilled(held_out.x))
            self.seconds = self.first_call = 0.0
            self.began = time.perf_counter()

        def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
            if not self.first_call:
                float((logs or {})["loss"])  # has been computed when it is known
                self.first_call = time.perf_counter() - self.began

        def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
            float((logs or {})["loss"])
            self.seconds += time.perf_counter() - self.began
            scores = self.scorer.students(self.model.distilled, self.images, held_out.y)
            accuracy = float(np.mean(scores.accuracies))
            self.looks.append(
                {
                    "steps": (epoch + 1) * arguments.every,
                    "seconds": self.seconds,
                    "seconds_after_first_call": self.seconds - self.first_call,
                    "accuracy": accuracy,
                }
            )
            print(self.looks[-1])
            self.model.stop_training = target is not None and accuracy >= target
            self.began = time.perf_counter()

    return Curve()


if __name__ == "__main__":
    main()
