"""The records of all trials."""

from __future__ import annotations

import dataclasses
import json
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from keras_isa.files import atomic_path
from keras_isa.presets.table import align_columns

_FILE = "record.json"
_LONGEST_REASON = 200


@dataclasses.dataclass(frozen=True)
class TrialRecord:
    """The record of one trial.

    Args:
        name: keras-tuner's name of the trial, or `"preset"` and `"finalist ..."` of the final runs.
        values: The values of the searched settings, by name.
        score: The objective; `None` if the trial failed.
        steps: Distillation steps, including those of the trial that it continued.
        seconds: Wall time.
        status: `"completed"` or `"failed"`.
        reason: Why it failed.
        parent: The trial that it continued.
    """

    name: str
    values: dict[str, Any]
    score: float | None = None
    steps: int = 0
    seconds: float = 0.0
    status: str = "completed"
    reason: str | None = None
    parent: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Returns the record as JSON-compatible values, without those that are `None`."""
        plain = json.loads(json.dumps(dataclasses.asdict(self)))  # with lists in place of tuples
        return {k: v for k, v in plain.items() if v is not None}

    def told(self, title: str) -> str:
        """Returns a line that says what came of the trial."""
        words = in_words(self.values) or "the settings themselves"
        said = f"score {self.score:.3f}" if self.reason is None else f"failed, {self.reason}"
        return f"{title}: {words}: {said}, {self.steps} steps, {self.seconds:.1f} s"

    def write(self, folder: Path) -> None:
        """Writes the record into the folder of the trial."""
        write_json(folder / _FILE, self.to_dict())

    @classmethod
    def read(cls, folder: Path) -> TrialRecord | None:
        """Returns the record in a folder, or `None`."""
        try:
            found = json.loads((folder / _FILE).read_text("utf-8"))
        except OSError:
            return None
        pairs = {k: tuple(v) if isinstance(v, list) else v for k, v in found["values"].items()}
        return cls(**{**found, "values": pairs})


def write_json(path: str | os.PathLike, values: dict) -> None:
    """Writes a file of a search, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(values), "utf-8")


def reason_of(error: BaseException) -> str:
    """Returns the message of an exception on one line."""
    words = " ".join(str(error).split()) or type(error).__name__
    return words if len(words) <= _LONGEST_REASON else words[: _LONGEST_REASON - 3] + "..."


def read_records(folder: Path) -> list[TrialRecord]:
    """Returns the records of all trials below a folder, in the order of their names."""
    found = (TrialRecord.read(path) for path in sorted(folder.glob("trial_*")))
    return [record for record in found if record is not None]


def best_records(records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Returns the completed trials, best first, one for each choice of values: the longest."""
    longest: dict[str, TrialRecord] = {}
    for record in records:
        key = json.dumps(record.values, sort_keys=True)
        if record.score is not None and record.steps >= getattr(longest.get(key), "steps", 0):
            longest[key] = record
    return sorted(longest.values(), key=lambda record: -record.score)


def in_words(values: dict[str, Any]) -> str:
    """Formats values as text, such as `crucial_fraction 0.8, regularization 1e-06`."""
    return ", ".join(f"{name} {_cell(value)}" for name, value in values.items())


def table(records: Sequence[TrialRecord]) -> str:
    """Formats records as text, one line each.

    Args:
        records: The records, at least one.

    Example:

    >>> from keras_isa.tuning.history import TrialRecord, table
    >>> records = [TrialRecord("0", {"regularization": 1e-6}, 0.5, 100, 2.0)]
    >>> print(table(records))
    trial  regularization  score  steps  seconds  status
    0      1e-06           0.500  100    2.0      completed
    """
    names = list(dict.fromkeys(name for record in records for name in record.values))
    lines = [("trial", *names, "score", "steps", "seconds", "status")]
    for record in records:
        cells = (_cell(record.values[name]) if name in record.values else "" for name in names)
        line = (
            record.name if record.parent is None else f"{record.name} from {record.parent}",
            *cells,
            "" if record.score is None else f"{record.score:.3f}",
            str(record.steps),
            f"{record.seconds:.1f}",
            record.status if record.reason is None else f"{record.status}: {record.reason}",
        )
        lines.append(line)
    return align_columns(lines)


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return "..".join(f"{end:g}" for end in value)
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.3g}"
    return str(value)
