"""A table of all presets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras_isa.presets.config import Config
from keras_isa.presets.named import CPU, preset_names, read_preset
from keras_isa.presets.preset_file import read_file
from keras_isa.presets.settings import Settings

# The settings in the table.
_SHOWN = ("steps", "width", "batch_size", "preprocessing", "flip")


def preset_table(config: type[Config] = Settings) -> list[dict[str, Any]]:
    """Lists every preset of a method with its most important settings.

    Args:
        config: Settings of the method, by default FRePo's.

    Returns:
        One dictionary per preset, JSON-compatible: `name`, `image_shape`, `num_classes`,
        `images_per_class` (those that have a table), and lists with one value for each of these:
        `steps`, `width`, `batch_size`, `preprocessing` and `flip`.

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
    name     images   classes  per class  steps   width  batch  preprocessing  flip
    cifar10  32x32x3  10       1/10/50    500000  128    1024   zca            yes
    """
    head = ("name", "images", "classes", "per class", "steps", "width", "batch", "preprocessing")
    return align_columns([(*head, "flip"), *(_cells(row) for row in rows)])


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
    sizes = set(tables["ipc"])
    if name.endswith(CPU):
        sizes = set(tables["cpu"].get("ipc", sizes))
    sizes = sorted(int(size) for size in sizes)
    settings = [read_preset(name, size, config)[0] for size in sizes]
    return {
        "name": name,
        "image_shape": list(tables["dataset"]["image_shape"]),
        "num_classes": tables["dataset"]["num_classes"],
        "images_per_class": sizes,
        **{field: [getattr(each, field, None) for each in settings] for field in _SHOWN},
    }


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        row["name"],
        "x".join(map(str, row["image_shape"])),
        str(row["num_classes"]),
        "/".join(map(str, row["images_per_class"])),
        *(_once(row[field]) for field in _SHOWN),
    )


def _once(values: list) -> str:
    words = [("no", "yes")[value] if isinstance(value, bool) else str(value) for value in values]
    return words[0] if len(set(words)) == 1 else "/".join(words)
