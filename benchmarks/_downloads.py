"""Samples of downloads as fuzz_files.py reads and damages them."""

from __future__ import annotations

import functools
import importlib.util
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import _download_attacks

FOLDER = Path(__file__).resolve().parents[1] / "tests/datasets/downloads"


@functools.cache
def samples() -> dict[str, Any]:
    """All samples by name: those that say what is under a checksum, and plain functions."""
    found = dict(_module("samples").SAMPLES)
    make = _module("samples").Sample
    for name, write in _module("format_samples").SAMPLES.items():
        found[name] = make(functools.partial(_into_folder, write), download="")
    return found


def _module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"download_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # which its dataclass looks itself up in
    spec.loader.exec_module(module)
    return module


def _into_folder(write: Callable[[Path], Any], folder: Path) -> Path:
    made = folder / "set"
    made.mkdir()
    write(made)
    return made


class Subject:
    """A good sample, and what comes of reading a damaged copy of it."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.sample = samples()[kind]
        self.checked = self.sample.checked
        self.attacks = _download_attacks.of(kind)
        with tempfile.TemporaryDirectory() as folder:
            path = self.sample.write(Path(folder))
            self.place = path.name
            files = [path] if path.is_file() else sorted(filter(Path.is_file, path.rglob("*")))
            self.files = {
                "" if path.is_file() else file.relative_to(path).as_posix(): file.read_bytes()
                for file in files
            }
            self.arrays = self.load(path)

    def write(self, folder: Path) -> Path:
        """Writes the good files."""
        path = folder / self.place
        for name, content in self.files.items():
            file = path / name if name else path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        return path

    def load(self, path: Path) -> list[Any]:
        """Everything that is read from a sample."""
        from keras_isa.datasets.downloads.registry import open_by_name
        from keras_isa.datasets.options import Options

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with open_by_name(self.sample.download, path, Options(key=self.sample.key)) as opened:
                if opened is None:
                    raise ValueError(f"`source` must be a download. Received: {path}")
                parts = opened[0].to_datasets()
        return [(part.x, part.y, part.class_names) for part in parts]

    def helps(self, error: Exception, path: Path) -> bool:
        """Whether an error says what is at fault."""
        return str(error).startswith("`")
