"""A table of all presets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras_isa.presets.config import Config
from keras_isa.presets.preset_file import CPU, preset_names, read_file, read_preset
from keras_isa.presets.settings import Settings

# Heads of columns that are not the names of the values.
_TITLES = {
    "image_shape": "images",
    "num_classes": "classes",
    "images_per_class": "per class",
    "batch_size": "batch",
    "updates_per_batch": "updates",
}


def preset_table(config: type[Config] = Settings) -> list[dict[str, Any]]:
    """Lists every preset of a method with its most important settings.

    Args:
        config: Settings of the method, by default FRePo's.

    Returns:
        One dictionary per preset, JSON-compatible: `name`, `image_shape`, `num_classes`,
        `images_per_class` (those that have a table), and lists with one value for each of these:
        the settings in `config.shown`, for FRePo `steps`, `updates_per_batch`, `width`,
        `batch_size`, `preprocessing` and `flip`.

    Example:

    >>> from keras_isa.presets import preset_table
    >>> row = next(row for row in preset_table() if row["name"] == "cifar100")
    >>> row["images_per_class"], row["flip"]
    ([1, 10, 50], [True, False, False])
    """
    return [_row(name, config) for name in preset_names(config)]


def format_preset_table(rows: list[dict[str, Any]]) -> str:
    """Formats presets as text, one line each; a value that all tables share is written once.

    Args:
        rows: What `preset_table` returns.

    Example:

    >>> from keras_isa.presets import format_preset_table, preset_table
    >>> print(format_preset_table(preset_table()[:1]))
    name     images   classes  per class  steps   updates  width  batch  preprocessing  flip
    cifar10  32x32x3  10       1/10/50    500000  1        128    1024   zca            yes
    """
    if not rows:
        return "there are no presets"
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = [[_TITLES.get(name, name) for name in names]]
    for row in rows:
        cells = {**row, "image_shape": "x".join(map(str, row["image_shape"]))}
        lines.append([_cell(cells.get(name, "")) for name in names])
    return align_columns(lines)


def align_columns(lines: Sequence[Sequence[str]]) -> str:
    """Formats lines of cells as text whose columns are aligned.

    Args:
        lines: The lines, with as many cells each.

    Example:

    >>> from keras_isa.presets.table import align_columns
    >>> print(align_columns([("name", "classes"), ("digits", "10")]))
    name    classes
    digits  10
    """
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _row(name: str, config: type[Config]) -> dict[str, Any]:
    tables = read_file(name.removesuffix(CPU), config)
    sizes = tables["ipc"]
    if name.endswith(CPU):
        sizes = tables["cpu"].get("ipc", sizes)
    sizes = sorted(map(int, sizes))
    settings = [read_preset(name, size, config)[0] for size in sizes]
    return {
        "name": name,
        "image_shape": list(tables["dataset"]["image_shape"]),
        "num_classes": tables["dataset"]["num_classes"],
        "images_per_class": sizes,
        **{field: [getattr(each, field) for each in settings] for field in config.shown},
    }


def _cell(value: Any) -> str:
    values = value if isinstance(value, list) else [value]
    words = [("no", "yes")[one] if isinstance(one, bool) else str(one) for one in values]
    return words[0] if len(set(words)) == 1 else "/".join(words)
