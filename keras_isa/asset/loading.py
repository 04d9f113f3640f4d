"""Reading a distilled set from its file."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras

from keras_isa.asset.archive import check_members, open_archive
from keras_isa.asset.arrays import check_values, stored_arrays
from keras_isa.asset.config import check_config
from keras_isa.asset.distilled_data import DistilledData
from keras_isa.asset.format import check_format_version
from keras_isa.files import checked_path
from keras_isa.global_settings import standard_settings
from keras_isa.inputs.text import one_line
from keras_isa.memory import check_memory

_MEMBERS = ("metadata.json", "config.json", "model.weights.h5")
# JSON takes up to 25 times its length in memory; this is far more than a set has to say.
_LONGEST_CONFIG = 4 << 20


def load(path: str | os.PathLike) -> DistilledData:
    """Reads a distilled set.

    `keras.saving.load_model` reads the same file; this function checks first what it is and says so
    in one line. A file from a stranger can neither run code nor write files nor take more memory
    than a few times its size and 0.1 GB for its settings, and a damaged one is never taken for
    another set. Only a layer of your own as `preprocessing` is outside of that: its class does what
    you wrote.

    Args:
        path: A `.keras` file that `DistilledData.save` wrote.

    Returns:
        The `DistilledData`.

    Raises:
        TypeError: If `path` is neither a string nor a path.
        ValueError: If there is no such file, it is damaged, of another kind or of a newer format,
            or the memory does not suffice.

    Example:

    >>> import tempfile, pathlib
    >>> import numpy as np
    >>> import keras_isa
    >>> x = np.zeros((2, 4, 4, 1), "float32")
    >>> distilled = keras_isa.DistilledData.from_samples(x, np.array([0, 1]), 1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "set.keras"
    ...     distilled.save(path)
    ...     keras_isa.load(path).class_names
    ('0', '1')
    """
    path = checked_path(path)
    if not path.is_file():
        raise ValueError(f"`path` must be a .keras file; there is none. Received: path={path}")
    if path.suffix != ".keras":  # another suffix is another format to Keras
        raise ValueError(f"`path` must end in .keras. Received: path={path}")
    with _naming(path):
        # The file, its arrays, and the variables that they become.
        check_memory(3 * path.stat().st_size, "reading it", "free some")
        config, weights, assets = _read(path)
    kind = config.get("registered_name")
    if kind != "keras_isa>DistilledData":
        kind = one_line(kind or config.get("class_name") or "unknown")
        raise ValueError(
            f"`path` must be a distilled set; this file holds a {kind}. Received: path={path}"
        )
    inner = config.get("config")
    try:
        check_format_version(inner.get("format_version") if isinstance(inner, dict) else None)
    except ValueError as error:
        raise ValueError(f"`path` cannot be read: {error}. Received: path={path}") from None
    with _naming(path):
        _check(inner, weights, assets)
        del weights
        with standard_settings():
            return keras.saving.load_model(path, compile=False, safe_mode=True)


def _read(path: Path) -> tuple[dict, bytes, bool]:
    """Settings and weights of the file, and whether it has anything else."""
    with open_archive(path) as archive:
        check_members(archive, _MEMBERS, "assets")
        if archive.getinfo("config.json").file_size > _LONGEST_CONFIG:
            raise ValueError(f"its settings have more than {_LONGEST_CONFIG:,} bytes")
        config = json.loads(archive.read("config.json"))
        weights = archive.read("model.weights.h5")
        assets = len(archive.namelist()) > len(_MEMBERS)
    return config if isinstance(config, dict) else {}, weights, assets


def _check(config: Any, weights: bytes, assets: bool) -> None:
    """Refuses settings and arrays that are not those of one distilled set."""
    with stored_arrays(weights) as arrays:
        found = {name: array.shape for name, array in arrays.items()}
        shapes, users = check_config(config, found)
        for name, shape in shapes.items():
            if name not in arrays:
                raise ValueError(f"the array {name!r} is missing")
            check_values(name, arrays[name], shape)
        # A layer of the user may have arrays and files of its own.
        others = sorted(set(arrays) - set(shapes))
        if any(not (users and name.startswith("preprocessing/")) for name in others):
            raise ValueError(f"it has an unexpected array {others[0]!r}")
        if assets and not users:
            raise ValueError("it has files beside its settings and arrays")


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Turns whatever goes wrong with a file into one line that names it."""
    try:
        yield
    except Exception as error:
        raise ValueError(
            "`path` must be a distilled set; this file is truncated, damaged or of another kind "
            f"and cannot be read ({one_line(error)}): download or save it again. "
            f"Received: path={path}"
        ) from error
