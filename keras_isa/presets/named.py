"""Presets that ship with the package: one TOML file per data set."""

from __future__ import annotations

import math
import tomllib
from importlib import resources
from typing import Any

from keras_isa.presets.settings import Settings


def preset_names() -> list[str]:
    """Names of all presets.

    Example:

    >>> from keras_isa.presets import preset_names
    >>> "digits" in preset_names()
    True
    """
    files = resources.files("keras_isa.presets").iterdir()
    return sorted(file.name[:-5] for file in files if file.name.endswith(".toml"))


def read_preset(name: str, images_per_class: int) -> tuple[Settings, dict[str, Any]]:
    """Reads a preset.

    A preset has a table `[dataset]` with `image_shape` and `num_classes`, a table `[all]`, and
    tables `[ipc.N]`; for another number of images per class the nearest table, by ratio, applies.

    Args:
        name: One of `preset_names()`.
        images_per_class: Images per class.

    Returns:
        The settings, and the data set's `image_shape` and `num_classes`.

    Raises:
        ValueError: If there is no such preset or it has an unknown key.

    Example:

    >>> from keras_isa.presets import read_preset
    >>> settings, dataset = read_preset("digits", images_per_class=1)
    >>> dataset["image_shape"]
    [8, 8, 1]
    """
    if name not in preset_names():
        raise ValueError(
            f"`preset` must be one of {', '.join(preset_names())}. Received: preset={name!r}"
        )
    if (
        isinstance(images_per_class, bool)
        or not isinstance(images_per_class, int)
        or images_per_class < 1
    ):
        raise ValueError(
            "`images_per_class` must be a positive integer. "
            f"Received: images_per_class={images_per_class!r}"
        )
    text = resources.files("keras_isa.presets").joinpath(f"{name}.toml").read_text("utf-8")
    table = tomllib.loads(text)
    sizes = {int(size): values for size, values in table["ipc"].items()}
    nearest = min(sizes, key=lambda size: abs(math.log(size / images_per_class)))
    values = _merged(table["all"], sizes[nearest])
    return Settings.from_dict({**values, "images_per_class": images_per_class}), table["dataset"]


def _merged(base: dict, changes: dict) -> dict:
    merged = {**base, **changes}
    if "recipe" in base:
        merged["recipe"] = {**base["recipe"], **changes.get("recipe", {})}
    return merged
