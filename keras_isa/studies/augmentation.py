"""ISA beside mixup of inputs and beside one virtual sample a step, and its intervals and pairs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras_isa.studies import pictures
from keras_isa.studies.base import SCORE_COLUMNS, Runs, Study, gain, score_row
from keras_isa.studies.controls import InputMixupTrainer, SingleStepTrainer
from keras_isa.studies.experiment import PLAIN
from keras_isa.studies.result import Claim, Findings, told

_NONE, _MIXUP, _SINGLE, _ISA = "none", "mixup of inputs", "single step", "ISA (0, 0.5)"
_RELEASED = {"isa_interval": (0.0, 0.5), "pairing": "nearest"}

# Interval and pairing of ISA.
_FORMS: dict[str, dict[str, Any]] = {
    _ISA: _RELEASED,
    "ISA (0, 1)": {"isa_interval": (0.0, 1.0), "pairing": "nearest"},
    "ISA (-1, 0)": {"isa_interval": (-1.0, 0.0), "pairing": "nearest"},
    "ISA (0, 0.5), random": {"isa_interval": (0.0, 0.5), "pairing": "random"},
    "ISA (-1, 0), random": {"isa_interval": (-1.0, 0.0), "pairing": "random"},
    "ISA (-1, 0), all pairs": {"isa_interval": (-1.0, 0.0), "pairing": "all"},
    "ISA (0, 0.5), same class": {"isa_interval": (0.0, 0.5), "pairing": "same_class"},
}


class AugmentationStudy(Study):
    """Sets distilled with no augmentation, with the paper's comparators, and with forms of ISA."""

    name = "augmentation"
    title = "ISA beside mixup and beside a single virtual sample"
    question = (
        "All samples of a batch are used, with different augmentations of them: none, mixup of "
        "inputs, one drawn virtual sample between features in each step, and the integral over "
        "all of them. Which gives the best set?"
    )
    source = "Figure 3c"
    methods = ("frepo",)

    def cells(self, seed: int) -> dict[str, Callable[[], dict[str, Any]]]:
        arms: dict[str, dict[str, Any]] = {
            _NONE: PLAIN,
            _MIXUP: {**PLAIN, "trainer": InputMixupTrainer},
            _SINGLE: {**PLAIN, **_RELEASED, "trainer": SingleStepTrainer},
            **{name: {**PLAIN, **form} for name, form in _FORMS.items()},
        }
        scores = self.experiment.scores
        return {name: lambda arm=arm: scores(seed, **arm) for name, arm in arms.items()}

    def findings(self, runs: Runs) -> Findings:
        rows = [score_row(runs, name, _NONE, name) for name in runs]
        over = {name: gain(runs, _ISA, name) for name in (_NONE, _MIXUP, _SINGLE)}
        sentences = [
            f"ISA as released differs by {told(over[_NONE])} points from no augmentation, by "
            f"{told(over[_MIXUP])} from mixup of inputs and by {told(over[_SINGLE])} from a "
            "single virtual sample a step.",
        ]
        claims = [
            Claim.of("ISA is better than no augmentation", over[_NONE]),
            Claim.of("ISA is better than mixup of inputs", over[_MIXUP]),
            Claim.of("ISA is better than a single virtual sample a step", over[_SINGLE]),
        ]
        return Findings(SCORE_COLUMNS, rows, sentences, claims)

    def draw(self, runs: Runs) -> Any:
        figure, ((axis,),) = pictures.figure(5.4)
        names = [name for name in runs if name != _NONE]
        pictures.draw_gains(axis, runs, {name: (name, _NONE) for name in names})
        axis.set_xlabel("points of accuracy\nmore than no augmentation")
        pictures.legend_below(figure, ncols=2)
        return figure
