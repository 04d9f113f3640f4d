"""keras-tuner's oracles, with files that are never half written and the base setting first."""

from __future__ import annotations

import json
import math
from typing import Any

from keras_tuner import oracles
from keras_tuner.engine.trial import TrialStatus

from keras_isa.files import atomic_path

# Hyperband divides a run into so many parts, and halves twice by three.
HYPERBAND_EPOCHS = 9


class _Careful:
    """What is added to every oracle."""

    def save(self) -> None:
        _write(self._get_oracle_fname(), self.get_state())

    def _save_trial(self, trial: Any) -> None:
        _write(f"{self._get_trial_dir(trial.trial_id)}/trial.json", trial.get_state())

    def _random_values(self) -> dict | None:
        # The setting that one would take without a search comes first.
        space = self.get_space()
        values = {hp.name: hp.default for hp in space.space}
        return super()._random_values() if self._duplicate(values) else values

    def populate_space(self, trial_id: str) -> dict:
        if self.gave_up():
            return {"status": TrialStatus.STOPPED, "values": None}
        return super().populate_space(trial_id)

    def _check_consecutive_failures(self) -> None:
        # keras-tuner would raise here, before the trial is saved, and in a chief inside a server.
        # `populate_space` ends the search instead, and the tuner says why.
        return None

    def gave_up(self) -> bool:
        """Whether so many trials in a row have failed that the search is over."""
        last = self.end_order[-self.max_consecutive_failed_trials :]
        failed = [self.trials[name].status == TrialStatus.FAILED for name in last]
        return len(failed) == self.max_consecutive_failed_trials and all(failed)


class RandomOracle(_Careful, oracles.RandomSearchOracle):
    """Random search."""


class HyperbandOracle(_Careful, oracles.HyperbandOracle):
    """Hyperband: the best of many short runs go on."""


class BayesianOracle(_Careful, oracles.BayesianOptimizationOracle):
    """Bayesian optimisation with a Gaussian process."""


class _Grid(oracles.GridSearchOracle):
    """All combinations, by their number: keras-tuner's own forgets where it was when reloaded."""

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


class GridOracle(_Careful, _Grid):
    """Grid search; a range has ten values and its default."""


def make_oracle(kind: str, objective: Any, trials: int, seed: int, max_failures: int) -> Any:
    """Makes an oracle.

    Args:
        kind: `"random"`, `"hyperband"`, `"bayesian"` or `"grid"`.
        objective: A `keras_tuner.Objective`.
        trials: Trials at most; in Hyperband a run that goes on counts again.
        seed: Seed of the choice of values.
        max_failures: Trials in a row that may fail.
    """
    # keras-tuner takes 0 for no seed.
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
    oracle.verbose = 0  # the tuner says what there is to say
    return oracle


def _write(path: str, state: dict) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(state), "utf-8")
