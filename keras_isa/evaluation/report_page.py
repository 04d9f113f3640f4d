"""The page of a report: everything in one file, which asks nothing of the network."""

from __future__ import annotations

import base64
import io
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from keras_isa.asset.distilled_data import DistilledData
from keras_isa.asset.export import contrasted, save_grid
from keras_isa.asset.started_from import STARTED_FROM, origin
from keras_isa.evaluation.comparison import Difference
from keras_isa.evaluation.regression import RegressionScores
from keras_isa.evaluation.result import TITLES, Evaluation
from keras_isa.evaluation.sample_scores import SampleScores
from keras_isa.evaluation.scores import mean_interval

# So many classes, and images of each, are shown.
_MOST_CLASSES = 20
_MOST_OF_CLASS = 10
_HARDEST = 5
# The side of a tile in pixels of the page.
_TILE = 96
# Points of a chart.
_WIDTH, _HEIGHT = 600, 220
_LEFT, _BOTTOM = 60, 28


def render(
    values: Mapping[str, Any],
    distilled: DistilledData,
    evaluation: Evaluation,
    samples: SampleScores | None,
    x: Any,
) -> str:
    """Returns the page of a report.

    Args:
        values: What `make_report` has collected.
        distilled: The set.
        evaluation: Its evaluation.
        samples: How well it explains the training samples, or `None`.
        x: The training samples, or `None`.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    curves = values["curves"]
    accuracy = {name: curves[name] for name in curves if name.endswith(("accuracy", "r2"))}
    loss = {name: curves[name] for name in curves if name.endswith("loss")}
    return environment.get_template("report.html").render(
        values=values,
        summary=_summary(values),
        gallery=_gallery(distilled),
        picture=_picture(distilled),
        rows=_rows(evaluation),
        metric="R²" if _is_regression(evaluation) else "Test accuracy in %",
        bars=_bars(evaluation),
        charts=[
            _chart(lines, title)
            for lines, title in ((accuracy, "Accuracy by epoch"), (loss, "Loss by epoch"))
            if lines
        ],
        recall=_told_recall(samples),
        hardest=_hardest(samples, x),
        made_by=values["record"].get("command", ""),
        tables=_tables(values),
    )


def _is_regression(evaluation: Evaluation) -> bool:
    return isinstance(evaluation.distilled, RegressionScores)


def _summary(values: Mapping[str, Any]) -> str:
    about = values["set"]
    per_class = about["images_per_class"]
    each = per_class if isinstance(per_class, int) else f"{min(per_class)} to {max(per_class)}"
    extra = about["preprocessing_bytes"]
    return (
        f"{about['images']:,} images of {about['classes']} classes, {each} stored per class, "
        f"{about['stored_bytes']:,} bytes of images and labels"
        + (f" and {extra:,} bytes of preprocessing" if extra else "")
    )


def _gallery(distilled: DistilledData) -> list[dict[str, Any]]:
    """Classes with the pictures of their images; empty for what is no picture."""
    if len(distilled.image_shape) != 3 or distilled.is_regression:
        return []
    images, _ = distilled.to_numpy(space="pixels")
    found = []
    for number, name in enumerate(distilled.class_names[:_MOST_CLASSES]):
        rows = np.flatnonzero(np.asarray(distilled.class_ids) == number)
        shown = [
            {"source": _png(images[row]), "alt": f"Distilled image {place} of class {name}"}
            for place, row in enumerate(rows[:_MOST_OF_CLASS], 1)
        ]
        found.append({"name": name, "images": shown, "count": len(rows)})
    return found


def _picture(distilled: DistilledData) -> dict[str, str] | None:
    """One picture of what has no gallery."""
    if len(distilled.image_shape) == 3 and not distilled.is_regression:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "set.png"
        save_grid(distilled, path)
        return {"source": _address(path.read_bytes()), "alt": "The samples of the distilled set"}


def _png(image: np.ndarray) -> str:
    from PIL import Image

    pixels = contrasted(image)
    buffer = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(buffer, "PNG")
    return _address(buffer.getvalue())


def _address(content: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(content).decode()


def _rows(evaluation: Evaluation) -> list[dict[str, str]]:
    scores = {TITLES[name]: one for name, one in evaluation.baselines.items()}
    scores["distilled"] = evaluation.distilled
    return [{"title": title, **_cells(one)} for title, one in scores.items()]


def _cells(scores: Any) -> dict[str, str]:
    regression = isinstance(scores, RegressionScores)
    own, krr = (
        (scores.r2, scores.krr_r2) if regression else (scores.accuracies, scores.krr_accuracies)
    )
    interval = mean_interval(own) if regression else scores.interval
    told = "" if interval is None else " to ".join(_number(end, regression) for end in interval)
    return {"own": _spread(own, regression), "krr": _spread(krr, regression), "interval": told}


def _spread(values: tuple[float, ...], regression: bool) -> str:
    mean = _number(np.mean(values), regression)
    return mean if len(values) == 1 else f"{mean} ± {_number(np.std(values), regression)}"


def _number(value: float, regression: bool) -> str:
    return f"{value:.3f}" if regression else f"{100 * value:.1f}"


def _bars(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Mean accuracy of the set by architecture, and how much less it is than on its own."""
    if not evaluation.networks or _is_regression(evaluation):
        return []
    own = float(np.mean(evaluation.distilled.accuracies))
    name = f"{evaluation.protocol.get('network', 'network')}, of its recipe"
    bars = [{"name": name, "value": 100 * own, "note": ""}]
    for name, found in evaluation.networks.items():
        mean = float(np.mean(found.scores.accuracies))
        difference = Difference.of(found.scores.accuracies, evaluation.distilled.accuracies)
        note = f"{100 * difference.mean:+.1f}, rate {found.learning_rate:.2g}"
        bars.append({"name": name, "value": 100 * mean, "note": note})
    return bars


