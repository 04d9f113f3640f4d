"""Validation accuracy along the steps with and without ISA, and the time that ISA takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from keras_isa.studies import pictures
from keras_isa.studies.base import Runs, Study
from keras_isa.studies.experiment import module_changes
from keras_isa.studies.result import Claim, Column, Findings, points, told
from keras_isa.studies.statistics import Paired

_ARMS = {"plain": "without ISA", "isa": "with ISA", "both": "crucial samples and ISA"}
# Of what the set without ISA reaches in the end.
_NEARLY = 0.99
_TOLD_POINTS = 10


class ConvergenceStudy(Study):
    """Curves of held-out accuracy, and seconds of a step measured in turns."""

    name = "convergence"
    title = "How fast sets converge with and without ISA"
    question = (
        "Does ISA need more steps than the plain method, and how much longer does a step take? "
        "(The paper: no more steps, 4 % more time on an A100.)"
    )
    source = "Figure 8"

    def prepare(self, note: Callable[[str], None]) -> None:
        note("timing steps in turns")
        arms = module_changes(self.experiment.settings)
        self.times = self.experiment.seconds_per_step({name: arms[name] for name in _ARMS})

    def cells(self, seed: int) -> dict[str, Callable[[], dict[str, Any]]]:
        arms = module_changes(self.experiment.settings)
        return {name: lambda name=name: self._curve(seed, arms[name]) for name in _ARMS}

    def _curve(self, seed: int, changes: dict[str, Any]) -> dict[str, Any]:
        settings = self.experiment.settings
        curves = self.experiment.distilled(seed, **changes).provenance["curves"]
        if not curves or any("val_accuracy" not in one for one in curves):
            raise ValueError(
                "`validation_split` must hold images out: the curves are of the accuracy on them. "
                f"Received: validation_split={settings.validation_split}"
            )
        each = settings.steps / settings.equal_epochs
        values = [one["val_accuracy"] for one in curves]
        reached = next(n for n, v in enumerate(values) if v >= _NEARLY * max(values))
        return {
            "steps": [round(each * one["epoch"]) for one in curves],
            "val": values,
            "last": values[-1],
            "steps_to_99": round(each * curves[reached]["epoch"]),
        }

    def findings(self, runs: Runs) -> Findings:
        rows = []
        for name, shown in _ARMS.items():
            found = list(runs[name].values())
            rows.append(
                {
                    "setting": shown,
                    "last": float(np.mean([one["last"] for one in found])),
                    "steps_to_99": float(np.mean([one["steps_to_99"] for one in found])),
                    "seconds": 1000 * self.times[name],
                    "ratio": self.times[name] / self.times["plain"],
                }
            )
        steps = self._difference(runs, "steps_to_99")
        extra = self.times["isa"] / self.times["plain"] - 1
        low, high = steps.interval or (np.nan, np.nan)
        sentences = [
            f"A step with ISA takes {points(extra, sign=True)} % of time more than one without "
            "(median of seven rounds in turns; the paper: +4 %).",
            f"To 99 % of its best held-out accuracy a run with ISA takes {steps.mean:+.0f} steps "
            f"more than one without ({low:+.0f} to {high:+.0f}), out of "
            f"{self.experiment.settings.steps:,}.",
            f"After the last step held-out accuracy differs by "
            f"{told(self._difference(runs, 'last'))} points.",
        ]
        columns = (
            Column("setting", "setting", "text"),
            Column("last", "held-out accuracy at the end, %", "percent"),
            Column("steps_to_99", "steps to 99 % of the best"),
            Column("seconds", "ms a step"),
            Column("ratio", "time of a step to that without ISA"),
        )
        # More steps would speak against the claim, fewer for it; as many is what it says.
        margin = 0.1 * self.experiment.settings.steps
        verdict = "undecided"
        if steps.interval is not None:
            verdict = "supported" if high < margin else "undecided"
            verdict = "not supported" if low > 0 else verdict
        text = "ISA needs no more steps than the plain method (within a tenth of all steps)"
        return Findings(columns, rows, sentences, [Claim(text, verdict)])

    def draw(self, runs: Runs) -> Any:
        figure, ((axis,),) = pictures.figure(4.4)
        for number, (name, shown) in enumerate(_ARMS.items()):
            found = list(runs[name].values())
            values = 100 * np.array([one["val"] for one in found])
            steps = found[0]["steps"]
            axis.plot(
                *(steps, values.mean(axis=0)),
                marker=pictures.MARKS[number] if len(steps) <= 2 * _TOLD_POINTS else None,
                color=pictures.COLOURS[number],
                label=shown,
            )
            if len(values) > 1:
                bars = [pictures.error_bar(column / 100) for column in values.T]
                low, high = ([mean + sign * half for mean, half in bars] for sign in (-1, 1))
                axis.fill_between(steps, low, high, color=pictures.COLOURS[number], alpha=0.15)
        axis.set_xlabel("distillation steps")
        axis.set_ylabel("held-out accuracy of KRR, %")
        axis.grid(color="0.9")
        axis.legend(frameon=False)
        return figure

    def _difference(self, runs: Runs, name: str) -> Paired:
        first, second = (
            {seed: float(one[name]) for seed, one in runs[arm].items()} for arm in ("isa", "plain")
        )
        return Paired.of(first, second)
