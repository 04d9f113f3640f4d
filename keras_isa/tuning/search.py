"""A whole search: short trials, full runs of the best of them, and the choice of a set."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_isa.asset.distilled_data import DistilledData
from keras_isa.asset.loading import load
from keras_isa.global_settings import in_standard_settings
from keras_isa.inputs.arrays import to_numpy
from keras_isa.ops.arguments import whole_number
from keras_isa.ops.counts import checked_counts, class_counts
from keras_isa.ops.splits import check_share
from keras_isa.presets.config import Config
from keras_isa.training.inputs import Given
from keras_isa.training.run_state import STATE_FILE
from keras_isa.tuning.history import TrialRecord, best_records, in_words, reason_of
from keras_isa.tuning.hyper_model import DistillationHyperModel
from keras_isa.tuning.result import TuningResult
from keras_isa.tuning.scoring import Scorer
from keras_isa.tuning.tuner import DistillationTuner

# So many held-out images are enough to compare settings. Of a small data set up to a third of the
# images are held out for this.
_ENOUGH_HELD_OUT = 500
PRESET = "preset"


@in_standard_settings
def tune(
    train: Any,
    settings: Config,
    *,
    directory: str | os.PathLike,
    space: Mapping[str, Any] | Sequence[str] | None = None,
    tuner: str = "random",
    trials: int = 12,
    objective: str = "krr",
    steps: int | None = None,
    finalists: int = 2,
    repeats: int = 5,
    validation_split: float | None = None,
    seed: int = 0,
    report: Callable[[str], None] | None = print,
    verbose: Any = 0,
) -> TuningResult | None:
    """Searches settings, runs the best ones in full and returns the best set.

    The trials are short. `objective` scores them on images held out of the training data. Then the
    finalists and the given settings are distilled with all steps, and networks trained on these
    sets score them on the same images. The best set is the result, and its provenance has the
    history of the search. Test data are not used.

    Args:
        train: Training data, a dataset of `keras_isa.datasets` or an object with its `x`, `y`,
            `image_shape` and `num_classes`.
        settings: Settings of a whole run. They have the values of everything that is not searched.
        directory: Folder of the search, from which a killed search is continued.
        space: The settings that are searched, see `SearchSpace`.
        tuner: `"random"`, `"hyperband"`, `"bayesian"` or `"grid"`.
        trials: Greatest number of trials.
        objective: How trials are scored, `"krr"` (cheap) or `"students"`.
        steps: Steps of a trial; by default a fifth of those of the settings. Hyperband divides all
            steps of the settings.
        finalists: Number of settings that are run in full, in addition to the given ones.
        repeats: Networks that are trained on the set of a finalist.
        validation_split: Share of the training data that is held out for scoring; by default that
            of the settings, or more of a small data set, at most a third.
        seed: Seed of all random numbers.
        report: Called with a line of text after each trial; `None` for no reports.
        verbose: As in `keras.Model.fit`, for every run of the search.

    Returns:
        The result, or `None` in a process that works for a chief (see `DistillationTuner`).

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If an argument or the data cannot be used, or the folder holds another search.
        RuntimeError: If too many trials in a row have failed.

    Example:

    >>> import tempfile
    >>> import keras_isa
    >>> train, test = keras_isa.datasets.load("digits")
    >>> recipe = {"width": 4, "depth": 1, "steps": 2, "augmentation": []}
    >>> settings = keras_isa.presets.Settings(
    ...     images_per_class=1, width=4, depth=1, pool_size=2, steps=20, recipe=recipe)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     result = keras_isa.tuning.tune(
    ...         train, settings, directory=folder, trials=2, finalists=1, repeats=1, report=None)
    >>> len(result.trials), result.distilled.images.shape
    (2, (10, 8, 8, 1))
    """
    whole_number("finalists", finalists, 0)
    share = _share(settings, train, validation_split)
    hypermodel = DistillationHyperModel(
        settings, train, space, objective=objective, repeats=repeats, steps=steps, seed=seed
    )
    search = DistillationTuner(
        hypermodel, tuner, trials, directory=directory, seed=seed, report=report, verbose=verbose
    )
    x, y, held_out = hypermodel.divided(train, None, None, share)
    # A class with too few images would fail every trial.
    counts = checked_counts(settings.images_per_class, hypermodel.num_classes)
    class_counts(counts, np.bincount(y, minlength=hypermodel.num_classes))
    names = getattr(train, "class_names", None)
    held_out_data = Given(*held_out, names, checked=True)
    search.search(Given(x, y, names, checked=True), validation_data=held_out_data)
    if search.is_worker:
        return None
    full_runs = _FullRuns(search, Scorer(settings, repeats, seed), (x, y, held_out), report)
    full_runs.run([TrialRecord(PRESET, {}), *_chosen(search, finalists)])
    return full_runs.result(train)


def _share(settings: Config, train: Any, given: float | None) -> float:
    if given is not None:
        return check_share("validation_split", given)
    return max(settings.validation_split, min(1 / 3, _ENOUGH_HELD_OUT / len(train.y)))


def _chosen(search: DistillationTuner, count: int) -> list[TrialRecord]:
    """Returns the best trials whose values are not those of the given settings."""
    settings = search.hypermodel.settings
    others = [
        record
        for record in best_records(search.history())
        if any(value != getattr(settings, name, "random") for name, value in record.values.items())
    ]
    return others[:count]


class _FullRuns:
    """The full runs of the given settings and the finalists, each in its own folder."""

    def __init__(
        self, search: DistillationTuner, scorer: Scorer, data: tuple, report: Callable | None
    ) -> None:
        self._search, self._scorer, self._data = search, scorer, data
        self._report = report or (lambda line: None)
        self.records: list[TrialRecord] = []

    def run(self, candidates: Sequence[TrialRecord]) -> None:
        for place, candidate in enumerate(candidates):
            name = PRESET if candidate.name == PRESET else f"finalist {place}"
            folder = self._search.folder / name.replace(" ", "_")
            folder.mkdir(exist_ok=True)
            record = TrialRecord.read(folder)
            if record is None or record.values != candidate.values:
                record = self._run(name, candidate, folder)
            self.records.append(record)
            said = record.reason if record.score is None else f"score {record.score:.3f}"
            words = in_words(record.values) or "the settings themselves"
            self._report(f"{name}, in full: {words}: {said}, {record.seconds:.1f} s")

    def _run(self, name: str, candidate: TrialRecord, folder: Path) -> TrialRecord:
        started = time.perf_counter()
        hypermodel, (x, y, held_out) = self._search.hypermodel, self._data
        state = None if name == PRESET else self._search.state_of(candidate)
        if state is not None and not (folder / state.name).exists():
            shutil.copyfile(state, folder / state.name)
        about: dict[str, Any] = {"name": name, "values": candidate.values}
        try:
            length = self._search.whole_length()
            options = {"resume": folder, "verbose": self._search.verbose}
            trainer = hypermodel.distil(candidate.values, length, x, y, held_out, **options)
            inputs = hypermodel.in_model_space(trainer.distilled, *held_out)
            scores = self._scorer.students(trainer.distilled, *inputs)
            trainer.distilled.save(folder / "set.keras")
            about["score"] = float(np.mean(scores.accuracies))
            about["steps"] = int(to_numpy(trainer.optimizer.iterations))
        except (ValueError, RuntimeError) as error:
            about.update(status="failed", reason=reason_of(error))
        record = TrialRecord(**about, seconds=round(time.perf_counter() - started, 3))
        record.write(folder)
        (folder / STATE_FILE).unlink(missing_ok=True)
        return record

    def result(self, train: Any) -> TuningResult:
        done = [record for record in self.records if record.score is not None]
        if not done:
            raise RuntimeError(
                f"all runs with all steps failed. The last one: {self.records[-1].reason}"
            )
        best = max(done, key=lambda record: record.score)  # of equal ones the given settings
        return TuningResult(
            distilled=self._load(best.name, train),
            preset=self._load(PRESET, train) if self.records[0].score is not None else None,
            trials=self._search.history(),
            finalists=self.records,
            best=best,
            hypermodel=self._search.hypermodel,
            tuner=self._search.kind,
            scorer=self._scorer,
        )

    def _load(self, name: str, train: Any) -> DistilledData:
        distilled = load(self._search.folder / name.replace(" ", "_") / "set.keras")
        distilled.provenance["dataset"] = getattr(train, "name", None)
        return distilled
