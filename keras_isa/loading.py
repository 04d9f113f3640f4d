"""Reading a distilled set from its file."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import keras

from keras_isa.files import checked_path
from keras_isa.layers.asset_format import check_format_version
from keras_isa.layers.distilled_data import DistilledData


def load(path: str | os.PathLike) -> DistilledData:
    """Reads a distilled set.

    `keras.saving.load_model` reads the same file; this function checks first what it is and says so
    in one line.

    Args:
        path: A `.keras` file that `DistilledData.save` wrote.

    Returns:
        The `DistilledData`.

    Raises:
        TypeError: If `path` is neither a string nor a path.
        ValueError: If there is no such file, it is damaged, of another kind or of a newer format.

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
    config = _read_config(path)
    if config.get("registered_name") != "keras_isa>DistilledData":
        kind = config.get("registered_name") or config.get("class_name") or "unknown"
        raise ValueError(
            f"`path` must be a distilled set; this file holds a {kind}. Received: path={path}"
        )
    inner = config.get("config")
    check_format_version(inner.get("format_version") if isinstance(inner, dict) else None)
    try:
        return keras.saving.load_model(path)
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(f"`path` cannot be read, {reason}. Received: path={path}") from error


def _read_config(path: Path) -> dict:
    try:
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))
    except Exception as error:
        raise ValueError(
            f"`path` must be a .keras file; this one is truncated, damaged or of another kind. "
            f"Received: path={path}"
        ) from error
    return config if isinstance(config, dict) else {}
