"""What hard and easy real samples tell about each other, and about unseen ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from keras_isa.evaluation.evaluate import evaluation_recipe
from keras_isa.evaluation.readings import features_of, regression_map
from keras_isa.evaluation.stored import stored_predictor
from keras_isa.evaluation.students import Students
from keras_isa.inputs.arrays import to_numpy
from keras_isa.studies import pictures
from keras_isa.studies.base import Runs, Study, measured
from keras_isa.studies.experiment import MOST_SEEN, PLAIN
from keras_isa.studies.result import Claim, Column, Findings
from keras_isa.studies.statistics import Paired

# What the kept losses are of. Another number leaves those that are there aside.
_PARTS = 1
_MANY = 0.8
_CELL = "losses"
_COLUMNS = (
    Column("setting", "from, to", "text"),
    Column("loss", "loss"),
    Column("deviation", "between seeds"),
    Column("accuracy", "accuracy, %", "percent"),
)
_FORWARD, _REVERSE = "hardest 80 % to easiest 20 %", "easiest 20 % to hardest 80 %"
_EVEN = "easiest 80 % to hardest 20 %"
_HARD, _EASY = "hardest 20 % to unseen images", "easiest 20 % to unseen images"
_ANY = "random 20 % to unseen images"


class InformationStudy(Study):
    """Kernel ridge regression from one part of the real samples to another one."""

    name = "information"
    title = "What hard samples tell about easy ones, and the reverse"
    question = (
        "Real samples are ranked by the loss of kernel ridge regression from a plain distilled "
        "set. Do the hardest 80 % predict the easiest 20 % better than the reverse? (The paper: "
        "loss 0.0661 against 0.1430.)"
    )
    source = "Figure 1, right"

    @property
    def judged_on(self) -> str:
        own = self.experiment
        return (
            f"{own.networks} trained on each set; up to {MOST_SEEN:,} training images, and as "
            f"unseen images up to {MOST_SEEN:,} {own.scored_on}"
        )

    def cells(self, seed: int) -> dict[str, Callable[[], dict[str, Any]]]:
        about = {"seed": seed, "repeats": self.experiment.repeats, "parts": _PARTS}
        return {_CELL: lambda: self.experiment.kept(self.name, about, lambda: self._measure(seed))}

    def _measure(self, seed: int) -> dict[str, Any]:
        own = self.experiment
        distilled = own.distilled(seed, **PLAIN)
        recipe, about = evaluation_recipe(distilled), (distilled.image_shape, distilled.num_classes)
        students = Students(len(distilled.class_ids), *about, recipe, repeats=own.repeats)
        students.train(*distilled.to_numpy(), seed=seed)
        regression = stored_predictor(distilled)
        images, y = own.real_images(distilled, seed)
        unseen = own.unseen_images(distilled, seed)
        found: dict[str, list] = {}
        for index in range(students.repeats):
            of_set = students.features_and_labels(index, regression["flip"])
            first = regression_map(*of_set, regression["regularization"])
            samples = Samples(features_of(students, index, images), to_numpy(distilled.encode(y)))
            test = Samples(
                features_of(students, index, unseen[0]), to_numpy(distilled.encode(unseen[1]))
            )
            for name, pair in parts_of(samples, test, first, seed).items():
                found.setdefault(name, []).append(pair[0].predict(pair[1], regression))
        return {name: np.mean(values, axis=0).tolist() for name, values in found.items()}

    def findings(self, runs: Runs) -> Findings:
        cells = measured(runs, _CELL)
        names = list(next(iter(cells.values())))
        rows = []
        for name in names:
            losses, accuracies = np.array([cell[name] for cell in cells.values()]).T
            deviation = float(losses.std(ddof=1)) if len(losses) > 1 else None
            about = {"loss": float(losses.mean()), "deviation": deviation}
            rows.append({"setting": name, **about, "accuracy": float(accuracies.mean())})
        means = {row["setting"]: row["loss"] for row in rows}
        sentences = [
            f"From the hardest 80 % to the easiest 20 % the loss (half the squared error, summed "
            f"over classes) is {means[_FORWARD]:.4f}; from the easiest 20 % to the hardest 80 % "
            f"{means[_REVERSE]:.4f}, and from the easiest 80 % to the hardest 20 % "
            f"{means[_EVEN]:.4f}.",
            "That comparison has easy samples on one side as what is predicted: they are the ones "
            "with the least loss. On the same unseen images the hardest 20 % have a loss of "
            f"{means[_HARD]:.4f}, the easiest 20 % {means[_EASY]:.4f}, and 20 % at random "
            f"{means[_ANY]:.4f} (ours, not the paper's).",
        ]

        def less(first: str, second: str) -> Paired:
            return Paired(tuple(cell[first][0] - cell[second][0] for cell in cells.values()))

        forward, unseen = less(_FORWARD, _REVERSE), less(_HARD, _EASY)
        sentences.append(
            f"Seed by seed the first of these losses is {_told(forward)} more than the second, and "
            f"that of the hardest 20 % {_told(unseen)} more than that of the easiest."
        )
        claims = [
            Claim.of(
                "the hardest 80 % predict the easiest 20 % better than the reverse",
                forward,
                sign=-1,
            ),
            Claim.of(
                "as many hard samples predict unseen images better than easy ones (ours)",
                unseen,
                sign=-1,
            ),
        ]
        return Findings(_COLUMNS, rows, sentences, claims)

    def draw(self, runs: Runs) -> Any:
        cells = measured(runs, _CELL)
        names = list(next(iter(cells.values())))
        figure, ((axis,),) = pictures.figure(5.4)
        # Losses are numbers: the bars of scores would call them percent.
        bars = [
            pictures.error_bar([cell[name][0] / 100 for cell in cells.values()]) for name in names
        ]
        places = np.arange(len(names))[::-1]
        axis.errorbar(
            [mean for mean, _ in bars],
            places,
            xerr=[half for _, half in bars],
            fmt=pictures.MARKS[0],
            color=pictures.COLOURS[0],
            capsize=3,
        )
        axis.set_yticks(places, names)
        axis.set_xlim(left=0)
        axis.set_xlabel("loss, half the squared error")
        axis.grid(axis="x", color="0.9")
        return figure


class Samples:
    """Features `(n, F)` of samples with their labels `(n, C)`.

    Args:
        features: Features.
        labels: Labels of the classes.
    """

    def __init__(self, features: np.ndarray, labels: np.ndarray) -> None:
        self.features, self.labels = np.asarray(features), labels

    def of(self, rows: np.ndarray) -> Samples:
        """Returns some of the samples.

        Args:
            rows: Which.
        """
        return Samples(self.features[rows], self.labels[rows])

    def losses(self, weights: np.ndarray) -> np.ndarray:
        """Returns half the squared error of each sample `(n,)`.

        Args:
            weights: The map of a regression `(F, C)`.
        """
        return 0.5 * np.sum(np.square(self.features @ weights - self.labels), axis=1)

    def predict(self, others: Samples, regression: dict[str, Any]) -> tuple[float, float]:
        """Predicts other samples by kernel ridge regression from these.

        Args:
            others: The others.
            regression: `regularization`, relative to the mean of the kernel's diagonal.

        Returns:
            Their mean loss and the share whose class is predicted.
        """
        weights = regression_map(self.features, self.labels, regression["regularization"])
        right = np.argmax(others.features @ weights, axis=1) == np.argmax(others.labels, axis=1)
        return float(others.losses(weights).mean()), float(right.mean())


def parts_of(
    samples: Samples, test: Samples, first: np.ndarray, seed: int
) -> dict[str, tuple[Samples, Samples]]:
    """Returns pairs of samples, those that predict and those that are predicted, by name.

    Args:
        samples: Real samples of the training part.
        test: Test samples.
        first: The map of the regression `(F, C)` by whose losses they are ranked.
        seed: Seed of the random parts.
    """
    order = np.argsort(-samples.losses(first), kind="stable")  # the hardest first
    count = len(order)
    many, few = round(_MANY * count), count - round(_MANY * count)
    shuffled = np.random.default_rng(seed).permutation(count)
    of = samples.of
    return {
        _FORWARD: (of(order[:many]), of(order[many:])),
        _REVERSE: (of(order[many:]), of(order[:many])),
        _EVEN: (of(order[few:]), of(order[:few])),
        "random 80 % to the others": (of(shuffled[:many]), of(shuffled[many:])),
        "random 20 % to the others": (of(shuffled[many:]), of(shuffled[:many])),
        _HARD: (of(order[:few]), test),
        _EASY: (of(order[many:]), test),
        _ANY: (of(shuffled[many:]), test),
        "hardest 80 % to unseen images": (of(order[:many]), test),
        "easiest 80 % to unseen images": (of(order[few:]), test),
        "random 80 % to unseen images": (of(shuffled[:many]), test),
    }


def _told(found: Paired) -> str:
    text = f"{found.mean:+.4f}"
    if found.interval is None:
        return text
    return f"{text} ({' to '.join(f'{end:+.4f}' for end in found.interval)})"
