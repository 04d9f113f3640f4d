"""The card of a published distilled set: a README.md as the Hugging Face Hub shows it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from keras_isa.asset.card_code import programs
from keras_isa.asset.cutting import CUT_FROM
from keras_isa.asset.distilled_data import DistilledData
from keras_isa.asset.label_kind import labels_are_learned
from keras_isa.asset.measured import measured_table
from keras_isa.asset.public_record import without_folders
from keras_isa.asset.started_from import STARTED_FROM, origin
from keras_isa.inputs.axes import kind_of
from keras_isa.inputs.text import one_line
from keras_isa.ops.arguments import instance_of

_TASKS = {3: "image-classification", 1: "tabular-classification"}
_SIZES = {1_000: "n<1K", 10_000: "1K<n<10K", 100_000: "10K<n<100K", 1_000_000: "100K<n<1M"}
_MOST_CLASSES = 200
_INTRODUCTION = (
    "A distilled data set: {count:,} synthetic {kind}{labels}, made so that a network "
    "trained on them does nearly as well as one trained on {data}. They are training data, and no "
    "samples of it. The file also holds the preprocessing, the class names, the recipe for "
    "training and the record of how it was made."
)


# Stands in a card for a licence that nobody has named yet.
UNFILLED = "FILL-IN"


def check_licence(licence: str) -> str:
    """Returns the identifier of a licence as the Hub writes it, in lower case.

    Args:
        licence: The identifier, such as `cc-by-4.0`, `mit`, or `other`.

    Raises:
        TypeError: If it is no string.
        ValueError: If it cannot be an identifier.

    Example:

    >>> from keras_isa.asset.card import check_licence
    >>> check_licence("CC-BY-SA-3.0")
    'cc-by-sa-3.0'
    """
    if not isinstance(licence, str):
        raise TypeError(f"`licence` must be a string. Received: {type(licence).__name__}")
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.+-]{0,63}", licence) is None:
        raise ValueError(
            "`licence` must be an identifier of the Hugging Face Hub, such as cc-by-4.0, mit or "
            f"other. Received: licence={licence[:100]!r}"
        )
    return licence.lower()


def check_has_card(distilled: DistilledData) -> None:
    """Raises a ValueError for a set that no card can be written of.

    Args:
        distilled: The set.
    """
    if instance_of("distilled", distilled, DistilledData).is_regression:
        raise ValueError(
            "`distilled` must have classes: a card speaks of classes and accuracies. Received: a "
            "set for regression; its .keras file can be uploaded as it is"
        )


def card(
    distilled: DistilledData,
    repo: str,
    file: str,
    licence: str | None,
    *,
    picture: str | None = None,
    report: Mapping[str, Any] | None = None,
) -> str:
    """Writes the card of a distilled set from what its file records.

    It names no folder of the machine that made the set, and no accuracy but those of `report`.

    Args:
        distilled: The set.
        repo: The repository, `USER/REPO`.
        file: Name of the set's file in it.
        licence: Identifier of the licence; `None` leaves a field that must be filled in.
        picture: Name of the picture's file in it.
        report: What was measured, as `keras_isa.asset.measured.read_report` gives it.

    Returns:
        The text, Markdown after a header in YAML.

    Raises:
        TypeError, ValueError: If `licence` cannot be an identifier, or the set is for regression.

    Example:

    >>> import keras_isa
    >>> from keras_isa.asset.card import card
    >>> distilled = keras_isa.DistilledData((8, 8, 1), 2, 1, class_names=("cat", "dog"))
    >>> print(card(distilled, "user/pets", "pets.keras", "mit")[:16])
    ---
    license: mit
    """
    check_has_card(distilled)
    licence = UNFILLED if licence is None else check_licence(licence)
    record = without_folders(distilled.provenance)
    data = record.get("dataset")
    data = one_line(data) if isinstance(data, str) and data != "arrays" else None
    count, kind = len(distilled.class_ids), kind_of(distilled.image_shape)
    title = f"{data or 'A data set'}, distilled to {count:,} {kind}"
    address = f"hf://{repo}/{file}"
    parts = [
        _header(distilled, licence, title),
        f"# {_text(title)}",
        _INTRODUCTION.format(
            count=count,
            kind=kind,
            labels=" with learned labels" if labels_are_learned(distilled) else "",
            data=_code(data) if data else "its data",
        ),
        *([f"![The distilled {kind}]({picture})"] if picture else []),
        "## What is in it",
        *_contents(distilled, data, file),
        "## How it was made",
        *_making(record),
        "## Measured",
        *_measured(report, address),
        "## Protocol",
        *_protocol(distilled.recipe),
        "## How to use it",
        "`pip install 'keras_isa[hub]'`; `keras_isa.load` checks a file before it builds anything.",
    ]
    for library, program in programs(distilled, address).items():
        parts += [f"### {library}", f"```python\n{program}\n```"]
    parts += [
        "## Licence",
        f"{_code(licence)}, as whoever published the set says it. A distilled set is learned from "
        "its data set: what the licence of the data asks for holds here too.",
    ]
    return "\n\n".join(parts) + "\n"


def _header(distilled: DistilledData, licence: str, title: str) -> str:
    """The front matter. Texts are written as JSON, which YAML reads as it is meant."""
    size = next((name for most, name in _SIZES.items() if len(distilled.class_ids) < most), None)
    task = _TASKS.get(len(distilled.image_shape))
    lines = [
        f"license: {licence}",
        f"pretty_name: {json.dumps(title)}",
        'tags: ["dataset-distillation", "dataset-condensation", "keras", "keras_isa"]',
        *([f"task_categories: [{json.dumps(task)}]"] if task else []),
        *([f"size_categories: [{json.dumps(size)}]"] if size else []),
        # The Hub would take the picture for an image of the set.
        "viewer: false",
    ]
    return "\n".join(["---", *lines, "---"])


def _contents(distilled: DistilledData, data: str | None, file: str) -> list[str]:
    counts = distilled.row_counts
    same = min(counts) == max(counts)
    about = {
        "file": file,
        "data set": data or "not recorded",
        "shape of one": "x".join(map(str, distilled.image_shape)),
        "classes": distilled.num_classes,
        f"{kind_of(distilled.image_shape)} per class": counts[0] if same else "see below",
        **_stored_counts(distilled),
        "parametrisation": str(distilled.parametrization),
        "stored bytes of images and labels": f"{distilled.stored_bytes:,}",
        "preprocessing": type(distilled.preprocessing).__name__
        if distilled.preprocessing
        else None,
        "labels": "learned" if labels_are_learned(distilled) else "not learned",
    }
    if str(distilled.parametrization) != "identity":
        real = distilled.equal_counts
        about["real images per class in a comparison"] = (
            real[0] if min(real) == max(real) else f"{min(real)} to {max(real)}"
        )
    shown = zip(distilled.class_names[:_MOST_CLASSES], counts, strict=False)
    classes = ", ".join(_code(name) if same else f"{_code(name)} {many:,}" for name, many in shown)
    more = distilled.num_classes - _MOST_CLASSES
    rest = f", and {more:,} more" if more > 0 else ""
    return [_table(about), f"Classes, in the order of the labels: {classes}{rest}."]


def _stored_counts(distilled: DistilledData) -> dict[str, Any]:
    """Images per class as they are stored, which `images_per_class` counts, if others follow."""
    counts = distilled.class_counts
    if counts == distilled.row_counts:
        return {}
    shown = counts[0] if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"
    return {f"stored {kind_of(distilled.image_shape)} per class": shown}


def _making(record: dict[str, Any]) -> list[str]:
    settings = record.get("settings")
    settings = dict(settings) if isinstance(settings, dict) else {}
    settings.pop("recipe", None)  # it stands below, as the file has it
    selection, versions = record.get("selection"), record.get("versions")
    about = {
        name: record[name] for name in ("method", "seed", "steps", "seconds") if name in record
    }
    if isinstance(record.get("imported"), dict):
        about["made by"] = "others; this file was made of theirs by `keras-isa import`"
        about |= record["imported"]
    if not about and not settings:
        return ["The file has no record of it."]
    parts = [_table(about)] if about else []
    if isinstance(record.get(STARTED_FROM), dict):
        parts += ["It started from another set, not from real images:"]
        parts += [_table(origin(record[STARTED_FROM]) or {"record": "none"})]
    if CUT_FROM in record:
        parts += [
            f"The set is the first part of one with {_value(record[CUT_FROM])} images per class. "
            "Method, score and settings are those of that whole set."
        ]
    if isinstance(selection, dict):
        parts += ["What chose the set, on images held out from the training data:"]
        parts += [_table(selection)]
    elif "selection" in record:
        parts += ["No images were held out to choose the set."]
    if settings:
        parts += ["Settings:", _table(settings)]
    if isinstance(versions, dict):
        named = ", ".join(f"{_text(name)} {_text(version)}" for name, version in versions.items())
        parts += [f"Versions: {named}."]
    return parts


def _measured(report: Mapping[str, Any] | None, address: str) -> list[str]:
    again = f"`keras-isa evaluate {address} --dataset DATA`"
    if report is None:
        return [f"Nothing was measured for this card; {again} does it."]
    return [
        f"Test accuracy in %, mean ± standard deviation over {report['repeats']} "
        f"{'network' if report['repeats'] == 1 else 'networks'} trained by the protocol below:",
        "\n".join(measured_table(dict(report))),
        f"{again} measures it again.",
    ]


def _protocol(recipe: dict[str, Any]) -> list[str]:
    values = {name: value for name, value in recipe.items() if name != "predictor"}
    parts = [
        "Networks are trained from scratch on the set by this recipe, which is in the file:",
        _table(values),
    ]
    if not values:
        parts = ["The file has no recipe: networks are trained by the default one of keras_isa."]
    predictor = recipe.get("predictor")
    if isinstance(predictor, dict):
        parts += ["What judged the set while it was made:", _table(predictor)]
    return parts


def _table(rows: Mapping[str, Any]) -> str:
    lines = ["| | |", "|---|---|"]
    return "\n".join([*lines, *(f"| {_text(k)} | {_value(v)} |" for k, v in rows.items())])


def _value(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(_value, value)) or "none"
    return _text(value if isinstance(value, str | int) else json.dumps(value))


def _text(value: object) -> str:
    """A text that Markdown shows as it is."""
    text = re.sub(r"([\\`*{}\[\]<>()#|~&!$])", r"\\\1", one_line(value))
    return re.sub(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", r"\_", text)  # inside of a word it is one


def _code(value: object) -> str:
    """A text as code, also inside of a table; a text with what would end it is not set as code."""
    text = one_line(value)
    return _text(text) if set(text) & set("`|\\") or text != text.strip() else f"`{text}`"
