"""keras-tuner's oracles, which write whole files only and try the given settings first."""

from __future__ import annotations

import json
import math
from typing import Any

from keras_tuner import oracles
from keras_tuner.engine.trial import TrialStatus

from keras_isa.files import atomic_path

# The number of parts of a whole run in Hyperband, which twice continues the best third of its runs.
HYPERBAND_EPOCHS = 9


class _SafeOracle:
    """A part of every oracle: safe files, the given settings first, and an end after failures."""

    def save(self) -> None:
        _write(self._get_oracle_fname(), self.get_state())

    def _save_trial(self, trial: Any) -> None:
        _write(f"{self._get_trial_dir(trial.trial_id)}/trial.json", trial.get_state())

    def _random_values(self) -> dict | None:
        # The first trial has the settings that one would take without a search.
        space = self.get_space()
        values = {hp.name: hp.default for hp in space.space}
        return super()._random_values() if self._duplicate(values) else values

    def populate_space(self, trial_id: str) -> dict:
        if self.gave_up():
            return {"status": TrialStatus.STOPPED, "values": None}
        return super().populate_space(trial_id)

    def _check_consecutive_failures(self) -> None:
        # keras-tuner raises an error here, before the trial is saved, and in a chief inside the
        # server. Instead, `populate_space` ends the search, and the tuner's error says why.
        return None

    def gave_up(self) -> bool:
        """Whether the search is over because too many trials in a row have failed."""
        last = self.end_order[-self.max_consecutive_failed_trials :]
        failed = [self.trials[name].status == TrialStatus.FAILED for name in last]
        return len(failed) == self.max_consecutive_failed_trials and all(failed)


class RandomOracle(_SafeOracle, oracles.RandomSearchOracle):
    """Random search."""


class HyperbandOracle(_SafeOracle, oracles.HyperbandOracle):
    """Hyperband: the best of many short runs are continued."""


class BayesianOracle(_SafeOracle, oracles.BayesianOptimizationOracle):
    """Bayesian optimisation with a Gaussian process."""


class _Grid(oracles.GridSearchOracle):
    """All combinations in order; keras-tuner's own oracle forgets its place when it is reloaded."""

    def populate_space(self, trial_id: str) -> dict:
        values, number = {}, len(self.start_order)
        lists = {
            hp.name: [hp.default, *(value for value in hp.values if value != hp.default)]
            for hp in self.get_space().space
        }
        if number >= math.prod(map(len, lists.values())):
            return {"status": TrialStatus.STOPPED, "values": None}
        for name, entries in reversed(lists.items()):
            number, place = divmod(number, len(entries))
            values[name] = entries[place]
        return {"status": TrialStatus.RUNNING, "values": values}


class GridOracle(_SafeOracle, _Grid):
    """Grid search; a range has ten values and its default."""


def make_oracle(kind: str, objective: Any, trials: int, seed: int, max_failures: int) -> Any:
    """Makes an oracle.

    Args:
        kind: `"random"`, `"hyperband"`, `"bayesian"` or `"grid"`.
        objective: A `keras_tuner.Objective`.
        trials: Greatest number of trials; in Hyperband a continued run counts again.
        seed: Seed of the choice of values.
        max_failures: Number of failed trials in a row that ends the search.
    """
    # keras-tuner treats the seed 0 as no seed.
    options = {
        "objective": objective,
        "seed": seed + 1,
        "max_consecutive_failed_trials": max_failures,
    }
    if kind == "hyperband":
        oracle = HyperbandOracle(max_epochs=HYPERBAND_EPOCHS, factor=3, **options)
        oracle.max_trials = trials
    else:
        made = {"random": RandomOracle, "bayesian": BayesianOracle, "grid": GridOracle}
        oracle = made[kind](max_trials=trials, **options)
    oracle.verbose = 0  # the tuner reports the trials
    return oracle


def _write(path: str, state: dict) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(state), "utf-8")
