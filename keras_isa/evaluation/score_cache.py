"""Scores of real images that an evaluation keeps for later ones."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import platform
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_isa import backend
from keras_isa.asset.recipe import Recipe
from keras_isa.backend.file_cache import FileCache, user_folder
from keras_isa.evaluation.inference import inference_batches
from keras_isa.inputs.arrays import StoredImages, to_numpy
from keras_isa.versions import package_version

# An entry of five networks takes about 250 bytes.
_MOST_BYTES = 2**20
# More bytes of images than this are not read for a key.
_MOST_HASHED = 2**29
# Variables of the environment by which frameworks and their libraries compute in another way.
_PREFIXES = (
    "BLIS CUBLAS CUDA CUDNN DNNL GOMP HIP JAX KERAS KMP LIBTPU MKL NVIDIA OMP ONEDNN OPENBLAS "
    "PYTORCH ROCM TF_ TORCH TPU VECLIB XLA"
).split()
_PACKAGE = Path(__file__).parents[1]
# A file that was changed after this is not what this process has imported.
_IMPORTED = time.time()

_root: Path | None = None


def keep_scores(root: str | os.PathLike | None = None) -> None:
    """Keeps the scores of random and k-means images for later evaluations, also of this process.

    An evaluation on the same data then trains networks on the distilled set only. The scores are
    those of a new training to the last bit where the backend computes the same bits every time, as
    on a CPU. They are found by all that they depend on: images, labels, test images, recipe,
    `repeats`, `seed`, regression, versions, settings, the kind of processor and device, and the
    source of this library. Scores of networks that a function of the user builds are not kept, and
    neither are those of a set or test images of more than half a gigabyte. An entry that is damaged
    is not used. A folder that cannot be written to, or that other users can write to, keeps
    nothing. The command line does this by itself.

    Args:
        root: Folder of all caches; by default `keras_isa` in the user's folder of caches.

    Example:

    >>> import keras_isa
    >>> keras_isa.evaluation.keep_scores()  # doctest: +SKIP
    """
    global _root
    _root = Path(root or user_folder())


class ScoreCache:
    """The kept scores of one evaluation; without `keep_scores` there are none.

    Args:
        x: Test images `(N, H, W, C)` in pixel units.
        y: Their classes `(N,)`.
        preprocess: Takes pixels to model space.
        recipe: How the networks are trained.
        network: The function of the user that builds the networks, or `None`.
        numbers: `repeats`, and by name all else that the scores depend on.
    """

    def __init__(
        self,
        x: Any,
        y: np.ndarray,
        preprocess: Callable,
        recipe: Recipe,
        network: Callable | None,
        numbers: Mapping[str, Any],
    ) -> None:
        self._files, self._repeats = None, numbers["repeats"]
        # A class of the user's own may build other networks than its fields say.
        known = network is None and type(recipe) is Recipe
        alone = keras.distribution.distribution() is None
        if _root is None or not (known and alone) or not _is_small(x):
            return
        source = _digest_of_source()
        if source is None:
            return
        self._files = FileCache(_root, ["scores"], suffix=".scores", most_bytes=_MOST_BYTES)
        self._common = hashlib.sha256()
        _add_text(self._common, [source, _computer(), dataclasses.asdict(recipe), dict(numbers)])
        for _, images in inference_batches(x, preprocess):
            _add_array(self._common, to_numpy(images))
        _add_array(self._common, y)

    def key(self, *parts: np.ndarray | StoredImages | str) -> str | None:
        """Returns the key of a set's scores, `None` if they are not kept.

        Args:
            *parts: All that the scores follow from beside what the cache was made with: the images
                of the set, in model space, and its labels.
        """
        arrays = [part for part in parts if not isinstance(part, str)]
        if self._files is None or not all(map(_is_small, arrays)):
            return None
        digest = self._common.copy()
        for part in parts:
            if isinstance(part, str):
                _add_text(digest, part)
            else:
                _add_array(digest, np.asarray(part))
        return digest.hexdigest()

    def get(self, key: str | None) -> tuple[tuple[float, ...], ...] | None:
        """Returns the accuracies that were put under a key, or `None`.

        Args:
            key: What `key` gave.
        """
        content = None if key is None else self._files.get(key)
        if content is None:
            return None
        try:
            values = json.loads(content)
        except (ValueError, RecursionError):
            return None
        if not isinstance(values, list) or not 2 <= len(values) <= 3:
            return None
        return tuple(map(tuple, values)) if all(map(self._fits, values)) else None

    def put(self, key: str | None, *accuracies: tuple[float, ...]) -> None:
        """Keeps scores, if they can be kept.

        Args:
            key: What `key` gave.
            *accuracies: Those of the networks, those of the regression, and the top-5 ones, which
                may be empty.
        """
        if key is not None:
            kinds = [kind for kind in accuracies if kind]
            self._files.put(key, json.dumps(kinds).encode())

    def _fits(self, values: Any) -> bool:
        if not isinstance(values, list) or len(values) != self._repeats:
            return False
        return all(type(value) is float and 0 <= value <= 1 for value in values)


def _is_small(images: Any) -> bool:
    return 4 * images.size <= _MOST_HASHED  # in model space they are float32


def _add_array(digest: Any, array: np.ndarray) -> None:
    _add_text(digest, [array.dtype.str, array.shape])
    digest.update(np.ascontiguousarray(array).data)


def _add_text(digest: Any, values: Any) -> None:
    text = json.dumps(values, sort_keys=True, default=repr).encode()
    digest.update(f"{len(text)} ".encode() + text)


def _computer() -> dict[str, Any]:
    """What computes, and how; the cache itself is one for each kind of processor."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(tuple(_PREFIXES)) and "CACHE" not in name
    }
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else ()
    versions = platform.python_version(), package_version(), keras.__version__, np.__version__
    return {
        "versions": versions,
        "backend": keras.backend.backend(),
        "device": backend.device_name(),
        "cores": [os.cpu_count(), len(cores)],
        "settings": backend.current().numeric_settings(),
        "keras": [keras.config.dtype_policy().name, keras.config.epsilon()],
        "environment": environment,
    }


def _digest_of_source() -> str | None:
    """Returns a digest of this library's files, `None` if they are not those that run here."""
    digest, files = hashlib.sha256(), sorted(_PACKAGE.rglob("*.py"))
    try:
        for path in files:
            if path.stat().st_mtime > _IMPORTED:
                return None
            _add_text(digest, [path.relative_to(_PACKAGE).as_posix()])
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    except OSError:
        return None
    return digest.hexdigest() if files else None
