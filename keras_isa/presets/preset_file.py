"""The presets of the package by name, and their files, one per method and data set."""

from __future__ import annotations

import dataclasses
import math
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from typing import Any, TypeVar

from keras_isa.asset.recipe import Recipe, changed_recipe
from keras_isa.inputs.checks import check_keys
from keras_isa.ops.counts import checked_counts, simplest
from keras_isa.presets.config import Config
from keras_isa.presets.settings import Settings

C = TypeVar("C", bound=Config)

# The end of the name of a variant for CPUs.
CPU = "-cpu"
_TABLES = ("dataset", "all", "ipc")
_DATASET = ("image_shape", "num_classes")
_ABOUT = ("pixel_range", "train_size", "tfds")
_RECIPE = tuple(field.name for field in dataclasses.fields(Recipe))


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
        recipe = changed_recipe(values.get("recipe", {}), layer.get("recipe", {}))
        values = {**values, **layer, "recipe": recipe}
    return config.from_dict({**values, "images_per_class": simplest(counts)}), tables["dataset"]


def file_names(config: type[Config] = Settings) -> list[str]:
    """Returns the names of the data sets that have a file.

    Args:
        config: Settings of the method.
    """
    folder = _folder(config)
    files = folder.iterdir() if folder.is_dir() else ()
    return sorted(file.name[:-5] for file in files if file.name.endswith(".toml"))


def read_file(name: str, config: type[Config] = Settings) -> dict[str, Any]:
    """Reads and checks the file of a data set.

    Its tables are `[dataset]`, `[all]` and `[ipc.N]`, and for a variant for CPUs `[cpu.all]` and
    `[cpu.ipc.N]`. `any_hardware = true` above them says that CPUs take the settings as they are.

    Args:
        name: One of `file_names(config)`.
        config: Settings of the method.

    Returns:
        The tables.

    Raises:
        ValueError: If a table or key is missing or unknown; the message names file, table and key.

    Example:

    >>> from keras_isa.presets.preset_file import read_file
    >>> sorted(read_file("digits"))
    ['all', 'any_hardware', 'dataset', 'ipc']
    """
    tables = tomllib.loads(_folder(config).joinpath(f"{name}.toml").read_text("utf-8"))
    file = f"{name}.toml"
    _check(tables, file, needed=_TABLES, known=("cpu", "any_hardware"))
    _check(tables["dataset"], f"{file} [dataset]", needed=_DATASET, known=_ABOUT)
    _check_settings(tables, file, "", config)
    if "cpu" in tables:
        _check(tables["cpu"], f"{file} [cpu]", needed=("all",), known=("ipc",))
        _check_settings(tables["cpu"], file, "cpu.", config)
    return tables


def _nearest(tables: dict[str, dict], images_per_class: int) -> dict[str, Any]:
    if not tables:
        return {}
    return tables[min(tables, key=lambda size: abs(math.log(int(size) / images_per_class)))]


def _folder(config: type[Config]) -> Any:
    return resources.files("keras_isa.presets").joinpath(config.method or "none")


def _check_settings(tables: Any, file: str, prefix: str, config: type[Config]) -> None:
    """Checks `[all]` and the tables `[ipc.N]`, or those of the variant for CPUs."""
    groups = {"all": tables["all"]}
    if "ipc" in tables:
        where = f"{prefix}ipc"
        _check(tables["ipc"], f"{file} [{where}]", known=tables["ipc"])
        for size, values in tables["ipc"].items():
            if not (size.isascii() and size.isdecimal() and int(size) > 0):
                raise ValueError(
                    f"`{file}` must have tables [{where}.N] with N images per class. "
                    f"Received: [{where}.{size}]"
                )
            groups[f"ipc.{size}"] = values
        if len(groups) == 1:
            raise ValueError(f"`{file}` must have a table [{where}.N]. Received: none")
    # Images per class come from the request, never from a file.
    known = [field.name for field in dataclasses.fields(config) if field.name != "images_per_class"]
    for name, values in groups.items():
        place = f"{file} [{prefix}{name}]"
        _check(values, place, known=known)
        _check(values.get("recipe", {}), f"{place} recipe", known=_RECIPE)


def _check(
    table: Any, where: str, *, needed: Iterable[str] = (), known: Iterable[str] = ()
) -> None:
    if not isinstance(table, Mapping):
        raise ValueError(f"`{where}` must be a table. Received: {table!r}")
    check_keys(table, (*needed, *known), where)
    missing = [key for key in needed if key not in table]
    if missing:
        raise ValueError(f"`{where}` must have {', '.join(needed)}. Missing: {', '.join(missing)}")
