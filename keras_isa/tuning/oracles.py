"""keras-tuner's oracles, which write whole files only and try the given settings first."""

from __future__ import annotations

import math
from typing import Any

from keras_tuner import oracles
from keras_tuner.engine.trial import TrialStatus

from keras_isa.tuning.history import write_json

# The number of parts of a whole run in Hyperband, which twice continues the best third of its runs.
HYPERBAND_EPOCHS = 9
_STOPPED = {"status": TrialStatus.STOPPED, "values": None}


class _SafeOracle:
    """A part of every oracle: safe files, the given settings first, and an end after failures."""

    def save(self) -> None:
        write_json(self._get_oracle_fname(), self.get_state())

    def _save_trial(self, trial: Any) -> None:
        write_json(f"{self._get_trial_dir(trial.trial_id)}/trial.json", trial.get_state())

    def _random_values(self) -> dict | None:
        # The first trial has the settings that one would take without a search.
        space = self.get_space()
        values = {hp.name: hp.default for hp in space.space}
        return super()._random_values() if self._duplicate(values) else values

    def populate_space(self, trial_id: str) -> dict:
        if self.gave_up():
            return _STOPPED
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


class GridOracle(_SafeOracle, oracles.GridSearchOracle):
    """All combinations in order, of which a range has ten values and its default."""

    def populate_space(self, trial_id: str) -> dict:
        # keras-tuner's own oracle forgets its place when it is reloaded.
        values, number = {}, len(self.start_order)
        lists = {
            hp.name: [hp.default, *(value for value in hp.values if value != hp.default)]
            for hp in self.get_space().space
        }
        if self.gave_up() or number >= math.prod(map(len, lists.values())):
            return _STOPPED
        for name, entries in reversed(lists.items()):
            number, place = divmod(number, len(entries))
            values[name] = entries[place]
        return {"status": TrialStatus.RUNNING, "values": values}


def make_oracle(kind: str, objective: Any, trials: int, seed: int, max_failures: int) -> Any:
    """Makes an oracle.

    Args:
        kind: `"random"`, `"hyperband"`, `"bayesian"` or `"grid"`.
        objective: A `keras_tuner.Objective`.
        trials: Greatest number of trials; in Hyperband a continued run counts again.
        seed: Seed of the choice of values.
        max_failures: Number of failed trials in a row that ends the search.
    """
    options = {"objective": objective, "max_consecutive_failed_trials": max_failures}
    options["seed"] = seed + 1  # keras-tuner treats the seed 0 as no seed
    if kind == "hyperband":
        oracle = HyperbandOracle(max_epochs=HYPERBAND_EPOCHS, factor=3, **options)
        oracle.max_trials = trials
    else:
        made = {"random": RandomOracle, "bayesian": BayesianOracle, "grid": GridOracle}
        oracle = made[kind](max_trials=trials, **options)
    oracle.verbose = 0  # the tuner reports the trials
    return oracle
