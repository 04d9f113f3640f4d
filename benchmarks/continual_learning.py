"""Class-incremental learning with distilled images as memory, against as many random real ones.

    python benchmarks/continual_learning.py digits
    python benchmarks/continual_learning.py mnist.npz --steps 5 --orders 5

Classes come in --steps; after each, networks learn anew from the memory and are tested on all
classes seen so far, in --orders orders of NumPy's legacy generator. Prints one JSON object: the
accuracies after each step of each order, and the difference of the memories with its interval over
the orders.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import _measure
import numpy as np


def main() -> None:
    parser = _measure.parser(__doc__)
    add = parser.add_argument
    add("dataset", help="digits or an .npz file")
    add("--steps", type=int, default=5, help="steps in which the classes come")
    add("--orders", type=int, default=5)
    add("--first-order", type=int, default=0, help="number of the first order, to go on later")
    add("--ipc", type=int, default=1, help="images of each class in the memory")
    add("--distil-steps", type=int, default=200, help="of the distillation of each step")
    add("--width", type=int, help="of all networks")
    add("--student-steps", type=int, help="of the networks that learn from the memory")
    add("--repeats", type=int, default=2, help="networks after each step")
    arguments = parser.parse_args()
    _measure.run(parser, lambda: measure(arguments))


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    from keras_isa import backend, datasets, evaluation
    from keras_isa.evaluation.scores import mean_interval
    from keras_isa.presets import settings_for

    train, test = datasets.load(arguments.dataset)
    recipe = settings_for(train, arguments.ipc, backend.has_accelerator()).recipe
    given = {"steps": arguments.student_steps, "width": arguments.width}
    recipe = evaluation.Recipe.from_dict(
        {**recipe, "steps": None, **{name: one for name, one in given.items() if one}},
        train.image_shape,
    )
    learning = evaluation.ClassIncremental(
        train, test, steps=arguments.steps, recipe=recipe, repeats=arguments.repeats
    )
    changes = {"steps": arguments.distil_steps, "epochs": 2}
    if arguments.width:
        changes["width"] = arguments.width
    memories = {
        "random": evaluation.random_memory(arguments.ipc),
        "distilled": evaluation.distilled_memory(arguments.ipc, **changes),
    }
    found: dict[str, list] = {name: [] for name in memories}
    for order in range(arguments.first_order, arguments.first_order + arguments.orders):
        for name, memory in memories.items():
            result = learning.run(memory, order=order, seed=order)
            found[name].append([float(np.mean(one)) for one in result.accuracies])
            print(order, name, [round(one, 3) for one in found[name][-1]], file=sys.stderr)
    final = {name: [steps[-1] for steps in orders] for name, orders in found.items()}
    gains = np.subtract(final["distilled"], final["random"]).tolist()
    return {
        "benchmark": "continual_learning",
        "configuration": {**vars(arguments), "recipe": recipe.to_dict()},
        "accuracies": found,
        "final": {name: float(np.mean(values)) for name, values in final.items()},
        "gain": float(np.mean(gains)),
        "gain_interval": mean_interval(gains),
        "least_gain": min(gains),
        **_measure.machine(),
    }


if __name__ == "__main__":
    main()
