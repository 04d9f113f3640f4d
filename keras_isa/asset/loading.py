"""Reading a distilled set from its file."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from keras.src.saving import saving_lib

from keras_isa.archive import open_archive, read_members
from keras_isa.asset.arrays import checked_values, stored_arrays
from keras_isa.asset.config import check_config
from keras_isa.asset.distilled_data import DistilledData
from keras_isa.asset.format import check_format_version
from keras_isa.asset.hub import is_address, local_file
from keras_isa.files import checked_path
from keras_isa.global_settings import standard_settings
from keras_isa.inputs.text import one_line
from keras_isa.memory import check_memory

_MEMBERS = ("metadata.json", "config.json", "model.weights.h5")
# Bytes; a set has a few thousand, and JSON takes up to 25 times its length in memory.
_LONGEST_CONFIG = 4 << 20


def load(path: str | os.PathLike) -> DistilledData:
    """Reads a distilled set.

    `keras.saving.load_model` reads the same file; this function checks first what it is and says so
    in one line. It reads the file once: the set is made of what was checked, whatever becomes of
    the file meanwhile. A file from a stranger can neither run code nor write files nor take more
    memory than a few times its size and 0.1 GB for its settings, and a damaged one is never taken
    for another set. Only a layer of your own as `preprocessing` is outside of that: its class does
    what you wrote.

    Args:
        path: A `.keras` file that `DistilledData.save` wrote, or the address of one on the Hugging
            Face Hub, `hf://USER/REPO/FILE.keras` or `hf://USER/REPO@REVISION/FILE.keras` (see
            `keras_isa.asset.hub.parse_address`). It is fetched by `huggingface_hub`, into its
            cache, and checked as any other file.

    Returns:
        The `DistilledData`.

    Raises:
        TypeError: If `path` is neither a string nor a path.
        ValueError: If there is no such file, it is damaged, of another kind or of a newer format,
            it cannot be fetched, or the memory does not suffice.
        ImportError: If `path` is an address, and `huggingface_hub` is not installed.

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
    if is_address(path):
        return _read(local_file(path), str(path))
    path = checked_path(path)
    if not path.is_file():
        raise ValueError(f"`path` must be a .keras file; there is none. Received: path={path}")
    if path.suffix != ".keras":  # another suffix is another format to Keras
        raise ValueError(f"`path` must end in .keras. Received: path={path}")
    return _read(path, str(path))


def _read(file: Path, path: str) -> DistilledData:
    """The set in a file, whose messages name the path that the caller knows."""
    with _naming(path):
        with open_archive(file) as archive:
            # The file, its arrays, and the variables that they become.
            check_memory(3 * archive.fp.seek(0, os.SEEK_END), "reading it", "free some")
            members = read_members(archive, _MEMBERS, "assets")
        if len(members["config.json"]) > _LONGEST_CONFIG:
            raise ValueError(f"its settings have more than {_LONGEST_CONFIG:,} bytes")
        config = json.loads(members["config.json"])
        if not isinstance(config, dict):
            raise ValueError("its settings are no dictionary")
        kind = config.get("registered_name") or config.get("class_name") or "unknown"
        version = (config.get("config") or {}).get("format_version")
    if kind != "keras_isa>DistilledData":
        raise ValueError(
            f"`path` must be a distilled set; this file holds a {one_line(kind)}. Received: "
            f"path={path}"
        )
    try:
        check_format_version(version)
    except ValueError as error:
        raise ValueError(f"`path` cannot be read: {error}. Received: path={path}") from None
    with _naming(path), standard_settings():
        arrays, of_user = _checked(config["config"], members)
        if of_user:
            del arrays
            return _made_by_keras(members)
        del members
        return _made_of(config["config"], arrays)


def _checked(config: Any, members: dict[str, bytes]) -> tuple[dict[str, np.ndarray], bool]:
    """The arrays of a distilled set by their paths, and whether its preprocessing is the user's.

    Settings and arrays that are not those of one distilled set are refused.
    """
    with stored_arrays(members["model.weights.h5"]) as arrays:
        found = {name: array.shape for name, array in arrays.items()}
        shapes, of_user = check_config(config, found)
        missing = sorted(set(shapes) - set(arrays))
        if missing:
            raise ValueError(f"the array {missing[0]!r} is missing")
        values = {name: checked_values(name, arrays[name], *shapes[name]) for name in shapes}
        # A layer of the user may have arrays and files of its own.
        others = sorted(set(arrays) - set(shapes))
        if any(not (of_user and name.startswith("preprocessing/")) for name in others):
            raise ValueError(f"it has an unexpected array {others[0]!r}")
        if len(members) > len(_MEMBERS) and not of_user:
            raise ValueError("it has files beside its settings and arrays")
    return values, of_user


def _made_of(config: dict, arrays: dict[str, np.ndarray]) -> DistilledData:
    """The set of checked settings and arrays, where all layers are ours."""
    distilled = DistilledData.from_config(config)
    layers = {"vars/": distilled, "preprocessing/vars/": distilled.preprocessing}
    for prefix, layer in layers.items():
        names = [name for name in arrays if name.startswith(prefix)]
        if names:
            layer.load_own_variables({name.removeprefix(prefix): arrays[name] for name in names})
    # Products and sums of finite numbers may be infinite.
    if not all(np.isfinite(array).all() for array in distilled.to_numpy()):
        raise ValueError("images that follow from its arrays are not finite")
    return distilled


def _made_by_keras(members: dict[str, bytes]) -> DistilledData:
    """The set of checked members, by Keras's loader: it knows how a user's layer is stored."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for name in list(members):
            file.writestr(name, members.pop(name))
    return saving_lib.load_model(archive, compile=False, safe_mode=True)


@contextmanager
def _naming(path: str) -> Iterator[None]:
    """Turns whatever goes wrong with a file into one line that names it."""
    try:
        yield
    except Exception as error:
        raise ValueError(
            "`path` must be a distilled set; this file is truncated, damaged or of another kind "
            f"and cannot be read ({one_line(error)}): download or save it again. "
            f"Received: path={path}"
        ) from error
