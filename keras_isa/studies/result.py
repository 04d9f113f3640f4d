"""What a study found, as values, a picture and a page."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from keras_isa.files import atomic_path
from keras_isa.studies.statistics import Paired


@dataclasses.dataclass(frozen=True)
class Claim:
    """A claim of the paper, and what the study says about it.

    Args:
        text: The claim.
        verdict: `"supported"`, `"not supported"` or `"undecided"`.
    """

    text: str
    verdict: str

    @classmethod
    def of(cls, text: str, found: Paired, sign: int = 1) -> Claim:
        """Judges a claim about the sign of a difference by its 95 % interval.

        Args:
            text: The claim.
            found: The difference.
            sign: 1 if the claim is that it is positive, -1 if negative.

        Example:

        >>> from keras_isa.studies.result import Claim
        >>> from keras_isa.studies.statistics import Paired
        >>> Claim.of("it helps", Paired((0.01, 0.011, 0.012))).verdict
        'supported'
        """
        said = {"helps": 1, "hurts": -1}.get(found.verdict, 0) * sign
        return cls(text, {1: "supported", -1: "not supported", 0: "undecided"}[said])


class Column(NamedTuple):
    """A column of a table.

    Args:
        name: Name of its values in the rows.
        heading: What stands above it, with the unit.
        kind: `"text"`, `"number"`, `"percent"` for a fraction, `"points"` for a difference of
            fractions, or `"interval"` for two of these.
    """

    name: str
    heading: str
    kind: str = "number"

    def cell(self, row: Mapping[str, Any]) -> str:
        """Formats the value of a row; empty for `None`.

        Args:
            row: The values by name.

        Example:

        >>> from keras_isa.studies.result import Column
        >>> Column("gain", "gain, points", "points").cell({"gain": 0.012})
        '+1.20'
        """
        value = row[self.name]
        if value is None:
            return ""
        if self.kind == "percent":
            return points(value)
        if self.kind == "points":
            return points(value, sign=True)
        if self.kind == "interval":
            return " to ".join(points(end, sign=True) for end in value)
        return value if isinstance(value, str) else f"{value:.4g}"


@dataclasses.dataclass(frozen=True)
class Findings:
    """What follows from the cells of a study.

    Args:
        columns: The columns of the table.
        rows: The table, JSON-compatible values by the names of the columns for each row.
        sentences: What the numbers say, in plain sentences.
        claims: The paper's claims.
    """

    columns: tuple[Column, ...]
    rows: list[dict[str, Any]]
    sentences: list[str]
    claims: list[Claim]


@dataclasses.dataclass(frozen=True)
class StudyResult:
    """The result of `run_study`; printing it gives its sentences.

    Args:
        values: All that was found, JSON-compatible.
        picture: The picture, a PNG.
        page: A page with both, HTML with everything in it.
    """

    values: dict[str, Any]
    picture: bytes
    page: str

    def save(self, folder: str | Path) -> tuple[Path, ...]:
        """Writes `NAME.json`, `NAME.png` and `NAME.html`, and returns their paths.

        Args:
            folder: Where to.
        """
        name = self.values["study"]
        contents = {
            ".json": (json.dumps(self.values, indent=1) + "\n").encode(),
            ".png": self.picture,
            ".html": self.page.encode(),
        }
        paths = tuple(Path(folder) / f"{name}{suffix}" for suffix in contents)
        for path, content in zip(paths, contents.values(), strict=True):
            with atomic_path(path) as temporary:
                temporary.write_bytes(content)
        return paths

    def __str__(self) -> str:
        claims = [f"{one['verdict']}: {one['text']}" for one in self.values["claims"]]
        return "\n".join([*self.values["sentences"], *claims])


def points(value: float | None, sign: bool = False) -> str:
    """Formats a fraction as percent with two digits, or a difference as points.

    Args:
        value: The fraction, or `None`.
        sign: Whether a plus stands before positive numbers.

    Example:

    >>> from keras_isa.studies.result import points
    >>> points(0.91234), points(0.0123, sign=True)
    ('91.23', '+1.23')
    """
    if value is None:
        return ""
    return f"{100 * value:{'+' if sign else ''}.2f}"


def told(found: Paired) -> str:
    """Formats a difference with its interval, in points.

    Args:
        found: The difference.

    Example:

    >>> from keras_isa.studies.result import told
    >>> from keras_isa.studies.statistics import Paired
    >>> told(Paired((0.01, 0.02, 0.03)))
    '+2.00 (-0.48 to +4.48)'
    """
    if not found.differences:
        return "an unknown number of"
    text = points(found.mean, sign=True)
    if found.interval is None:
        return text
    return f"{text} ({' to '.join(points(end, sign=True) for end in found.interval)})"


def listed(words: Sequence[str]) -> str:
    """Joins words with commas and a last "and".

    Args:
        words: The words.

    Example:

    >>> from keras_isa.studies.result import listed
    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
