"""Files of published sets for fuzz_files.py: small good ones, and files made to do harm."""

from __future__ import annotations

import builtins
import io
import os
import pickle
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

_SHAPE, _CLASSES, _ROWS = (8, 8, 3), 3, 6
Attack = Callable[[Path, Path], None]


class _Trap:
    """Opens a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = os.fspath(marker)

    def __reduce__(self) -> tuple:
        return builtins.open, (self.marker, "w")


def arrays() -> tuple[np.ndarray, np.ndarray]:
    """Images in a standardised space and the labels of a set."""
    rng = np.random.default_rng(0)
    classes = np.repeat(np.arange(_CLASSES), _ROWS // _CLASSES)
    images = rng.normal(0, 1, (_ROWS, *_SHAPE)).astype("float32") + classes[:, None, None, None]
    return images, np.eye(_CLASSES, dtype="float32")[classes]


def data() -> Any:
    """Training data that the set is imported for."""
    from keras_isa.datasets.dataset import Dataset

    rng = np.random.default_rng(1)
    y = np.tile(np.arange(_CLASSES), 20)
    x = rng.integers(0, 200, (len(y), *_SHAPE)) + 20 * y[:, None, None, None]
    return Dataset.from_arrays(x.astype("uint8"), y)


def _flax(path: Path) -> None:
    import msgpack

    def packed(array: np.ndarray) -> Any:
        content = msgpack.packb((array.shape, array.dtype.name, array.tobytes()))
        return msgpack.ExtType(1, content)

    images, labels = arrays()
    group = {"x_proto": packed(images), "y_proto": packed(labels)}
    path.write_bytes(msgpack.packb({"params": group, "step": 7}))


def _tensors(path: Path) -> None:
    import torch

    images, labels = map(torch.tensor, arrays())
    torch.save({"data": [[images.movedim(-1, 1), labels.argmax(dim=1)]]}, path)


def _pairs(path: Path) -> None:
    images, labels = arrays()
    np.savez(path, images=images, labels=labels)


# By the name of the format, how a good file is written, and its suffix.
GOOD = {"frepo": (_flax, ".msgpack"), "dc": (_tensors, ".pt"), "rfad": (_pairs, ".npz")}


def _flax_bomb(path: Path, marker: Path) -> None:
    import msgpack

    path.write_bytes(msgpack.packb({"params": [[[] for _ in range(3000)] for _ in range(3000)]}))


def _flax_size(path: Path, marker: Path) -> None:
    import msgpack

    huge = msgpack.ExtType(1, msgpack.packb(((10**6, 10**6), "float32", b"")))
    path.write_bytes(msgpack.packb({"params": {"x_proto": huge, "y_proto": huge}}))


def _flax_depth(path: Path, marker: Path) -> None:
    path.write_bytes(b"\x91" * 100_000)


def _pickled(path: Path, marker: Path) -> None:
    path.write_bytes(pickle.dumps(_Trap(marker), protocol=2))


def _saved(path: Path, marker: Path) -> None:
    import torch

    torch.save({"data": [_Trap(marker)]}, path)


def _objects(path: Path, marker: Path) -> None:
    images, labels = arrays()
    holder = np.empty(1, dtype=object)
    holder[0] = _Trap(marker)
    file = io.BytesIO()
    np.savez(file, images=images, labels=holder)
    path.write_bytes(file.getvalue())


ATTACKS: dict[str, dict[str, Attack]] = {
    "frepo": {"many lists": _flax_bomb, "a huge array": _flax_size, "lists in lists": _flax_depth},
    "dc": {"a pickle": _pickled, "an object": _saved},
    "rfad": {"objects": _objects, "a pickle": _pickled},
}


class Subject:
    """A good file of a format, and what comes of reading a damaged copy of it."""

    checked = False  # pixels have no checksum in most of these formats

    def __init__(self, kind: str) -> None:
        self.kind, self.data = kind, data()
        self.attacks = ATTACKS[kind]
        write, self._suffix = GOOD[kind]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"good{self._suffix}"
            write(path)
            self.files = {"": path.read_bytes()}
            self.arrays = self.load(path)

    def load(self, path: Path) -> list[Any]:
        """Everything that is read from a file."""
        from keras_isa.asset import import_set

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            distilled = import_set(path, self.kind, self.data, space="standardize")
        return [*distilled.to_numpy("model"), distilled.recipe]

    def write(self, folder: Path) -> Path:
        """Writes the good file."""
        path = folder / f"set{self._suffix}"
        path.write_bytes(self.files[""])
        return path

    def helps(self, error: Exception, path: Path) -> bool:
        """Whether an error says which file is at fault."""
        return isinstance(error, ValueError) and str(path) in str(error)