def _chart(lines: Mapping[str, list], title: str) -> dict[str, Any]:
    """Lines of a chart as points of an SVG, and the marks of its axes."""
    points = [point for line in lines.values() for point in line]
    epochs, values = zip(*points, strict=True)
    first, last = min(epochs), max(epochs)
    low, high = min(values), max(values)
    if high == low:
        low, high = low - 0.5, high + 0.5

    def place(epoch: float, value: float) -> tuple[float, float]:
        right = (epoch - first) / (last - first) if last > first else 0.5
        up = (value - low) / (high - low)
        x = _LEFT + right * (_WIDTH - _LEFT - 10)
        return round(x, 1), round(10 + (1 - up) * (_HEIGHT - _BOTTOM - 10), 1)

    ends = [f"{name} from {line[0][1]:.3g} to {line[-1][1]:.3g}" for name, line in lines.items()]
    return {
        "title": title,
        "text": "; ".join(ends),
        "width": _WIDTH,
        "height": _HEIGHT,
        "left": _LEFT,
        "bottom": _HEIGHT - _BOTTOM,
        "marks": [(place(first, value)[1], f"{value:.3g}") for value in (low, high)],
        "epochs": [(place(epoch, low)[0], epoch) for epoch in sorted({first, last})],
        "lines": [
            {
                "name": name,
                "points": " ".join(f"{a},{b}" for a, b in (place(*point) for point in line)),
                "dots": [place(*point) for point in line] if len(line) < 20 else [],
            }
            for name, line in lines.items()
        ],
    }


def _told_recall(samples: SampleScores | None) -> str:
    if samples is None or not samples.recall:
        return ""
    mean, count = np.mean(samples.recall), len(samples.recall)
    return (
        f"{100 * mean:.1f} % of the real training samples lie within reach of the set: in the "
        f"features of {count} {'network' if count == 1 else 'networks'} trained on it, inside of a "
        "ball around a distilled image that reaches to its fifth nearest other one."
    )


def _hardest(samples: SampleScores | None, x: Any) -> list[dict[str, Any]]:
    if samples is None or x is None or len(x.shape) != 4:
        return []
    found = []
    rows = samples.hardest(_HARDEST)
    for number, name in enumerate(samples.class_names[:_MOST_CLASSES]):
        shown = []
        for row in rows[samples.y[rows] == number]:
            said = samples.class_names[samples.predicted[row]]
            alt = f"Training image {row}, labelled {name}, seen as {said}"
            shown.append({"source": _png(np.asarray(x[row])), "alt": alt, "said": said})
        found.append({"name": name, "images": shown})
    return found


def _tables(values: Mapping[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    record = {name: part for name, part in values["record"].items() if name != "command"}
    settings, before = record.pop("settings", None), record.pop(STARTED_FROM, None)
    recipe = values["evaluation"]["protocol"].get("recipe", {})
    tables = [
        ("The run that made it", record),
        ("The set that it started from", origin(before) if isinstance(before, dict) else {}),
        ("Settings", settings if isinstance(settings, dict) else {}),
        ("How networks were trained to test it", recipe),
        ("Versions", values["versions"]),
    ]
    return [(title, [(k, _text(v)) for k, v in part.items()]) for title, part in tables if part]


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return f"{value:.6g}" if isinstance(value, float) else json.dumps(value)
