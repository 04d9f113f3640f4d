"""A whole search: short trials, full runs of the best of them, and the choice of a set."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_isa.asset.distilled_data import DistilledData
from keras_isa.asset.loading import load
from keras_isa.global_settings import in_standard_settings
from keras_isa.ops.arguments import whole_number
from keras_isa.ops.splits import check_share
from keras_isa.presets.config import Config
from keras_isa.training.run_state import STATE_FILE
from keras_isa.tuning.history import TrialRecord, best_records
from keras_isa.tuning.hyper_model import DistillationHyperModel
from keras_isa.tuning.result import TuningResult
from keras_isa.tuning.tuner import DistillationTuner

# So many held-out images are enough to compare settings. Of a small data set up to a third of the
# images are held out for this.
_ENOUGH_HELD_OUT = 500
PRESET = "preset"
# The objective of full runs, whatever that of the trials is.
_JUDGES = "students"


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
    if validation_split is None:
        most = min(1 / 3, _ENOUGH_HELD_OUT / len(train.y))
        validation_split = max(settings.validation_split, most)
    check_share("validation_split", validation_split)
    hypermodel = DistillationHyperModel(
        settings, train, space, objective=objective, repeats=repeats, steps=steps, seed=seed
    )
    search = DistillationTuner(
        hypermodel, tuner, trials, directory=directory, seed=seed, report=report, verbose=verbose
    )
    search.search(train, validation_split=validation_split)
    if search.is_worker:
        return None
    chosen = [TrialRecord(PRESET, {}), *_chosen(search, finalists)]
    records = [_in_full(search, place, candidate) for place, candidate in enumerate(chosen)]
    done = [record for record in records if record.score is not None]
    if not done:
        raise RuntimeError(f"all runs with all steps failed. The last one: {records[-1].reason}")
    best = max(done, key=lambda record: record.score)  # of equal ones the given settings
    return TuningResult(
        distilled=_set_of(search, best, train),
        preset=_set_of(search, records[0], train) if done[0] is records[0] else None,
        trials=search.history(),
        finalists=records,
        best=best,
        hypermodel=hypermodel,
        tuner=search.kind,
    )


def _chosen(search: DistillationTuner, count: int) -> list[TrialRecord]:
    """Returns the best trials whose values are not those of the given settings."""
    settings = search.hypermodel.settings
    others = [
        record
        for record in best_records(search.history())
        if any(value != getattr(settings, name, "random") for name, value in record.values.items())
    ]
    return others[:count]


def _in_full(search: DistillationTuner, place: int, candidate: TrialRecord) -> TrialRecord:
    """Runs settings with all steps in a folder of their own, unless this has been done."""
    name = f"finalist {place}" if place else PRESET
    folder = _folder(search, name)
    folder.mkdir(exist_ok=True)
    record = TrialRecord.read(folder)
    if record is None or record.values != candidate.values:
        record = TrialRecord(name, candidate.values)
        start = search.folder / f"trial_{candidate.name}"
        record = search.run(record, search.whole_length(), folder, start=start, objective=_JUDGES)
        (folder / STATE_FILE).unlink(missing_ok=True)
    search.report(record.told(f"{name}, in full"))
    return record


def _set_of(search: DistillationTuner, record: TrialRecord, train: Any) -> DistilledData:
    distilled = load(_folder(search, record.name) / "set.keras")
    distilled.provenance["dataset"] = getattr(train, "name", None)
    return distilled


def _folder(search: DistillationTuner, name: str) -> Path:
    return search.folder / name.replace(" ", "_")
