"""The result of a search."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

import numpy as np

from keras_isa.asset.distilled_data import DistilledData
from keras_isa.evaluation.evaluate import Scores
from keras_isa.global_settings import in_standard_settings
from keras_isa.training.inputs import checked_data, dataset_or_pair
from keras_isa.tuning.history import TrialRecord, in_words, table
from keras_isa.tuning.hyper_model import DistillationHyperModel
from keras_isa.tuning.plots import save_plot
from keras_isa.tuning.scoring import Scorer


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
        scorer: The scorer that trains networks on the sets.
    """

    distilled: DistilledData
    preset: DistilledData | None
    trials: list[TrialRecord]
    finalists: list[TrialRecord]
    best: TrialRecord
    hypermodel: DistillationHyperModel
    tuner: str
    scorer: Scorer

    def __post_init__(self) -> None:
        self.distilled.provenance["tuning"] = self.to_dict()

    def to_dict(self) -> dict[str, Any]:
        """Returns the history of the search as JSON-compatible values."""
        return {
            "tuner": self.tuner,
            "objective": self.hypermodel.kind,
            "space": self.hypermodel.space.to_dict(),
            "trials": [_plain(record) for record in self.trials],
            "finalists": [_plain(record) for record in self.finalists],
            "best": self.best.name,
            "values": _plain(self.best)["values"],
        }

    def __str__(self) -> str:
        words = in_words(self.best.values) or "the settings themselves"
        return "\n\n".join(
            (table(self.trials), table(self.finalists), f"best: {self.best.name}, {words}")
        )

    def plot(self, path: str | os.PathLike) -> None:
        """Draws the objective against each searched setting, as a .png file.

        Args:
            path: The file.

        Raises:
            ValueError: If it cannot be written.
        """
        save_plot(self.trials, self.hypermodel.space, path)

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
        sets = {"preset": self.preset}
        if self.best is not self.finalists[0]:
            sets["best"] = self.distilled
        given = dataset_or_pair(test, "test")
        x, y = checked_data(self.distilled, given, ("test", "test"))
        x = self.distilled.preprocess(x)
        found = {
            name: self.scorer.students(distilled, x, np.asarray(y))
            for name, distilled in sets.items()
            if distilled is not None
        }
        found.setdefault("best", found.get("preset"))  # no other set was better
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


def _plain(record: TrialRecord) -> dict[str, Any]:
    plain = record.to_dict()
    plain["values"] = {k: list(v) if isinstance(v, tuple) else v for k, v in record.values.items()}
    return plain
