"""What `keras-isa evaluate --json` has measured of a distilled set, for its card."""

from __future__ import annotations

import json
import os
from typing import Any

from keras_isa.asset.distilled_data import DistilledData
from keras_isa.asset.recipe import Recipe
from keras_isa.files import checked_path
from keras_isa.inputs.text import one_line
from keras_isa.ops.arguments import is_finite

# The baselines of an evaluation, and their rows in tables.
TITLES = {
    "random": "random real images",
    "kmeans": "k-means, nearest real images",
    "herding": "herded real images",
    "soft": "random real images, soft labels",
    "full": "all real images",
}
_SCORES = ("accuracy_mean", "accuracy_std", "krr_accuracy_mean", "krr_accuracy_std")
# Bytes; a report has about a thousand.
_LONGEST = 1 << 20


def read_report(path: str | os.PathLike, distilled: DistilledData) -> dict[str, Any]:
    """Reads a report and checks that it can be one of this set.

    Args:
        path: The file that holds what `keras-isa evaluate --json` or `keras-isa distill --json` has
            printed.
        distilled: The set.

    Returns:
        The report.

    Raises:
        TypeError: If `path` is neither a string nor a path.
        ValueError: If the file cannot be read, is no report, or one of another set.
    """
    path = checked_path(path, "report")
    try:
        with open(path, "rb") as file:
            report = json.loads(file.read(_LONGEST))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(
            "`report` must be a file with what `keras-isa evaluate --json` has printed; it cannot "
            f"be read ({one_line(error)}). Received: report={path}"
        ) from error
    problem = _problem(report, distilled)
    if problem is not None:
        raise ValueError(f"`report` {problem}. Received: report={path}")
    return report


def recorded_report(distilled: DistilledData) -> dict[str, Any] | None:
    """Returns the evaluation that a set records, if it is one of this set by its own recipe.

    Args:
        distilled: The set.

    Example:

    >>> import keras_isa
    >>> from keras_isa.asset.measured import recorded_report
    >>> recorded_report(keras_isa.DistilledData((8, 8, 1), 2, 1)) is None
    True
    """
    report = distilled.provenance.get("evaluation")
    if not isinstance(report, dict) or _problem(report, distilled) is not None:
        return None
    protocol = report.get("protocol")
    if not isinstance(protocol, dict) or protocol.get("labels") != "learned":
        return None
    own = {name: one for name, one in distilled.recipe.items() if name != "predictor"}
    try:
        recipes = [
            Recipe.from_dict(dict(one), distilled.image_shape)
            for one in (own, protocol.get("recipe"))
        ]
    except (TypeError, ValueError):
        return None
    return report if recipes[0] == recipes[1] and protocol.get("network") != "the user's" else None


def measured_table(report: dict[str, Any]) -> list[str]:
    """Returns a report as the lines of a table in Markdown.

    Args:
        report: As `read_report` gives it.
    """
    rows = {TITLES[name]: scores for name, scores in report["baselines"].items()}
    rows["**distilled**"] = report
    lines = ["| trained on | network | kernel ridge regression |", "|---|---|---|"]
    for title, scores in rows.items():
        found = (_score(scores, name, report["repeats"]) for name in ("accuracy", "krr_accuracy"))
        lines.append(f"| {title} | {' | '.join(found)} |")
    return lines


def _score(scores: dict[str, float], name: str, repeats: int) -> str:
    mean = f"{100 * scores[f'{name}_mean']:.1f}"
    return mean if repeats == 1 else f"{mean} ± {100 * scores[f'{name}_std']:.1f}"


def _problem(report: Any, distilled: DistilledData) -> str | None:
    """What is wrong with a report of the set, or `None`."""
    baselines = report.get("baselines") if isinstance(report, dict) else None
    known = isinstance(baselines, dict) and set(baselines) <= set(TITLES)
    if not known or not all(_is_scores(scores) for scores in (report, *baselines.values())):
        return "must hold what `keras-isa evaluate --json` has printed, with all accuracies"
    repeats = report.get("repeats")
    if not isinstance(repeats, int) or isinstance(repeats, bool) or repeats < 1:
        return "must say over how many networks it is (`repeats`)"
    counts = distilled.images_per_class
    expected = {
        "images_per_class": counts if isinstance(counts, int) else list(counts),
        "parametrization": str(distilled.parametrization),
        "stored_bytes": distilled.stored_bytes,
    }
    for name, value in expected.items():
        if report.get(name) != value:
            return (
                f"must be one of this set, whose {name} is {one_line(value)}; it says "
                f"{one_line(report.get(name))}"
            )
    return None


def _is_scores(scores: Any) -> bool:
    values = [scores.get(name) for name in _SCORES] if isinstance(scores, dict) else [None]
    return all(is_finite(value) and 0 <= value <= 1 for value in values)
