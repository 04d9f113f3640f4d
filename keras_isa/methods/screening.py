"""The choice of parametrisation and images per class for a number of bytes."""

from __future__ import annotations

import dataclasses
import gc
from collections.abc import Callable
from typing import Any

import numpy as np

from keras_isa import backend
from keras_isa.datasets.dataset import Dataset
from keras_isa.global_settings import in_standard_settings
from keras_isa.methods.base import DistillationTrainer
from keras_isa.methods.registry import method as registered
from keras_isa.ops.arguments import instance_of, seed_number, whole_number
from keras_isa.parametrizations.budget import Candidate, candidates
from keras_isa.presets import settings_for
from keras_isa.presets.config import Config

# A short run takes this share of the steps, and at least so many. Most of a short run on a CPU is
# compiling, so that dropping candidates after fewer steps would save little.
_SHARE_OF_STEPS = 0.05
_LEAST_STEPS = 25


@dataclasses.dataclass(frozen=True)
class Screening:
    """What was tried to fill a number of bytes; printed, it is a table.

    Args:
        budget_bytes: Bytes that a set might take.
        steps: Steps of each short run.
        tried: What was tried.
        scores: Accuracy of each on held-out images, fractions.
        settings: Settings of a whole run of the best.
    """

    budget_bytes: int
    steps: int
    tried: tuple[Candidate, ...]
    scores: tuple[float, ...]
    settings: Config

    @property
    def best(self) -> Candidate:
        """What scored best; of equal ones the one of fewest bytes."""
        pairs = zip(self.scores, self.tried, strict=True)
        return min(pairs, key=lambda pair: (-pair[0], pair[1].stored_bytes))[1]

    def to_dict(self) -> dict[str, Any]:
        """Returns the table as JSON-compatible values, for the record in the asset."""
        return {
            "budget_bytes": self.budget_bytes,
            "steps": self.steps,
            "tried": [
                {**one._asdict(), "val_accuracy": score}
                for one, score in zip(self.tried, self.scores, strict=True)
            ],
        }

    def __str__(self) -> str:
        pairs = zip(self.tried, self.scores, strict=True)
        rows = (_scored(one, score) for one, score in pairs)
        return "\n".join([_head(self.budget_bytes, self.steps), *rows, self.choice])

    @property
    def choice(self) -> str:
        """Says what scored best."""
        return f"taken: {self.best.parametrization}, {self.best.images_per_class} per class"


def table_of(found: list[Candidate]) -> str:
    """Says what would be tried, one line each.

    Args:
        found: What `candidates` returned.

    Example:

    >>> from keras_isa.methods.screening import table_of
    >>> from keras_isa.parametrizations.budget import Candidate
    >>> print(table_of([Candidate("quantized:8", 2, 20, 16640)]))
    parametrisation                per class    images         bytes
    quantized:8                            2        20        16,640
    """
    head = _line("parametrisation", "per class", "images", "bytes")
    return "\n".join([head, *map(_row, found)])


def _head(budget_bytes: int, steps: int) -> str:
    return (
        f"{budget_bytes:,} bytes, {steps:,} steps each, accuracy on held-out images in %\n"
        + _line("parametrisation", "per class", "images", "bytes", "accuracy")
    )


def _scored(one: Candidate, score: float) -> str:
    return _row(one, f"{100 * score:.1f}")


def _row(one: Candidate, *more: str) -> str:
    numbers = (f"{number:,}" for number in one[1:])
    return _line(one.parametrization, *numbers, *more)


def _line(form: str, *columns: str) -> str:
    widths = (10, 10, 14, 10)
    return f"{form:30}" + "".join(
        f"{text:>{width}}" for text, width in zip(columns, widths, strict=False)
    )


