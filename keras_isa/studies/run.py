"""Runs a study, seed after seed, and writes down what it found."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from keras_isa import backend
from keras_isa.asset.public_record import without_folders
from keras_isa.ops.arguments import instance_of, positive_number, seed_number
from keras_isa.studies.base import Runs, Study
from keras_isa.studies.page import render
from keras_isa.studies.pictures import png
from keras_isa.studies.result import StudyResult
from keras_isa.versions import versions


def run_study(
    study: Study,
    seeds: Sequence[int],
    *,
    minutes: float | None = None,
    command: str = "",
    note: Callable[[str], None] = print,
) -> StudyResult:
    """Measures the cells of a study for one seed after the other, and says what follows.

    What the folder of the experiment holds is taken from there, so that a stopped study goes on.

    Args:
        study: The study.
        seeds: Seeds, at least one.
        minutes: Time after which no further seed begins, if it would not end in time; the first
            seed is always measured.
        command: The command that runs it, for the page.
        note: Takes lines about the work.

    Returns:
        The result, of the seeds that were measured.

    Raises:
        TypeError: If `study` is no `Study`.
        ValueError: If there is no seed, one twice, or a number is out of range.

    Example:

    >>> import tempfile
    >>> import keras_isa
    >>> from keras_isa.studies import Experiment, run_study, study
    >>> train, test = keras_isa.datasets.load("digits")
    >>> settings = keras_isa.presets.settings_for(train, 1, accelerated=False).with_changes(
    ...     steps=2, width=2, depth=1, recipe={"steps": 2, "width": 2})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     experiment = Experiment(train, test, settings, folder, repeats=1)
    ...     found = run_study(study("convergence")(experiment), [0], note=lambda line: None)
    >>> found.values["study"], found.values["seeds"]
    ('convergence', [0])
    """
    instance_of("study", study, Study)
    seeds = [seed_number(seed) for seed in seeds]
    if not seeds or len(set(seeds)) < len(seeds):
        raise ValueError(f"`seeds` must be different seeds, one or more. Received: {seeds}")
    if minutes is not None:
        minutes = positive_number("minutes", minutes)
    started = time.perf_counter()
    study.prepare(note)
    runs, done = _measured(study, seeds, minutes, note)
    found = study.findings(runs)
    values: dict[str, Any] = {
        "study": study.name,
        "title": study.title,
        "question": study.question,
        "source": study.source,
        "command": command,
        **study.experiment.description(),
        "seeds": done,
        "seeds_asked": len(seeds),
        "columns": [list(one) for one in found.columns],
        "rows": found.rows,
        "sentences": found.sentences,
        "claims": [{"text": one.text, "verdict": one.verdict} for one in found.claims],
        "runs": {name: {str(s): value for s, value in cell.items()} for name, cell in runs.items()},
        "seconds": round(time.perf_counter() - started, 1),
        "device": backend.device_name(),
        "versions": versions(),
    }
    values = without_folders(values)  # files are shown to others
    picture = png(study.draw(runs))
    return StudyResult(values, picture, render(values, picture))


def _measured(
    study: Study, seeds: list[int], minutes: float | None, note: Callable[[str], None]
) -> tuple[Runs, list[int]]:
    runs: dict[str, dict[int, dict]] = {}
    done: list[int] = []
    started, slowest = time.perf_counter(), 0.0
    for seed in seeds:
        elapsed = time.perf_counter() - started
        if done and minutes is not None and elapsed + slowest > 60 * minutes:
            note(f"{len(done)} of {len(seeds)} seeds: another one would take too long")
            break
        cells = study.cells(seed)
        for number, (name, measure) in enumerate(cells.items(), 1):
            began = time.perf_counter()
            runs.setdefault(name, {})[seed] = measure()
            seconds = time.perf_counter() - began
            if seconds > 1:  # what was kept is not worth a line
                note(f"seed {seed}, {number} of {len(cells)}: {name}, {seconds:.0f} s")
        done.append(seed)
        slowest = max(slowest, time.perf_counter() - started - elapsed)
        if study.enough(runs, note):
            break
    return runs, done
