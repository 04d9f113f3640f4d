"""The record of a distilled set without what it says about the machine that made it."""

from __future__ import annotations

import copy
import shlex
from collections.abc import Mapping
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from keras_isa.asset.hub import is_address
from keras_isa.asset.started_from import STARTED_FROM

_TFDS = "tfds:"


def without_folders(record: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a record in which files and folders have only their names.

    Args:
        record: The `provenance` of a `keras_isa.DistilledData`.

    Example:

    >>> from keras_isa.asset.public_record import without_folders
    >>> without_folders({"dataset": "/home/jane/mnist.npz", "load_options": {"data_dir": "/data"}})
    {'dataset': 'mnist.npz', 'load_options': {}}
    """
    found = _cleaned(dict(record))
    if isinstance(found.get("dataset"), str):
        found["dataset"] = _data_name(found["dataset"])
    if isinstance(found.get("load_options"), dict):
        found["load_options"].pop("data_dir", None)
    if isinstance(found.get("command"), str):
        found["command"] = _without_places(found["command"])
    if isinstance(found.get(STARTED_FROM), dict):
        found[STARTED_FROM] = without_folders(found[STARTED_FROM])
    return found


def _without_places(command: str) -> str:
    """A command whose paths are only names; one that is no command of a shell is left out."""
    try:
        words = shlex.split(command)
    except ValueError:
        return ""
    return shlex.join(
        _last(word) if ("/" in word and not is_address(word)) or _is_elsewhere(word) else word
        for word in words
    )


def _cleaned(value: Any) -> Any:
    if isinstance(value, dict):
        # Names of classes may look like paths.
        return {
            name: copy.deepcopy(part) if name == "classes" else _cleaned(part)
            for name, part in value.items()
        }
    if isinstance(value, list | tuple):
        return [_cleaned(part) for part in value]
    return _last(value) if isinstance(value, str) and _is_elsewhere(value) else value


def _data_name(source: str) -> str:
    """The name of a data set: `tfds:NAME` as it is, of a path the last part."""
    if source.startswith(_TFDS):
        name = source.removeprefix(_TFDS)
        return _TFDS + (_last(name) if _is_elsewhere(name) else name)
    return _last(source)


def _is_elsewhere(text: str) -> bool:
    """Whether a text is a path that says where it lies on a machine."""
    absolute = PurePosixPath(text).is_absolute() or PureWindowsPath(text).is_absolute()
    return absolute or text.startswith("~")


def _last(text: str) -> str:
    # This takes both kinds of slashes.
    return PureWindowsPath(text).name or "unnamed"