@in_standard_settings
def within_budget(
    train: Dataset,
    budget_bytes: int,
    *,
    method: str | type[DistillationTrainer] = "frepo",
    preset: str | None = None,
    seed: int = 0,
    steps: int | None = None,
    report: Callable[[str], None] | None = print,
    **changes: Any,
) -> Screening:
    """Chooses parametrisation and images per class by short runs, for a set of so many bytes.

    Each candidate (see `keras_isa.parametrizations.budget.candidates`) is distilled for a few
    steps, the same number for all, with the settings of a run of its size, whose schedule ends
    with these steps. What judges the sets of the method, for FRePo kernel ridge regression on the
    features of its pool, scores it on images held out of the training data. Test data are not used.

    Args:
        train: The training part.
        budget_bytes: Bytes that images and labels, or what stands for them, may take in the file.
        method: The method, its name or its class.
        preset: Name of the preset of the settings; by default as `settings_for` chooses.
        seed: Seed of everything.
        steps: Steps of each short run; by default a twentieth of those of a whole run, at least 25.
        report: Called with the lines of the table as they are known; `None` for silence.
        **changes: Settings to change, but neither `images_per_class` nor `parametrization`.

    Returns:
        What was tried, with the settings of a whole run of the best.

    Raises:
        ValueError: If there is no room for one image per class, the settings hold no images out,
            the data are for regression, or an argument is not usable.
        TypeError: If `train` is no `Dataset`.

    Example:

    >>> import keras_isa
    >>> train, test = keras_isa.datasets.load("digits")
    >>> found = keras_isa.methods.within_budget(
    ...     train, 1_500, steps=2, width=4, depth=1, batch_size=16, pool_size=2, report=None)
    >>> [(one.parametrization, one.images_per_class) for one in found.tried][:2]
    [('quantized:8', 1), ('multi_formation:2:shared+quantized:8', 1)]
    >>> found.settings.parametrization == found.best.parametrization
    True
    """
    instance_of("train", train, Dataset)
    trainer_class = registered(method) if isinstance(method, str) else method
    seed = seed_number(seed)
    for name in ("images_per_class", "parametrization"):
        if name in changes:
            raise ValueError(f"`{name}` must be left out: it is what is chosen. Received: {name}")

    def settings_of(one: Candidate) -> Config:
        accelerated, config = backend.has_accelerator(), trainer_class.Config
        settings = settings_for(train, one.images_per_class, accelerated, preset, config)
        return settings.with_changes(**changes, parametrization=one.parametrization)

    found = candidates_for(train, budget_bytes, trainer_class.Config, preset, changes)
    runs = [settings_of(one) for one in found]
    if steps is None:
        least = min(settings.steps for settings in runs)
        steps = min(least, max(_LEAST_STEPS, round(_SHARE_OF_STEPS * least)))
    steps, scores = whole_number("steps", steps), []
    report = report or (lambda text: None)
    report(_head(budget_bytes, steps))
    for one, settings in zip(found, runs, strict=True):
        scores.append(_score(trainer_class, train, settings, steps, seed))
        report(_scored(one, scores[-1]))
    screening = Screening(budget_bytes, steps, tuple(found), tuple(scores), runs[0])
    report(screening.choice)
    return dataclasses.replace(screening, settings=runs[found.index(screening.best)])


def candidates_for(
    data: Any, budget_bytes: int, config: type[Config], preset: str | None, changes: dict[str, Any]
) -> list[Candidate]:
    """Returns what `within_budget` tries.

    Args:
        data: The training part, or what is known of it: `.name`, `.image_shape`, `.num_classes`, a
            length, and `.y` if it is there.
        budget_bytes: As for `within_budget`.
        config: The `Config` of the method.
        preset: As for `within_budget`.
        changes: As for `within_budget`.

    Raises:
        ValueError: If there is no room for one image per class, or the settings hold no images out.
    """
    if getattr(data, "task", None) == "regression":
        raise ValueError(
            "`train` must have classes to fill a number of bytes: what is tried is compared by "
            "accuracy. Received: a data set for regression; choose its rows by `--ipc` or "
            "`images_per_class`"
        )
    settings = settings_for(data, 1, backend.has_accelerator(), preset, config)
    share = settings.with_changes(**changes).validation_split
    if not share:
        raise ValueError(
            "`validation_split` must be above 0: held-out images judge what is tried. "
            f"Received: validation_split={share}"
        )
    classes = data.num_classes
    labels = getattr(data, "y", None)
    smallest = len(data) // classes
    if labels is not None:
        smallest = int(np.bincount(labels, minlength=classes).min())
    return candidates(budget_bytes, data.image_shape, classes, max(1, int(smallest * (1 - share))))


def _score(
    trainer_class: type[DistillationTrainer],
    train: Dataset,
    settings: Config,
    steps: int,
    seed: int,
) -> float:
    """The accuracy of a short run on held-out images; 0 where it has diverged."""
    short = settings.with_changes(steps=steps, epochs=1)
    trainer = trainer_class.for_data(train, short, seed=seed)
    share = settings.validation_split
    history = trainer.fit(train, validation_split=share, verbose=0).history
    del trainer
    gc.collect()  # networks and their optimizers refer to each other
    score = float(history["val_accuracy"][-1])
    return score if np.isfinite(score) else 0.0
