"""Whether crucial samples and ISA help: paired over seeds, at equal steps and at equal time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from keras_isa.evaluation.architectures import ALL
from keras_isa.ops.arguments import positive_number, true_or_false, words_of
from keras_isa.studies import pictures
from keras_isa.studies.base import Runs, Study, column, gain, mean
from keras_isa.studies.experiment import Experiment, module_changes
from keras_isa.studies.factors import FACTORS, available, levels_of, whole_epochs
from keras_isa.studies.result import Column, Findings, told
from keras_isa.studies.statistics import (
    LEAST_SEEDS,
    POWER,
    deviation_interval,
    seeds_for_width,
    seeds_needed,
)

ARMS = {"crucial": "crucial samples", "isa": "ISA", "both": "crucial samples and ISA"}
# Seeds from which the spread of the differences is estimated.
_PILOT = 5
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
            time; `"all"` for those that the method has, `()` for none.
        precision: Half the width of the 95 % intervals, in points. The first five seeds say how
            many it takes; `None` for all seeds.
        equal_time: Whether runs are also compared that take as long as the plain one.

    Raises:
        ValueError: If a name is unknown or a number out of range.
    """

    name = "module"
    title = "Do crucial samples and ISA help?"
    question = (
        "Runs with and without crucial samples and ISA have the same first images, networks, "
        "batches and other settings. What is the difference of the accuracy, and with how many "
        "seeds can it be seen?"
    )
    source = "Tables 4, 6 and 8"
    seeds = 8

    def __init__(
        self,
        experiment: Experiment,
        over: str | Sequence[str] = (),
        precision: float | None = None,
        equal_time: bool = True,
    ) -> None:
        super().__init__(experiment)
        if over == ALL or tuple(over) == (ALL,):
            over = available(experiment)
        self.over = words_of("over", over, tuple(FACTORS))
        self.precision = None if precision is None else positive_number("precision", precision)
        self._compares_time = true_or_false("equal_time", equal_time)
        self.times: dict[str, float] = {}
        self.equal_time: dict[str, int] = {}
        self._arms = module_changes(experiment.settings)
        self._levels = levels_of(experiment, self.over)
        self._wanted: int | None = None

    @property
    def options(self) -> dict[str, Any]:
        return {"over": list(self.over), "equal_time": self._compares_time}

    def prepare(self, note: Callable[[str], None]) -> None:
        if self.experiment.method.takes_experts:  # the steps of all arms are the same
            return
        settings = self.experiment.settings
        self.times = self.experiment.seconds_per_step(self._arms, note)
        self.equal_time = {
            name: whole_epochs(settings, settings.steps * self.times["plain"] / each)
            for name, each in self.times.items()
            if self._compares_time and abs(each / self.times["plain"] - 1) > _SAME_TIME
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
        if done < _PILOT:
            return False
        if self._wanted is None:
            note(self._power(runs))
            self._wanted = self._seeds_wanted(runs)
            if self.precision is not None:
                note(f"{self._wanted} seeds give intervals of {self.precision:g} points and less")
        return self.precision is not None and done >= self._wanted

    def _seeds_wanted(self, runs: Runs) -> int:
        """Seeds for the precision, fixed by the first ones; looking after each would mislead."""
        if self.precision is None:
            return _PILOT
        spreads = [gain(runs, name, base).deviation for name, base, _ in self._comparisons()]
        width = self.precision / 100
        known = [seeds_for_width(one, _PILOT, width) for one in spreads if one is not None]
        return max(known, default=_PILOT)

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
        found = gain(runs, "both", "plain")
        if found.deviation is None or len(found.differences) < LEAST_SEEDS:
            return "One or two seeds show no spread: how many can show a difference is not known."
        if not found.deviation:
            return (
                "All seeds differ by the same: there are too few images for scores, or runs have "
                "not begun to learn, and how many seeds can show a difference is not known."
            )
        count = len(found.differences)
        low, high = deviation_interval(found.deviation, count)
        few, some, many = (seeds_needed(one, _ONE_POINT) for one in (low, found.deviation, high))
        return (
            f"Between seeds the difference of crucial samples and ISA has a standard deviation of "
            f"{100 * found.deviation:.2f} points (of {count} seeds): {some} seeds, or {few} to "
            f"{many} as the deviation is uncertain, show a difference of one point with a "
            f"probability of {100 * POWER:.0f} %."
        )

    def findings(self, runs: Runs) -> Findings:
        rows = []
        for name, base, shown in self._comparisons():
            found, krr = (gain(runs, name, base, one).to_dict() for one in ("student", "krr"))
            students, plain = (column(runs, one, "student").values() for one in (name, base))
            rows.append(
                {
                    "setting": shown,
                    "plain": mean(runs, base, "student"),
                    "plain_least": min(plain, default=None),
                    "student": mean(runs, name, "student"),
                    "student_least": min(students, default=None),
                    "difference": found["difference"],
                    "interval": found["interval"],
                    "verdict": found["verdict"],
                    "krr_difference": krr["difference"],
                    "krr_interval": krr["interval"],
                }
            )
        sentences = [self._power(runs)]
        for name, base, shown in self._comparisons():
            found = gain(runs, name, base)
            shown = shown[:1].upper() + shown[1:]
            sentences.append(f"{shown}: {_SAYS[found.verdict]}, {told(found)} points.")
        if self.precision is not None:
            sentences.append(
                "The first five seeds fixed the number of seeds: the intervals hold the difference "
                "in 92 to 95 of 100 cases."
            )
        sentences.append(self._of_time())
        return Findings(_COLUMNS, rows, sentences, [])

    def _of_time(self) -> str:
        if not self.times:
            return (
                "Time is not compared: here crucial samples and ISA are part of the training of "
                "the experts, and steps are the same."
            )
        plain = self.times["plain"]
        each = [f"{shown} {100 * (self.times[n] / plain - 1):+.1f} %" for n, shown in ARMS.items()]
        text = f"Time of a step beside the plain one: {', '.join(each)} (in turns)."
        if self._compares_time and len(self.equal_time) < len(ARMS):
            text += " Where it differs by less than 2 % equal steps are equal time."
        return text

    def draw(self, runs: Runs) -> Any:
        shown = {text.replace(", ", "\n", 1): (a, b) for a, b, text in self._comparisons()}
        figure, ((axis,),) = pictures.figure(1.9 + 0.62 * len(shown))
        pictures.draw_gains(axis, runs, shown)
        axis.set_xlabel("points of accuracy\nmore than plain")
        pictures.legend_below(figure, ncols=2)
        return figure
