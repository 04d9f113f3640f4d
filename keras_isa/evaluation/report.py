"""A report on a distilled set: one page for people, and the same values for programs."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_isa.asset.distilled_data import DistilledData
from keras_isa.asset.label_kind import labels_are_learned
from keras_isa.asset.public_record import without_folders
from keras_isa.evaluation.comparison import beats
from keras_isa.evaluation.result import Evaluation
from keras_isa.evaluation.sample_scores import SampleScores, check_same_rows
from keras_isa.files import atomic_path, check_writable, checked_path
from keras_isa.ops.arguments import instance_of, is_finite
from keras_isa.versions import versions

# Of so many real samples of each class the report shows the hardest.
HARDEST = 5
# A curve has at most so many points.
_MOST_POINTS = 500
_VERDICTS = {
    "yes": "beats k-means images of the same bytes: yes",
    "no": "beats k-means images of the same bytes: no",
    "not distinguishable": "beats k-means images of the same bytes: not distinguishable",
}


@dataclasses.dataclass(frozen=True)
class Report:
    """A report on a distilled set.

    Args:
        values: All that it says, JSON-compatible.
        page: The page, HTML with everything in it.
    """

    values: dict[str, Any]
    page: str

    @property
    def verdict(self) -> str:
        """The verdict in one line."""
        return self.values["verdict"]["text"]

    def save(self, path: str | os.PathLike) -> tuple[str, str]:
        """Writes the page, and its values beside it with the suffix `.json`.

        Args:
            path: The file of the page, ending in `.html`.

        Returns:
            The paths of both files.

        Raises:
            TypeError: If `path` is neither a string nor a path.
            ValueError: If it does not end in `.html`, or the files cannot be written.
        """
        page, values = report_paths(path)
        for target, text in ((values, json.dumps(self.values, indent=1) + "\n"), (page, self.page)):
            with atomic_path(target) as temporary:
                temporary.write_bytes(text.encode("utf-8", "replace"))
        return str(page), str(values)


def report_paths(path: str | os.PathLike) -> tuple[Any, Any]:
    """Returns the paths of a report and of its values, if both can be written.

    Args:
        path: The file of the page, ending in `.html`.

    Raises:
        TypeError: If `path` is neither a string nor a path.
        ValueError: If it does not end in `.html`, or the files cannot be written.
    """
    page = checked_path(path)
    if page.suffix != ".html":
        raise ValueError(f"`path` must end in .html. Received: path={str(path)!r}")
    values = page.with_suffix(".json")
    for target in (page, values):
        check_writable(target)
    if values.exists() and not page.exists():
        raise ValueError(
            f"`path` must leave other files alone: the values would replace {values}. Received: "
            f"path={str(path)!r}"
        )
    return page, values


def make_report(
    distilled: DistilledData,
    evaluation: Evaluation,
    *,
    samples: SampleScores | None = None,
    x: Any = None,
    title: str = "",
    command: str = "",
) -> Report:
    """Makes the report on a set of what was measured.

    Args:
        distilled: The set.
        evaluation: Its evaluation.
        samples: How well it explains the training samples, see `score_samples`.
        x: The training samples `(N, ...)` in pixel units, for pictures of the hardest.
        title: What stands above the page; by default the data and the number of images.
        command: The command that has made the report.

    Returns:
        The report.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If the evaluation is one of another set, or `x` does not hold the samples.

    Example:

    >>> import keras_isa
    >>> from keras_isa.evaluation import Recipe, make_report
    >>> train, test = keras_isa.datasets.load("digits")
    >>> distilled = keras_isa.DistilledData.from_samples(train.x, train.y, 1)
    >>> recipe = Recipe(width=2, steps=2)
    >>> result = keras_isa.evaluate(distilled, test, train=train, recipe=recipe, repeats=2)
    >>> make_report(distilled, result).values["set"]["classes"]
    10
    """
    from keras_isa.evaluation.report_page import render

    instance_of("distilled", distilled, DistilledData)
    instance_of("evaluation", evaluation, Evaluation)
    if samples is not None:
        instance_of("samples", samples, SampleScores)
        if x is not None:
            check_same_rows(samples, x)
    if evaluation.storage.images != len(distilled.class_ids):
        raise ValueError(
            f"`evaluation` must be one of this set, which has {len(distilled.class_ids)} images. "
            f"Received: one of a set with {evaluation.storage.images}"
        )
    record = without_folders(distilled.provenance)
    record.pop("evaluation", None)
    curves = _curves(record.pop("curves", None))
    count = len(distilled.class_ids)
    data = record.get("dataset")
    values = {
        "title": title
        or f"{data if isinstance(data, str) else 'A data set'}, distilled to {count:,} images",
        "verdict": _verdict(evaluation),
        "set": {
            "images": count,
            "classes": distilled.num_classes,
            "images_per_class": evaluation.images_per_class,
            "parametrization": evaluation.storage.parametrization,
            "stored_bytes": evaluation.storage.stored_bytes,
            "preprocessing_bytes": evaluation.storage.preprocessing_bytes,
            "shape": list(distilled.image_shape),
            "labels": "learned" if labels_are_learned(distilled) else "not learned",
        },
        "evaluation": evaluation.to_dict(),
        "curves": curves,
        "samples": _of_samples(samples),
        "record": record,
        "versions": versions(),
        "command": without_folders({"command": command})["command"],
    }
    # Strict JSON has neither NaN nor infinity.
    values = json.loads(json.dumps(values, default=str), parse_constant=lambda _: None)
    return Report(values, render(values, distilled, evaluation, samples, x))


def _verdict(evaluation: Evaluation) -> dict[str, Any]:
    found = beats(evaluation)
    if found is None:
        text = "beats k-means images of the same bytes: not measured"
        return {"text": text, "baseline": "kmeans", "difference": None}
    text = _VERDICTS[found.verdict]
    return {"text": text, "baseline": "kmeans", "difference": found.to_dict()}


def _curves(rows: Any) -> dict[str, list[tuple[int, float]]]:
    """The finite values of each metric by epoch, whatever a record holds."""
    curves: dict[str, list[tuple[int, float]]] = {}
    for row in rows if isinstance(rows, list) else []:
        epoch = row.get("epoch") if isinstance(row, Mapping) else None
        if not is_finite(epoch):
            continue
        for name, value in row.items():
            if name != "epoch" and is_finite(value):
                curves.setdefault(str(name), []).append((int(epoch), float(value)))
    return {name: _thinned(points) for name, points in curves.items()}


def _thinned(points: list) -> list:
    rows = np.unique(np.linspace(0, len(points) - 1, _MOST_POINTS).round().astype(int))
    return [points[row] for row in rows]


def _of_samples(samples: SampleScores | None) -> dict[str, Any] | None:
    if samples is None:
        return None
    return {
        "recall": list(samples.recall),
        "hardest": [
            {
                "row": int(row),
                "class": samples.class_names[samples.y[row]],
                "predicted": samples.class_names[samples.predicted[row]],
                "loss": float(samples.losses[row]),
            }
            for row in samples.hardest(HARDEST)
        ],
    }
