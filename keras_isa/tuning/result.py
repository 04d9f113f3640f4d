"""The result of a search."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

import numpy as np

from keras_isa.asset.distilled_data import DistilledData
from keras_isa.evaluation.evaluate import Scores
from keras_isa.files import atomic_path, check_writable
from keras_isa.global_settings import in_standard_settings
from keras_isa.presets.config import Range
from keras_isa.training.inputs import checked_data, dataset_or_pair
from keras_isa.tuning.history import TrialRecord, in_words, table
from keras_isa.tuning.hyper_model import DistillationHyperModel


@dataclasses.dataclass
class TuningResult:
    """Result of `tune`; printing it gives tables.

    Args:
        distilled: The best set; its provenance holds the history of the search as `"tuning"`.
        preset: The set of the given settings, `None` if their run failed.
        trials: The records of all trials, in order.
        finalists: The records of the full runs, of which the first has the given settings.
        best: The record of the best set, one of `finalists`.
        hypermodel: The hypermodel of the search.
        tuner: Name of the strategy.
    """

    distilled: DistilledData
    preset: DistilledData | None
    trials: list[TrialRecord]
    finalists: list[TrialRecord]
    best: TrialRecord
    hypermodel: DistillationHyperModel
    tuner: str

    def __post_init__(self) -> None:
        self.distilled.provenance["tuning"] = self.to_dict()

    def to_dict(self) -> dict[str, Any]:
        """Returns the history of the search as JSON-compatible values."""
        return {
            "tuner": self.tuner,
            "objective": self.hypermodel.kind,
            "space": self.hypermodel.space.to_dict(),
            "trials": [record.to_dict() for record in self.trials],
            "finalists": [record.to_dict() for record in self.finalists],
            "best": self.best.name,
            "values": self.best.to_dict()["values"],
        }

    def __str__(self) -> str:
        words = in_words(self.best.values) or "the settings themselves"
        return "\n\n".join(
            (table(self.trials), table(self.finalists), f"best: {self.best.name}, {words}")
        )

    def plot(self, path: str | os.PathLike) -> None:
        """Draws the objective against each searched setting, with failed trials at the bottom.

        Args:
            path: The .png file to write; an existing file is replaced.

        Raises:
            ValueError: If the file cannot be written.
        """
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        check_writable(path)
        dimensions = self.hypermodel.space.dimensions
        figure = Figure(figsize=(4 * len(dimensions), 3.4), layout="constrained")
        canvas = FigureCanvasAgg(figure)
        done = [trial for trial in self.trials if trial.score is not None]
        failed = [trial for trial in self.trials if trial.score is None]
        for place, (name, dimension) in enumerate(dimensions.items()):
            axes = figure.add_subplot(1, len(dimensions), place + 1)
            if getattr(dimension, "log", False):
                axes.set_xscale("log")
            as_shown = (lambda value: value) if isinstance(dimension, Range) else str
            places = [[as_shown(one.values[name]) for one in some] for some in (done, failed)]
            axes.scatter(places[0], [trial.score for trial in done], s=24)
            if failed:
                marks = {"marker": "x", "color": "tab:red", "label": "failed"}
                transform = axes.get_xaxis_transform()
                axes.scatter(places[1], [0.02] * len(failed), transform=transform, **marks)
                axes.legend(fontsize=8)
            axes.set_xlabel(name)
            if not place:
                axes.set_ylabel("accuracy on held-out images")
        with atomic_path(path) as temporary:
            canvas.print_figure(temporary, format="png", dpi=110)

    @in_standard_settings
    def test(self, test: Any) -> dict[str, Scores]:
        """Scores the best set and that of the given settings on test data, after all choices.

        Args:
            test: Test images, a dataset with `.x` and `.y` or a pair of arrays.

        Returns:
            Scores of `"best"`, and of `"preset"` if there is such a set.

        Raises:
            ValueError: If the data do not fit the set.
        """
        x, y = checked_data(self.distilled, dataset_or_pair(test, "test"), ("test", "test"))
        x, y = self.distilled.preprocess(x), np.asarray(y)
        students, found = self.hypermodel.scorer.students, {}
        if self.preset is not None:
            found["preset"] = students(self.preset, x, y)
        won = self.best is self.finalists[0]  # no other set was better
        found["best"] = found["preset"] if won else students(self.distilled, x, y)
        self.distilled.provenance["tuning"]["test"] = {
            name: scores.to_dict() for name, scores in found.items()
        }
        return found


def format_scores(scores: dict[str, Scores]) -> str:
    """Formats the scores of `TuningResult.test` as a table."""
    titles = {"preset": "settings themselves", "best": "best found"}
    lines = [f"{'test accuracy in %':24}{'network':>14}{'KRR':>14}"]
    lines += [f"{titles[name]:24}{found.columns()}" for name, found in scores.items()]
    return "\n".join(lines)
