"""Attacks that tell which images a network has learned from: a distilled set's, or real ones'.

    python benchmarks/membership.py digits
    python benchmarks/membership.py mnist.npz --members 5000 --ipc 10

Distils --members images, trains networks on the set and on these images themselves, and attacks
both with as many images that neither has seen, taken from the test part. Prints one JSON object:
areas under the ROC curve with their 95 % intervals. They measure these attacks and prove no
privacy.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import _measure
import _runs


def main() -> None:
    parser = _measure.parser(__doc__)
    add = parser.add_argument
    add("dataset", help="digits or an .npz file")
    add("--members", type=int, help="training images that are distilled, by default all")
    add("--ipc", type=int, default=1, help="images per class of the set")
    add("--steps", type=int, help="of the distillation")
    add("--width", type=int, help="of all networks")
    add("--repeats", type=int, default=2, help="networks of each kind")
    add("--seed", type=int, default=0)
    arguments = parser.parse_args()
    _measure.run(parser, lambda: measure(arguments))


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    from keras_isa import datasets, evaluation

    train, test = datasets.load(arguments.dataset)
    if arguments.members and arguments.members < len(train):
        share = arguments.members / len(train)
        _, train = datasets.split_train_validation(train, share, arguments.seed)
    settings = _runs.settings_for(train, arguments.ipc)
    changes = {name: getattr(arguments, name) for name in ("steps", "width")}
    settings = settings.with_changes(**{name: one for name, one in changes.items() if one})
    if arguments.width:
        settings = settings.with_changes(recipe={"width": arguments.width})
    distilled = _runs.distil(train, settings, arguments.seed)
    options = {"repeats": arguments.repeats, "seed": arguments.seed}
    found = evaluation.membership_inference(distilled, train, test, **options)
    print(found, file=sys.stderr)
    return {
        "benchmark": "membership",
        "configuration": {**vars(arguments), "settings": settings.to_dict()},
        "members": found.members,
        "areas": found.to_dict(),
        **_measure.machine(),
    }


if __name__ == "__main__":
    main()
