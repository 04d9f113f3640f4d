"""Accuracy over the share of crucial samples and ISA's interval, and over the pool's settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from keras_isa.studies import pictures
from keras_isa.studies.base import SCORE_COLUMNS, Runs, Study, column, mean, score_row
from keras_isa.studies.experiment import PLAIN, module_changes
from keras_isa.studies.result import Findings, points

SHARES = (0.5, 0.7, 0.8, 0.9, 1.0)
ENDS = (0.0, 0.25, 0.5, 1.0)
POOLS = (2, 5, 10)
AGES = (30, 100, 300)


class SensitivityStudy(Study):
    """Two maps of accuracy: over p and the end of the interval, over pool size and reset age."""

    name = "sensitivity"
    title = "How sensitive the accuracy is to p, interval, pool size and reset age"
    question = (
        "Over the share p of crucial samples and the end of ISA's interval (0, e), and over the "
        "size of the pool and the age at which its networks are replaced: how much do these "
        "settings matter?"
    )
    source = "the paper's settings of p and the interval"
    methods = ("frepo",)
    seeds = 2

    def cells(self, seed: int) -> dict[str, Callable[[], dict[str, Any]]]:
        scores = self.experiment.scores
        both = module_changes(self.experiment.settings)["both"]
        arms = {
            _module(share, end): {"crucial_fraction": share, "isa_interval": (0.0, end)}
            for share in SHARES
            for end in ENDS
        }
        arms |= {
            _pool(size, age): {**both, "pool_size": size, "max_online_steps": age}
            for size in POOLS
            for age in AGES
        }
        return {name: lambda arm=arm: scores(seed, **arm) for name, arm in arms.items()}

    def findings(self, runs: Runs) -> Findings:
        plain = _module(PLAIN["crucial_fraction"], 0.0)
        rows = [score_row(runs, name, plain, name) for name in runs]
        sentences = []
        for names, what in (
            (self._module_names(), "p and the interval"),
            (self._pool_names(), "pool size and reset age"),
        ):
            means = {name: mean(runs, name, "student") for name in names}
            means = {name: value for name, value in means.items() if value is not None}
            if not means:
                continue
            best, worst = max(means, key=means.get), min(means, key=means.get)
            sentences.append(
                f"Over {what} accuracy reaches from {points(means[worst])} % ({worst}) to "
                f"{points(means[best])} % ({best})."
            )
        each = [list(column(runs, name, "student").values()) for name in runs]
        spreads = [np.std(values, ddof=1) for values in each if len(values) > 1]
        if spreads:
            sentences.append(
                f"Between seeds of one setting the standard deviation is "
                f"{points(float(np.sqrt(np.mean(np.square(spreads)))))} points: the best of many "
                "settings looks better than it is."
            )
        return Findings(SCORE_COLUMNS, rows, sentences, [])

    def draw(self, runs: Runs) -> Any:
        figure, axes = pictures.figure(8.4, rows=2)
        about = (
            (_module, SHARES, ENDS, "share p of crucial samples", "end e of ISA's interval (0, e)"),
            (_pool, POOLS, AGES, "networks in the pool", "age at which they are replaced, steps"),
        )
        for axis, (name, rows, columns, down, right) in zip(axes.flat, about, strict=True):
            found = [[mean(runs, name(a, b), "student") for b in columns] for a in rows]
            table = 100 * np.array(found, dtype=float)  # NaN where all runs diverged
            words = [f"{a:g}" for a in rows], [f"{b:g}" for b in columns]
            pictures.heat_map(axis, table, *words, "accuracy, %")
            axis.set_ylabel(down)
            axis.set_xlabel(right)
        return figure

    def _module_names(self) -> list[str]:
        return [_module(share, end) for share in SHARES for end in ENDS]

    def _pool_names(self) -> list[str]:
        return [_pool(size, age) for size in POOLS for age in AGES]


def _module(share: float, end: float) -> str:
    return f"p {share:g}, interval (0, {end:g})"


def _pool(size: int, age: int) -> str:
    return f"{size} networks, age {age}"
