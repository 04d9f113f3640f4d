"""Whether crucial samples and ISA help: paired over seeds, at equal steps and at equal time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from keras_isa.ops.arguments import positive_number, words_of
from keras_isa.studies import pictures
from keras_isa.studies.base import Runs, Study, column, gain
from keras_isa.studies.experiment import Experiment, module_changes
from keras_isa.studies.factors import FACTORS, levels_of
from keras_isa.studies.result import Column, Findings, told
from keras_isa.studies.statistics import POWER, seeds_needed

ARMS = {"crucial": "crucial samples", "isa": "ISA", "both": "crucial samples and ISA"}
# Seeds from which the spread of the differences is estimated.
_PILOT = 3
_ONE_POINT = 0.01
_STEPS, _TIME = "equal steps", "equal time"
# At less than this share of difference in time both comparisons are the same.
_SAME_TIME = 0.02
_SAYS = {
    "helps": "helps",
    "hurts": "hurts",
    "cannot be told apart": "cannot be told apart at this scale",
}
_COLUMNS = (
    Column("setting", "comparison with plain", "text"),
    Column("plain", "plain, %", "percent"),
    Column("plain_least", "its least seed, %", "percent"),
    Column("student", "networks, %", "percent"),
    Column("student_least", "least seed, %", "percent"),
    Column("difference", "difference, points", "points"),
    Column("interval", "95 % interval", "interval"),
    Column("verdict", "says", "text"),
    Column("krr_difference", "difference of KRR, points", "points"),
    Column("krr_interval", "95 % interval", "interval"),
)


class ModuleStudy(Study):
    """Plain, crucial samples, ISA and both, over the same seeds, and over other settings.

    Args:
        experiment: Data, settings and the folder of sets.
        over: Names out of `FACTORS`: settings over which plain and both are compared too, one at a
            time. `()` for none.
        precision: Half the width of the 95 % interval, in points, at which no further seed is
            needed; `None` for all seeds.

    Raises:
        ValueError: If a name is unknown or a number out of range.
    """

    name = "module"
    title = "Do crucial samples and ISA help?"
    question = (
        "Runs with and without crucial samples and ISA have the same first images, networks and "
        "batches. What is the difference of the accuracy, and with how many seeds can it be seen?"
    )
    source = "Tables 4, 6 and 8"
    seeds = 8

    def __init__(
        self, experiment: Experiment, over: Sequence[str] = (), precision: float | None = None
    ) -> None:
        super().__init__(experiment)
        self.over = words_of("over", over, tuple(FACTORS))
        self.precision = None if precision is None else positive_number("precision", precision)
        self._arms = module_changes(experiment.settings)
        self._levels = levels_of(experiment, self.over)
        self._told = False

    def prepare(self, note: Callable[[str], None]) -> None:
        note("timing steps in turns")
        self.times = self.experiment.seconds_per_step(self._arms)
        self.equal_time = {
            name: max(1, round(self.experiment.settings.steps * self.times["plain"] / each))
            for name, each in self.times.items()
            if abs(each / self.times["plain"] - 1) > _SAME_TIME
        }

    def cells(self, seed: int) -> dict[str, Callable[[], dict[str, Any]]]:
        arms: dict[str, dict[str, Any]] = dict(self._arms)
        for name, steps in self.equal_time.items():
            arms[f"{name}, {_TIME}"] = {**self._arms[name], "steps": steps}
        for level in self._levels:
            arms[f"plain, {level.name}"] = {**self._arms["plain"], **level.common}
            arms[f"both, {level.name}"] = {**self._arms["both"], **level.common, **level.module}
        scores = self.experiment.scores
        return {name: lambda arm=arm: scores(seed, **arm) for name, arm in arms.items()}

    def enough(self, runs: Runs, note: Callable[[str], None]) -> bool:
        done = len(runs["plain"])
        pairs = [gain(runs, name, base) for name, base, _ in self._comparisons()]
        if done == _PILOT and not self._told:
            self._told = True
            note(self._power(runs))
        if self.precision is None or done < _PILOT:
            return False
        widest = 100 * max(found.half_width for found in pairs)
        if widest <= self.precision:
            note(f"{done} seeds: the widest interval is {widest:.2f} points to either side")
        return widest <= self.precision

    def _comparisons(self) -> list[tuple[str, str, str]]:
        """Cells, what they are compared with, and what the table calls the comparison."""
        found = [(name, "plain", f"{shown}, {_STEPS}") for name, shown in ARMS.items()]
        for name in ARMS:
            if name in self.equal_time:
                found.append((f"{name}, {_TIME}", "plain", f"{ARMS[name]}, {_TIME}"))
        for level in self._levels:
            both = ARMS["both"]
            names = f"both, {level.name}", f"plain, {level.name}"
            found.append((*names, f"{both}, {level.name}"))
        return found

    def _power(self, runs: Runs) -> str:
        deviation = gain(runs, "both", "plain").deviation
        if deviation is None:
            return "One seed shows no spread: how many can show a difference is not known."
        needed = seeds_needed(deviation, _ONE_POINT)
        return (
            f"Between seeds the difference has a standard deviation of {100 * deviation:.2f} "
            f"points (of {len(runs['plain'])} seeds): {needed} seeds show a difference of one "
            f"point with a probability of {100 * POWER:.0f} %."
        )

    def findings(self, runs: Runs) -> Findings:
        rows = []
        for name, base, shown in self._comparisons():
            found, krr = gain(runs, name, base), gain(runs, name, base, "krr")
            students, plain = (list(column(runs, one, "student").values()) for one in (name, base))
            rows.append(
                {
                    "setting": shown,
                    "plain": float(np.mean(plain)),
                    "plain_least": min(plain),
                    "student": float(np.mean(students)),
                    "student_least": min(students),
                    "difference": found.mean,
                    "interval": found.interval and list(found.interval),
                    "verdict": found.verdict,
                    "krr_difference": krr.mean,
                    "krr_interval": krr.interval and list(krr.interval),
                }
            )
        sentences = [self._power(runs)]
        for name, base, shown in self._comparisons():
            found = gain(runs, name, base)
            sentences.append(f"{shown}: {_SAYS[found.verdict]}, {told(found)} points.")
        sentences.append(self._of_time())
        sentences.append(
            f"{len(rows)} comparisons by 95 % intervals: one in twenty says helps or hurts by "
            "chance."
        )
        return Findings(_COLUMNS, rows, sentences, [])

    def _of_time(self) -> str:
        plain = self.times["plain"]
        each = [f"{shown} {100 * (self.times[n] / plain - 1):+.1f} %" for n, shown in ARMS.items()]
        text = f"Time of a step beside the plain one: {', '.join(each)} (in turns)."
        if len(self.equal_time) < len(ARMS):
            text += " Where it differs by less than 2 % equal steps are equal time."
        return text

    def draw(self, runs: Runs) -> Any:
        comparisons = self._comparisons()
        names = [shown.replace(", ", "\n", 1) for _, _, shown in comparisons]
        figure, ((axis,),) = pictures.figure(1.9 + 0.62 * len(names))
        series = [
            (label, [gain(runs, a, b, score).differences for a, b, _ in comparisons])
            for label, score in (("networks", "student"), ("KRR", "krr"))
        ]
        axis.axvline(0, color="0.4", linewidth=1)
        pictures.points_of_settings(axis, names, series)
        axis.set_xlabel("points of test accuracy\nmore than plain")
        pictures.legend_below(figure, ncols=2)
        return figure
