"""A tuner of keras-tuner that continues killed searches and records why trials failed."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras_tuner
import numpy as np
from keras_tuner.engine.trial import Trial, TrialStatus

from keras_isa.files import atomic_path, make_folder
from keras_isa.global_settings import in_standard_settings
from keras_isa.ops.arguments import instance_of, one_of, seed_number, whole_number
from keras_isa.presets.config import TUNERS
from keras_isa.training.run_state import STATE_FILE, differences, fingerprint
from keras_isa.tuning.history import TrialRecord, best_records, read_records, reason_of, write_json
from keras_isa.tuning.hyper_model import OBJECTIVE, DistillationHyperModel, Length
from keras_isa.tuning.oracles import HYPERBAND_EPOCHS, make_oracle

_IDENTITY = "search.json"
# Seconds after which a waiting worker asks its chief for a trial again.
_WAIT_SECONDS = 0.5


class DistillationTuner(keras_tuner.Tuner):
    """Searches settings with one of keras-tuner's strategies.

    The first trial has the values of the hypermodel's settings if the space contains them. A killed
    search is continued when it is made again with the same folder: finished trials are not run
    again, and the trial that was interrupted continues from its last save. In Hyperband a promoted
    run continues from its saved state and does not start again. A failed trial is recorded with its
    reason, and too many in a row end the search with an error.

    Several processes share a search as one chief and its workers. Each needs keras-tuner's
    environment variables `KERASTUNER_TUNER_ID` ("chief", "worker0", ...), `KERASTUNER_ORACLE_IP`
    and `KERASTUNER_ORACLE_PORT`, and the same folder.

    Args:
        hypermodel: A `DistillationHyperModel`.
        tuner: `"random"`, `"hyperband"`, `"bayesian"` or `"grid"`.
        trials: Greatest number of trials. In Hyperband a promoted run counts again, and 13 trials
            make one bracket.
        directory: Folder of the search.
        seed: Seed of the choice of values.
        max_failures: Number of failed trials in a row that ends the search.
        report: Called with a line of text after each trial; `None` for no reports.
        verbose: As in `keras.Model.fit`, for every trial.

    Raises:
        TypeError: If `hypermodel` is of another class.
        ValueError: If an argument is not usable, or the folder holds another search.

    Example:

    >>> import tempfile
    >>> import keras_isa
    >>> from keras_isa.tuning import DistillationHyperModel, DistillationTuner
    >>> train, test = keras_isa.datasets.load("digits")
    >>> recipe = {"width": 4, "depth": 1, "steps": 2, "augmentation": []}
    >>> settings = keras_isa.presets.Settings(
    ...     images_per_class=1, width=4, depth=1, pool_size=2, steps=20, recipe=recipe)
    >>> hypermodel = DistillationHyperModel(settings, train, objective="krr")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     tuner = DistillationTuner(hypermodel, trials=2, directory=folder, report=None)
    ...     tuner.search(train)
    ...     [record.status for record in tuner.history()]
    ['completed', 'completed']
    """

    def __init__(
        self,
        hypermodel: DistillationHyperModel,
        tuner: str = "random",
        trials: int = 10,
        *,
        directory: str | os.PathLike,
        seed: int = 0,
        max_failures: int = 3,
        report: Callable[[str], None] | None = print,
        verbose: Any = 0,
    ) -> None:
        instance_of("hypermodel", hypermodel, DistillationHyperModel)
        self.kind = one_of("tuner", tuner, TUNERS)
        self.trials = whole_number("trials", trials)
        self.seed = seed_number(seed)
        self.max_failures = whole_number("max_failures", max_failures)
        self.folder = make_folder(directory, "directory").absolute()
        self.report = report or (lambda line: None)
        self.verbose = verbose
        self.data: tuple = ()  # what `search` was given: images, classes, and the held-out pair
        self._waiting = False
        self._identity = {
            "settings": hypermodel.settings.to_dict(),
            "space": hypermodel.space.to_dict(),
            "tuner": self.kind,
            "objective": hypermodel.kind,
            "repeats": hypermodel.repeats,
            "steps of a trial": hypermodel.steps,
            "seed": self.seed,
        }
        self._check_identity()
        oracle = make_oracle(
            self.kind, hypermodel.objective, self.trials, self.seed, self.max_failures
        )
        with contextlib.redirect_stdout(io.StringIO()):  # keras-tuner prints that it reloads
            place = {"directory": str(self.folder.parent), "project_name": self.folder.name}
            super().__init__(oracle, hypermodel, **place)

    # ---------------------------------------------------------------- a search

    @in_standard_settings
    def search(
        self, x: Any, y: Any = None, *, validation_data: Any = None, validation_split: Any = None
    ) -> None:
        """Runs all trials that have not been run; a chief waits for its workers instead.

        Args:
            x: Images to distil, or a dataset with `.x` and `.y`.
            y: Their classes when `x` is an array.
            validation_data: Held-out images on which sets are scored.
            validation_split: Share that is held out without these; by default that of the settings.

        Raises:
            ValueError: If the data do not fit, or the folder holds a search on other data.
            RuntimeError: If too many trials in a row have failed.
        """
        self.data = self.hypermodel.divided(x, y, validation_data, validation_split)
        x, y, held_out = self.data
        self._identity["data"] = fingerprint(x, y)
        self._identity["validation data"] = fingerprint(*held_out)
        self._check_identity()
        write_json(self.folder / _IDENTITY, self._identity)
        super().search()
        self._raise_when_given_up()

    def history(self) -> list[TrialRecord]:
        """Returns the records of the trials, in order."""
        return read_records(self.folder)

    @property
    def is_worker(self) -> bool:
        """Whether this process runs trials for a chief in another process."""
        return self._is_worker()

    def whole_length(self) -> Length:
        """Returns the length of a whole run, with the epochs of this strategy."""
        return self.hypermodel.whole_length(HYPERBAND_EPOCHS if self.kind == "hyperband" else None)

    def run(
        self,
        record: TrialRecord,
        length: Length,
        folder: Path,
        *,
        start: Path | None = None,
        objective: str | None = None,
    ) -> TrialRecord:
        """Runs and scores one distillation, and writes its set and its record into a folder.

        Args:
            record: Name, values and parent of the run.
            length: Length of the run.
            folder: Folder of the run; a killed run continues from the state in it.
            start: Folder of another run, which this one continues if that has left its state.
            objective: What scores the set, by default as in the trials.

        Returns:
            The record with the score, or with the reason why the run failed.
        """
        began = time.perf_counter()
        try:
            if start and (start / STATE_FILE).exists() and not (folder / STATE_FILE).exists():
                with atomic_path(folder / STATE_FILE) as temporary:
                    shutil.copyfile(start / STATE_FILE, temporary)
            options = {"resume": folder, "verbose": self.verbose}
            trainer = self.hypermodel.distil(record.values, length, self.data, **options)
            score = self.hypermodel.score(trainer.distilled, self.data[2], objective)
            if not np.isfinite(score):
                raise RuntimeError(f"the score is {score}")
            trainer.distilled.save(folder / "set.keras")
            found = {"score": score, "steps": trainer.steps_taken}
        except Exception as error:
            found = {"status": "failed", "reason": reason_of(error)}
        seconds = round(time.perf_counter() - began, 3)
        record = dataclasses.replace(record, **found, seconds=seconds)
        record.write(folder)
        return record

    # ---------------------------------------------------------------- called by keras-tuner

    def run_trial(self, trial: Trial) -> dict[str, float]:
        """Runs one trial and writes its record and its set into its folder."""
        folder = Path(self.get_trial_dir(trial.trial_id))
        values = self.hypermodel.space.values(trial.hyperparameters)
        parent = trial.hyperparameters.values.get("tuner/trial_id")
        length, start = self.hypermodel.trial_length(), None
        if self.kind == "hyperband":
            epochs = trial.hyperparameters.values["tuner/epochs"]
            length = self.whole_length()._replace(epochs=epochs)
        if parent is not None:
            start = Path(self.get_trial_dir(parent))
        record = TrialRecord(trial.trial_id, values, parent=parent)
        record = self.run(record, length, folder, start=start)
        if self.kind != "hyperband":
            (folder / STATE_FILE).unlink(missing_ok=True)  # no trial continues from this state
        best = best_records(self.history())
        said = record.told(f"trial {int(record.name) + 1}/{self.trials}")
        self.report(f"{said} (best {best[0].score:.3f})" if best else said)
        if record.reason is not None:
            raise keras_tuner.errors.FailedTrialError(record.reason)
        return {OBJECTIVE: record.score}

    def _activate_all_conditions(self) -> None:
        # keras-tuner would build a trainer here, to find settings that depend on others.
        return None

    def _try_run_and_update_trial(self, trial: Trial, *args: Any, **kwargs: Any) -> None:
        # keras-tuner's own method also prints the traceback, but the record has the reason.
        try:
            self._run_and_update_trial(trial, *args, **kwargs)
            trial.status = TrialStatus.COMPLETED
        except keras_tuner.errors.FailedTrialError as error:
            trial.status, trial.message = TrialStatus.FAILED, str(error)

    def on_search_begin(self) -> None:
        self.save()  # a search that is killed in its first trial can be continued

    def pre_create_trial(self) -> None:
        # If it is called twice without a trial in between, other workers have to finish first.
        if self._waiting:
            time.sleep(_WAIT_SECONDS)
        self._waiting = True

    def on_trial_begin(self, trial: Trial) -> None:
        self._waiting = False

    # ---------------------------------------------------------------- inside

    def _raise_when_given_up(self) -> None:
        records = self.history()
        failed = [record for record in records if record.status == "failed"]
        # A worker has no list of trials; its chief raises the error.
        over = not self.is_worker and self.oracle.gave_up()
        if over or (failed and len(failed) == len(records)):
            last = failed[-1].told("The last one")
            raise RuntimeError(
                f"the last {min(self.max_failures, len(failed))} trials failed, so the search is "
                f"over; narrow the space. {last}"
            )

    def _check_identity(self) -> None:
        try:
            found = json.loads((self.folder / _IDENTITY).read_text("utf-8"))
        except OSError:
            return
        here = json.loads(json.dumps(self._identity))  # makes lists of tuples, as in the file
        known = {name: found.get(name) for name in here}  # `search` adds the data later
        for name, there, value in differences(known, here):
            raise ValueError(
                "`directory` must hold the same search, or nothing: choose a new folder, or "
                f"repeat the call that began it. Received: {name} is {value!r}, and {there!r} "
                f"in {self.folder}"
            )
