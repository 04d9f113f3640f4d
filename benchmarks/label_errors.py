"""Wrong labels that a distilled set finds, beside networks trained on the real images.

    python benchmarks/label_errors.py digits
    python benchmarks/label_errors.py mnist.npz --ipc 10 --images 10000 --baseline

Gives --share of the training images a wrong label, distils them, and ranks them by how badly the
set explains them, and by how badly it has explained them on the way (`track_samples`; without the
images that choose the set). Precision at n is the share of wrong labels among the n worst, n the
number of wrong ones; the share itself is chance. With --baseline networks are trained on two halves
of the real images, each judges the other half by its loss, and by cleanlab where that is installed.
Prints one JSON object.
"""

from __future__ import annotations

import argparse
import os
import time
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import _measure
import _runs
import numpy as np


def main() -> None:
    parser = _measure.parser(__doc__)
    add = parser.add_argument
    add("dataset", help="digits or an .npz file")
    add("--ipc", type=int, default=1, help="images per class of the set")
    add("--parametrization", default="identity")
    add("--share", type=float, default=0.05, help="of wrong labels")
    add("--images", type=int, help="so many training images, by default all")
    add("--steps", type=int, help="of the distillation")
    add("--width", type=int, help="of all networks")
    add("--repeats", type=int, default=3, help="networks that are trained on the set")
    add("--baseline", action="store_true", help="also train networks on the real images")
    add("--seed", type=int, default=0)
    arguments = parser.parse_args()
    _measure.run(parser, lambda: measure(arguments))


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    import keras_isa
    from keras_isa import datasets, evaluation

    train, test = datasets.load(arguments.dataset)
    if arguments.images and arguments.images < len(train):
        share = arguments.images / len(train)
        _, train = datasets.split_train_validation(train, share, arguments.seed)
    train, wrong = with_wrong_labels(train, arguments.share, arguments.seed)
    changes = {"parametrization": arguments.parametrization}
    for name in ("steps", "width"):
        if getattr(arguments, name):
            changes[name] = getattr(arguments, name)
    settings = _runs.settings_for(train, arguments.ipc).with_changes(**changes)
    if arguments.width:
        settings = settings.with_changes(recipe={"width": arguments.width})
    began = time.perf_counter()
    distilled = _runs.first_set(train, settings, arguments.seed)
    trainer = keras_isa.FRePoTrainer.from_settings(settings, distilled, seed=arguments.seed)
    trainer.track_samples = True
    trainer.fit(train, validation_split=settings.validation_split, verbose=0)
    made = time.perf_counter()
    options = {"repeats": arguments.repeats, "seed": arguments.seed}
    found = evaluation.score_samples(distilled, train, **options)
    ended = time.perf_counter()
    running = trainer.running_scores.means()
    seen = np.isfinite(running)
    precision = {
        "distilled": precision_at_n(found.losses, wrong),
        "while distilling": precision_at_n(running[seen], wrong[seen]),
    }
    seconds = {"distil": made - began, "score": ended - made}
    if arguments.baseline:
        precision |= _of_real_networks(distilled, train, test, wrong, arguments.seed)
        seconds["baseline"] = time.perf_counter() - ended
    return {
        "benchmark": "label_errors",
        "configuration": {**vars(arguments), "settings": settings.to_dict()},
        "wrong": int(wrong.sum()),
        "precision_at_n": precision,
        "recall": list(found.recall),
        "seconds": seconds,
        **_measure.machine(),
    }


def with_wrong_labels(train: Any, share: float, seed: int) -> tuple[Any, np.ndarray]:
    """Training data of which a share has labels of another class, and which samples these are."""
    import dataclasses

    rng = np.random.default_rng(seed)
    wrong = np.zeros(len(train), bool)
    wrong[rng.permutation(len(train))[: round(share * len(train))]] = True
    y = np.array(train.y)
    y[wrong] += rng.integers(1, train.num_classes, wrong.sum()).astype(y.dtype)
    return dataclasses.replace(train, y=y % train.num_classes, checked=True), wrong


def precision_at_n(losses: np.ndarray, wrong: np.ndarray) -> float:
    """The share of wrong labels among as many samples of the greatest losses."""
    worst = np.argsort(-losses, kind="stable")[: wrong.sum()]
    return float(wrong[worst].mean())


def _of_real_networks(
    distilled: Any, train: Any, test: Any, wrong: np.ndarray, seed: int
) -> dict[str, float]:
    from keras_isa.evaluation.bench import Bench, TestData
    from keras_isa.evaluation.evaluate import evaluation_recipe
    from keras_isa.evaluation.full_data import FullData

    half = np.random.default_rng(seed).permutation(len(train)) % 2 == 0
    logits = np.empty((len(train), train.num_classes))
    tested = TestData.of(distilled, test.x, test.y)
    for part in (half, ~half):
        about = evaluation_recipe(distilled)
        bench = Bench(distilled, tested, about, repeats=1, seed=seed)
        (network,) = FullData(bench, train.x[part], train.y[part]).networks(1)
        logits[~part] = network.logits(train.x[~part], distilled)[0]
    truth = np.eye(train.num_classes)[train.y] - 1 / train.num_classes
    losses = np.sum(np.square(logits - truth), axis=1)
    found = {"networks on real images": precision_at_n(losses, wrong)}
    try:
        from cleanlab.rank import get_label_quality_scores
    except ImportError:
        return found
    shares = np.exp(10 * (logits - logits.max(axis=1, keepdims=True)))
    shares /= shares.sum(axis=1, keepdims=True)
    quality = get_label_quality_scores(np.asarray(train.y), shares)
    return {**found, "cleanlab": precision_at_n(-quality, wrong)}


if __name__ == "__main__":
    main()
