"""Runs a study, seed after seed, and writes down what it found."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from keras_isa import backend
from keras_isa.asset.public_record import without_folders
from keras_isa.ops.arguments import instance_of, positive_number, seed_number
from keras_isa.studies.base import DIVERGED, Runs, Study
from keras_isa.studies.page import render
from keras_isa.studies.pictures import png
from keras_isa.studies.result import Findings, StudyResult, listed
from keras_isa.versions import versions

# Seconds; what takes less was in the folder.
_SHORT = 1.0


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
        minutes: Time after which no further seed begins, if it would not end in time. The first
            seed that is not in the folder always begins, as nothing is known of its time.
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
    runs, done = _measured(study, seeds, minutes and 60 * minutes + started, note)
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
        "sentences": [*found.sentences, *_remarks(found, runs)],
        "claims": [{"text": one.text, "verdict": one.verdict} for one in found.claims],
        "runs": {name: {str(s): value for s, value in cell.items()} for name, cell in runs.items()},
        "seconds": round(time.perf_counter() - started, 1),
        "device": backend.device_name(),
        "versions": versions(),
    }
    values = without_folders(values)  # files are shown to others
    picture = png(study.draw(runs))
    return StudyResult(values, picture, render(values, picture))


def check_same_study(folder: str | Path, study: Study) -> None:
    """Raises a ValueError if a folder holds the result of a study with other settings or data.

    Args:
        folder: Where the result is to be saved.
        study: The study.
    """
    path = Path(folder) / f"{study.name}.json"
    if not path.exists():
        return
    about = json.loads(json.dumps(without_folders(study.experiment.description())))
    try:
        found = json.loads(path.read_text("utf-8"))
        others = [name for name in about if found[name] != about[name]]
    except (ValueError, KeyError, TypeError):
        others = ["content"]
    if others:
        raise ValueError(
            f"{path} is of another {listed(others)}, and would be replaced: name another folder"
        )


def _measured(
    study: Study, seeds: list[int], until: float | None, note: Callable[[str], None]
) -> tuple[Runs, list[int]]:
    runs: dict[str, dict[int, dict]] = {}
    done: list[int] = []
    slowest = 0.0
    for seed in seeds:
        began_seed = time.perf_counter()
        if slowest and until is not None and began_seed + slowest > until:
            note(f"{len(done)} of {len(seeds)} seeds: another one would take too long")
            break
        cells = study.cells(seed)
        for number, (name, measure) in enumerate(cells.items(), 1):
            began = time.perf_counter()
            runs.setdefault(name, {})[seed] = measure()
            seconds = time.perf_counter() - began
            if seconds > _SHORT:  # what was kept is not worth a line
                note(f"seed {seed}, {number} of {len(cells)}: {name}, {seconds:.0f} s")
        done.append(seed)
        seconds = time.perf_counter() - began_seed
        if seconds > _SHORT:
            slowest = max(slowest, seconds)
        if study.enough(runs, note):
            break
    return runs, done


def _remarks(found: Findings, runs: Runs) -> list[str]:
    """What holds for every study: runs that diverged, and how many intervals there are."""
    said = []
    lost = [name for name, cell in runs.items() for one in cell.values() if DIVERGED in one]
    if lost:
        names = listed(list(dict.fromkeys(lost)))
        said.append(f"{len(lost)} runs diverged and are left out: {names}.")
    columns = [column.name for column in found.columns if column.kind == "interval"]
    count = sum(row[name] is not None for row in found.rows for name in columns)
    if count > 1:
        said.append(
            f"The table has {count} intervals of 95 %: one in twenty leaves zero out by chance."
        )
    return said
