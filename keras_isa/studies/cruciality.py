"""What becomes of the set if the easiest, or the hardest, samples of each batch are dropped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras_isa.studies import pictures
from keras_isa.studies.base import SCORE_COLUMNS, Runs, Study, gain, score_row
from keras_isa.studies.controls import without_hardest
from keras_isa.studies.experiment import PLAIN, Experiment
from keras_isa.studies.result import Claim, Findings, told
from keras_isa.studies.statistics import mean_of

SHARES = (0.1, 0.2, 0.3)
_NONE = "none dropped"


def cell(which: str, share: float) -> str:
    """Name of a cell, such as `"easiest 10 %"`."""
    return f"{which} {round(100 * share)} %"


def dropped(experiment: Experiment, which: str, share: float) -> dict[str, Any]:
    """Arguments of `Experiment.scores` for sets without a share of the samples of each batch.

    Args:
        experiment: The experiment.
        which: `"easiest"` or `"hardest"`.
        share: The share that is dropped.
    """
    changes = {**PLAIN, "crucial_fraction": round(1 - share, 4)}
    if which == "hardest":
        changes["trainer"] = without_hardest(experiment.method)
    return changes


class CrucialityStudy(Study):
    """Sets distilled without the easiest or the hardest samples of each batch, without ISA."""

    name = "cruciality"
    title = "Which samples matter: the easiest or the hardest of each batch dropped"
    question = (
        "In each step a share of the batch with the least, or the greatest, loss is not used. What "
        "becomes of the accuracy?"
    )
    source = "Figure 5"
    methods = ("frepo", "kip", "rcig", "rfad")

    def cells(self, seed: int) -> dict[str, Callable[[], dict[str, Any]]]:
        own = self.experiment
        found = {_NONE: lambda: own.scores(seed, **PLAIN)}
        for which in ("easiest", "hardest"):
            for share in SHARES:
                changes = dropped(own, which, share)
                found[cell(which, share)] = lambda changes=changes: own.scores(seed, **changes)
        return found

    def findings(self, runs: Runs) -> Findings:
        rows = [score_row(runs, name, _NONE, name) for name in runs]
        of = {
            which: mean_of([gain(runs, cell(which, share), _NONE) for share in SHARES])
            for which in ("easiest", "hardest")
        }
        first = gain(runs, cell("easiest", SHARES[0]), _NONE)
        sentences = [
            f"Without the easiest 10 % of each batch networks differ by {told(first)} points from "
            f"those of all samples; the mean over 10, 20 and 30 % is {told(of['easiest'])}.",
            f"Without the hardest samples the mean over 10, 20 and 30 % is {told(of['hardest'])}.",
        ]
        claims = [
            Claim.of("dropping a small share of easy samples raises the accuracy", first),
            Claim.of("dropping hard samples lowers the accuracy", of["hardest"], sign=-1),
        ]
        return Findings(SCORE_COLUMNS, rows, sentences, claims)

    def draw(self, runs: Runs) -> Any:
        figure, ((axis,),) = pictures.figure(4.4)
        shares = [0, *(100 * share for share in SHARES)]
        axis.axhline(0, color="0.4", linewidth=1)
        for number, which in enumerate(("easiest", "hardest")):
            names = [_NONE, *(cell(which, share) for share in SHARES)]
            bars = [pictures.error_bar(gain(runs, name, _NONE).differences) for name in names]
            axis.errorbar(
                [share + 0.4 * (number - 0.5) for share in shares],
                [mean for mean, _ in bars],
                yerr=[half for _, half in bars],
                marker=pictures.MARKS[number],
                color=pictures.COLOURS[number],
                capsize=3,
                label=f"{which} dropped",
            )
        axis.set_xticks(shares, [f"{share:.0f}" for share in shares])
        axis.set_xlabel("share of each batch that is dropped, %")
        axis.set_ylabel("points of accuracy\nmore than with all samples")
        axis.grid(axis="y", color="0.9")
        axis.legend(frameon=False)
        return figure
