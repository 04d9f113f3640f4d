"""Runs a study, seed after seed, and writes down what it found."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from keras_isa import backend
from keras_isa.asset.public_record import without_folders
from keras_isa.files import check_writable
from keras_isa.ops.arguments import instance_of, positive_number, seed_number
from keras_isa.studies.base import DIVERGED, Runs, Study, measured
from keras_isa.studies.page import render
from keras_isa.studies.pictures import nothing_drawn, png
from keras_isa.studies.result import Findings, StudyResult, listed
from keras_isa.studies.statistics import LEAST_SEEDS
from keras_isa.versions import versions

# Seconds; what takes less was in the folder.
_SHORT = 1.0
# Multiples of chance below which networks have hardly learned.
_NEAR_CHANCE = 1.25
# What differs between studies, where the name of a value would say little.
_OTHERS = {
    "data_sha256": "images",
    "train_images": "numbers of images",
    "test_images": "numbers of scored images",
    "image_shape": "image shapes",
    "scored_on": "images for scores",
}
_NOTHING = Findings((), [], ["Every run diverged: there is nothing to compare."], [])


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
    diverged = not any(measured(runs, name) for name in runs)
    found = _NOTHING if diverged else study.findings(runs)
    values: dict[str, Any] = {
        "study": study.name,
        "title": study.title,
        "question": study.question,
        "source": study.source,
        "command": command,
        **study.experiment.description(),
        "options": study.options,
        "judged_on": study.judged_on,
        "seeds": done,
        "seeds_asked": len(seeds),
        "columns": [list(one) for one in found.columns],
        "rows": found.rows,
        "sentences": [*found.sentences, *_remarks(study, found, runs, len(done))],
        "claims": [{"text": one.text, "verdict": one.verdict} for one in found.claims],
        "runs": {name: {str(s): value for s, value in cell.items()} for name, cell in runs.items()},
        "seconds": round(time.perf_counter() - started, 1),
        "device": backend.device_name(),
        "versions": versions(),
    }
    values = without_folders(values)  # files are shown to others
    picture = png(nothing_drawn() if diverged else study.draw(runs))
    return StudyResult(values, picture, render(values, picture))


def seeds_there(folder: str | Path, study: Study) -> list[int]:
    """Returns the seeds of the result of a study that a folder holds, which more seeds add to.

    Args:
        folder: Where the result is to be saved.
        study: The study.

    Raises:
        ValueError: If the folder holds the result of that study with other settings, data or
            options, which would be replaced, or a file is in the way.
    """
    for suffix in (".json", ".png", ".html"):
        if Path(folder).is_dir():
            check_writable(Path(folder) / f"{study.name}{suffix}")
    path = Path(folder) / f"{study.name}.json"
    if not path.exists():
        return []
    about = json.loads(json.dumps(without_folders(study.experiment.description())))
    try:
        found = json.loads(path.read_text("utf-8"))
        others = [name for name in about if found[name] != about[name]]
        kept, seeds = found["options"], [seed_number(seed) for seed in found["seeds"]]
    except (ValueError, KeyError, TypeError):
        raise ValueError(
            f"{path} is no result of a study, and would be replaced: name another folder"
        ) from None
    if others:
        names = listed([_OTHERS.get(name, name) for name in others])
        raise ValueError(f"{path} is of other {names}, and would be replaced: name another folder")
    lost = [name for name, value in study.options.items() if not _covers(value, kept.get(name))]
    if lost:
        raise ValueError(
            f"{path} has more comparisons, which would be lost: give the same {listed(lost)} "
            f"({', '.join(f'{name}: {kept[name]}' for name in lost)}) or name another folder"
        )
    return seeds


def _covers(value: Any, kept: Any) -> bool:
    """Whether an option has all that a kept result has."""
    if isinstance(value, list):
        return set(kept or []) <= set(value)
    return bool(value) or not kept


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


def _remarks(study: Study, found: Findings, runs: Runs, seeds: int) -> list[str]:
    """What holds for every study: how much the numbers can tell."""
    said = []
    lost = [name for name, cell in runs.items() for one in cell.values() if DIVERGED in one]
    if lost:
        names = listed(list(dict.fromkeys(lost)))
        said.append(f"{len(lost)} runs diverged and are left out: {names}.")
    scores = [
        one["student"] for name in runs for one in measured(runs, name).values() if "student" in one
    ]
    chance = 1 / study.experiment.train.num_classes
    if scores and max(scores) < _NEAR_CHANCE * chance:
        said.append(
            f"No network is far from chance, {100 * chance:.1f} %: the comparisons tell nothing."
        )
    columns = [column.name for column in found.columns if column.kind == "interval"]
    count = sum(row[name] is not None for row in found.rows for name in columns)
    if seeds < LEAST_SEEDS and (count or found.claims):
        said.append("Fewer than three seeds decide nothing: --seeds, `seeds`, asks for more.")
    elif count > 1:
        said.append(
            f"The table has {count} intervals of 95 %: one in twenty leaves zero out by chance."
        )
    return said
