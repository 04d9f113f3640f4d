"""Reading and checking the files of presets, one per method and data set."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Any

from keras_isa.inputs.checks import check_keys
from keras_isa.presets.config import Config
from keras_isa.presets.recipe import Recipe
from keras_isa.presets.settings import Settings

_TABLES = ("dataset", "all", "ipc")
_DATASET = ("image_shape", "num_classes")
_ABOUT = ("pixel_range", "train_size", "tfds")
_RECIPE = tuple(field.name for field in dataclasses.fields(Recipe))


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
    _check_settings(tables["all"], f"{file} [all]", config)
    _check_sizes(tables["ipc"], file, "ipc", config)
    if "cpu" in tables:
        _check(tables["cpu"], f"{file} [cpu]", needed=("all",), known=("ipc",))
        _check_settings(tables["cpu"]["all"], f"{file} [cpu.all]", config)
        if "ipc" in tables["cpu"]:
            _check_sizes(tables["cpu"]["ipc"], file, "cpu.ipc", config)
    return tables


def _folder(config: type[Config]) -> Any:
    return resources.files("keras_isa.presets").joinpath(config.method or "none")


def _check_sizes(tables: Any, file: str, where: str, config: type[Config]) -> None:
    _check_is_table(tables, f"{file} [{where}]")
    for size, values in tables.items():
        if not (size.isascii() and size.isdecimal() and int(size) > 0):
            raise ValueError(
                f"`{file}` must have tables [{where}.N] with N images per class. "
                f"Received: [{where}.{size}]"
            )
        _check_settings(values, f"{file} [{where}.{size}]", config)
    if not tables:
        raise ValueError(f"`{file}` must have a table [{where}.N]. Received: none")


def _check_settings(values: Any, where: str, config: type[Config]) -> None:
    # Images per class come from the request, never from a file.
    known = [field.name for field in dataclasses.fields(config) if field.name != "images_per_class"]
    _check(values, where, known=known)
    _check(values.get("recipe", {}), f"{where} recipe", known=_RECIPE)


def _check(
    table: Any, where: str, *, needed: Iterable[str] = (), known: Iterable[str] = ()
) -> None:
    _check_is_table(table, where)
    check_keys(table, (*needed, *known), where)
    missing = [key for key in needed if key not in table]
    if missing:
        raise ValueError(f"`{where}` must have {', '.join(needed)}. Missing: {', '.join(missing)}")


def _check_is_table(table: Any, where: str) -> None:
    if not isinstance(table, Mapping):
        raise ValueError(f"`{where}` must be a table. Received: {table!r}")
