"""Validation accuracy along the steps with and without ISA, and the time that ISA takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras_isa.studies import pictures
from keras_isa.studies.base import Runs, Study, column, gain, mean, measured
from keras_isa.studies.experiment import Experiment, module_changes
from keras_isa.studies.result import Claim, Column, Findings, points, told
from keras_isa.studies.statistics import LEAST_SEEDS, Paired

_ARMS = {"plain": "without ISA", "isa": "with ISA", "both": "crucial samples and ISA"}
# The share of what the plain run of the same seed reaches in the end.
_NEARLY = 0.99
# Steps more than the plain run, as a share of all, that are still no more.
_MARGIN = 0.1
# Validations of a run, at least: they are the grid on which steps are compared.
_VALIDATIONS = 20
_COLUMNS = (
    Column("setting", "setting", "text"),
    Column("last", "held-out accuracy at the end, %", "percent"),
    Column("steps", "steps to 99 % of the plain end"),
    Column("reached", "runs that reach it", "text"),
    Column("milliseconds", "ms a step"),
    Column("ratio", "time of a step to that without ISA"),
)


class ConvergenceStudy(Study):
    """Curves of held-out accuracy, and seconds of a step measured in turns."""

    name = "convergence"
    title = "How fast sets converge with and without ISA"
    question = (
        "Does ISA need more steps than the plain method, and how much longer does a step take? "
        "(The paper: no more steps, 4 % more time on an A100.)"
    )
    source = "Figure 8"

    def __init__(self, experiment: Experiment) -> None:
        super().__init__(experiment)
        settings = experiment.settings
        if experiment.method.takes_experts:
            raise ValueError(
                "`method` must be one whose steps have the augmentation. Received: "
                f"{settings.method}, whose experts have it"
            )
        if not settings.validation_split:
            raise ValueError(
                "`validation_split` must hold images out: the curves are of the accuracy on them. "
                "Received: validation_split=0.0"
            )
        epochs = settings.with_changes(epochs=max(settings.epochs, _VALIDATIONS)).equal_epochs
        self._epochs, self._grid = epochs, settings.steps // epochs

    @property
    def judged_on(self) -> str:
        share = self.experiment.settings.validation_split
        return f"accuracy on the {points(share)} % of the training images that each run holds out"

    def prepare(self, note: Callable[[str], None]) -> None:
        arms = module_changes(self.experiment.settings)
        timed = {name: arms[name] for name in _ARMS}
        self.times = self.experiment.seconds_per_step(timed, note)

    def cells(self, seed: int) -> dict[str, Callable[[], dict[str, Any]]]:
        arms = module_changes(self.experiment.settings)

        def curve(name: str) -> dict[str, Any]:
            about = {"seed": seed, "arm": str(arms[name]), "epochs": self._epochs}
            return self.experiment.kept(self.name, about, lambda: self._curve(seed, arms[name]))

        return {name: lambda name=name: curve(name) for name in _ARMS}

    def _curve(self, seed: int, changes: dict[str, Any]) -> dict[str, Any]:
        distilled = self.experiment.distilled(seed, **changes, epochs=self._epochs)
        curves = distilled.provenance["curves"]
        values = [one["val_accuracy"] for one in curves]
        steps = [self._grid * one["epoch"] for one in curves]
        return {"steps": steps, "val": values, "last": values[-1]}

    def findings(self, runs: Runs) -> Findings:
        to_end = {name: self._steps_to_end(runs, name) for name in _ARMS}
        rows = []
        for name, shown in _ARMS.items():
            found = to_end[name]
            reached = [steps for steps in found.values() if steps is not None]
            rows.append(
                {
                    "setting": shown,
                    "last": mean(runs, name, "last"),
                    "steps": sum(reached) / len(reached) if reached else None,
                    "reached": f"{len(reached)} of {len(found)}",
                    "milliseconds": 1000 * self.times[name],
                    "ratio": self.times[name] / self.times["plain"],
                }
            )
        steps = self._more_steps(to_end)
        extra = self.times["isa"] / self.times["plain"] - 1
        sentences = [
            f"A step with ISA takes {abs(100 * extra):.1f} % {'more' if extra >= 0 else 'less'} "
            "time than one without (median of seven rounds in turns; the paper: 4 % more).",
            "To 99 % of the held-out accuracy that the plain run of the seed has in the end, a run "
            f"with ISA takes {_told_steps(steps)} steps more than the plain one, of "
            f"{self.experiment.settings.steps:,}; runs are validated every {_steps(self._grid)}.",
            "After the last step held-out accuracy with ISA differs by "
            f"{told(gain(runs, 'isa', 'plain', 'last'))} points.",
        ]
        if self._grid > _MARGIN * self.experiment.settings.steps:
            sentences.append(
                "Runs are validated too seldom to see a tenth of all steps, so nothing is decided."
            )
        text = "ISA needs no more steps than the plain method (within a tenth of all steps)"
        claim = Claim(text, self._verdict(steps, to_end["isa"]))
        return Findings(_COLUMNS, rows, sentences, [claim])

    def _steps_to_end(self, runs: Runs, name: str) -> dict[int, int | None]:
        """Steps of each seed to nearly what the plain run has in the end, `None` if never."""
        ends = column(runs, "plain", "last")
        found: dict[int, int | None] = {}
        for seed, one in measured(runs, name).items():
            if seed in ends:
                wanted = _NEARLY * ends[seed]
                pairs = zip(one["steps"], one["val"], strict=True)
                found[seed] = next((steps for steps, value in pairs if value >= wanted), None)
        return found

    def _more_steps(self, to_end: dict[str, dict[int, int | None]]) -> Paired:
        """Steps with ISA less those without; a run that does not get there counts as all steps."""
        most = self.experiment.settings.steps
        first, second = (
            {seed: float(steps or most) for seed, steps in to_end[name].items()}
            for name in ("isa", "plain")
        )
        return Paired.of(first, second)

    def _verdict(self, steps: Paired, of_isa: dict[int, int | None]) -> str:
        margin = _MARGIN * self.experiment.settings.steps
        if len(steps.differences) < LEAST_SEEDS or self._grid > margin:
            return "undecided"
        low, high = steps.interval
        if low > margin:
            return "not supported"
        return "supported" if high <= margin and None not in of_isa.values() else "undecided"

    def draw(self, runs: Runs) -> Any:
        figure, ((axis,),) = pictures.figure(4.4)
        for number, (name, shown) in enumerate(_ARMS.items()):
            found = list(measured(runs, name).values())
            if not found:
                continue
            steps = found[0]["steps"]
            bars = [
                pictures.error_bar(each) for each in zip(*(o["val"] for o in found), strict=True)
            ]
            colour = pictures.COLOURS[number]
            means = [middle for middle, _ in bars]
            axis.plot(steps, means, marker=pictures.MARKS[number], color=colour, label=shown)
            if len(found) > 1:
                ends = ([middle + sign * half for middle, half in bars] for sign in (-1, 1))
                axis.fill_between(steps, *ends, color=colour, alpha=0.15)
        axis.set_xlabel("distillation steps")
        axis.set_ylabel("held-out accuracy of KRR, %")
        axis.grid(color="0.9")
        if axis.lines:
            axis.legend(frameon=False)
        return figure


def _steps(count: int) -> str:
    return "step" if count == 1 else f"{count:,} steps"


def _told_steps(found: Paired) -> str:
    if not found.differences:
        return "an unknown number of"
    text = f"{found.mean:+,.0f}"
    if found.interval is None:
        return text
    return f"{text} ({' to '.join(f'{end:+,.0f}' for end in found.interval)})"
