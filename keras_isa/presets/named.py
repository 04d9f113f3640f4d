"""The presets of the package by name."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeVar

from keras_isa.ops.counts import checked_counts, simplest
from keras_isa.presets.config import Config
from keras_isa.presets.preset_file import file_names, read_file
from keras_isa.presets.settings import Settings

C = TypeVar("C", bound=Config)

# The end of the name of a variant for CPUs.
CPU = "-cpu"


def preset_names(config: type[Config] = Settings) -> list[str]:
    """Returns the names of all presets of a method, with the variants for CPUs.

    Args:
        config: Settings of the method, by default FRePo's.

    Example:

    >>> from keras_isa.presets import preset_names
    >>> "digits" in preset_names(), "mnist-cpu" in preset_names()
    (True, True)
    """
    files = file_names(config)
    return sorted([*files, *(file + CPU for file in files if "cpu" in read_file(file, config))])


def read_preset(
    preset: str, images_per_class: int | Sequence[int], config: type[C] = Settings
) -> tuple[C, dict[str, Any]]:
    """Reads a preset.

    If a number of images per class has no table, the table with the nearest number by ratio counts.
    The tables of a variant for CPUs replace values of the published ones.

    Args:
        preset: One of `preset_names(config)`.
        images_per_class: Images per class, one number or one for each class, whose rounded mean
            then chooses the tables.
        config: Settings of the method, by default FRePo's.

    Returns:
        The settings, and what the file says about the data set: `image_shape`, `num_classes`,
        `pixel_range`, `train_size` (training images) and, where TensorFlow Datasets has it, `tfds`,
        its name there.

    Raises:
        ValueError: If there is no such preset, its file has an unknown key, or a number of images
            is not a positive integer.

    Example:

    >>> from keras_isa.presets import read_preset
    >>> settings, dataset = read_preset("digits", images_per_class=1)
    >>> dataset["image_shape"]
    [8, 8, 1]
    """
    names = preset_names(config)
    if preset not in names:
        raise ValueError(f"`preset` must be one of {', '.join(names)}. Received: preset={preset!r}")
    tables = read_file(preset.removesuffix(CPU), config)
    counts = checked_counts(images_per_class, tables["dataset"]["num_classes"])
    mean = round(sum(counts) / len(counts))
    layers = [tables["all"], _nearest(tables["ipc"], mean)]
    if preset.endswith(CPU):
        variant = tables["cpu"]
        layers += [variant["all"], _nearest(variant.get("ipc", {}), mean)]
    values: dict[str, Any] = {}
    for layer in layers:
        recipe = {**values.get("recipe", {}), **layer.get("recipe", {})}
        values = {**values, **layer, "recipe": recipe}
    return config.from_dict({**values, "images_per_class": simplest(counts)}), tables["dataset"]


def _nearest(tables: dict[str, dict], images_per_class: int) -> dict[str, Any]:
    if not tables:
        return {}
    return tables[min(tables, key=lambda size: abs(math.log(int(size) / images_per_class)))]
