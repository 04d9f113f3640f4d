"""The folder in which TensorFlow Datasets has prepared a set."""

from __future__ import annotations

import os
import re
from pathlib import Path

from keras_isa.datasets.downloads.layouts import LAYOUTS
from keras_isa.datasets.options import Options

PREFIX = "tfds:"

_SOURCE = re.compile(r"tfds:(?P<name>\w+)(/(?P<config>[^/:]+))?(:(?P<version>\d+\.\d+\.\d+))?")
_VERSION = re.compile(r"\d+\.\d+\.\d+")


def prepared_folder(source: str, options: Options) -> Path:
    """Returns the folder of a prepared set, which TFDS downloads first if `options` allow it.

    Args:
        source: "tfds:NAME", optionally with "/CONFIG" and ":VERSION".
        options: `data_dir` and `download` are used.

    Raises:
        ValueError: If the name has another form, or the set is missing.
    """
    match = _SOURCE.fullmatch(source)
    if not match:
        raise ValueError(
            f"`source` must be tfds:NAME, tfds:NAME/CONFIG or either with :VERSION. Received: "
            f"{source!r}"
        )
    root = options.data_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"
    root = Path(root).expanduser().absolute()
    folder = _prepared(root, source, **match.groupdict())
    if folder is None and options.download:
        _download(root, source, match["name"])
        folder = _prepared(root, source, **match.groupdict())
    if folder is None:
        raise ValueError(
            f"`source` must be a set that is prepared in {root} (data_dir, or TFDS_DATA_DIR). "
            "Download it with download=True (--download), or prepare your own copy with "
            f"`keras-isa prepare {match['name']} FOLDER --format tfds --output {root}`. Received: "
            f"{source!r}, which is not there"
        )
    return folder


def _prepared(
    root: Path, source: str, name: str, config: str | None, version: str | None
) -> Path | None:
    """Returns the folder of the given version, or of the newest one, or `None`."""
    folder = root / name / (config or "")
    found = _versions(folder)
    if not found and config is None:
        configs = {path.name: _versions(path) for path in sorted(folder.glob("*"))}
        configs = {name: versions for name, versions in configs.items() if versions}
        if len(configs) > 1:
            raise ValueError(
                f"`source` must name one of the configurations {', '.join(configs)}, as in "
                f"tfds:{name}/{min(configs)}. Received: {source!r}"
            )
        found = next(iter(configs.values()), {})
    if version is not None:
        return found.get(version)
    newest = max(found, key=lambda one: [int(number) for number in one.split(".")], default=None)
    return found.get(newest)


def _versions(folder: Path) -> dict[str, Path]:
    """Returns the prepared versions in a folder, by their numbers."""
    found = {path.parent.name: path.parent for path in folder.glob("*/dataset_info.json")}
    return {name: found[name] for name in found if _VERSION.fullmatch(name)}


def _download(root: Path, source: str, name: str) -> None:
    import tensorflow_datasets as tfds

    if name in LAYOUTS:
        raise ValueError(
            f"`source` must be prepared from {LAYOUTS[name].archive}, which TFDS cannot download: "
            f"`keras-isa prepare {name} FOLDER --format tfds --output {root}`. Received: {source!r}"
        )
    try:
        builder = tfds.builder(source.removeprefix(PREFIX), data_dir=root)
        builder.download_and_prepare()
    except Exception as error:  # wrong names, servers and files raise errors of many types
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(
            f"`source` must be a set that TFDS can prepare in {root} ({reason[:300]}). Received: "
            f"{source!r}"
        ) from error
