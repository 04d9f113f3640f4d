"""Trajectories of networks trained on real data, and the segments that a step takes of them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from keras_isa.files import atomic_path, checked_path, make_folder
from keras_isa.training.device_data import CountedBatches
from keras_isa.training.run_state import differences

_ABOUT = "experts.json"
_FORMAT = 1
_MOST_TEXT = 2**20  # bytes of the description


class ExpertBuffer:
    """Weights of experts, networks that were trained on real data, after each of their epochs.

    In a folder each expert is a file `expert_00000.npy`, `(epochs + 1, weights)` float32, whose
    first row is the network before training; `experts.json` describes them. Files are read where a
    segment is wanted, and are never in memory as a whole.

    Args:
        folder: Where the trajectories are, or are to be; `None` for memory.
        about: Describes the experts: JSON-compatible, with `shapes`, those of the weights of a
            network, and `epochs`. `None` for those that the folder holds.

    Raises:
        TypeError: If `folder` is no path.
        ValueError: If the folder holds no experts, or others than `about` says, or is damaged.

    Example:

    >>> import numpy as np
    >>> from keras_isa.training.expert_buffer import ExpertBuffer
    >>> buffer = ExpertBuffer(None, {"shapes": [[2, 3], [3]], "epochs": 4})
    >>> buffer.add(np.zeros((5, 9), "float32"))
    >>> len(buffer), [len(part) for part in buffer.segment(0, start=1, span=2)]
    (1, [9, 9])
    """

    def __init__(
        self, folder: str | os.PathLike | None, about: Mapping[str, Any] | None = None
    ) -> None:
        self.folder = None if folder is None else checked_path(folder, "experts")
        self._memory: list[np.ndarray] = []
        if about is not None:
            self.about = json.loads(json.dumps(about))
            if self.folder is not None:
                self._begin()
        elif self.folder is None:
            raise ValueError("`folder` must be given for experts that exist. Received: None")
        else:
            self.about = _read_about(self.folder)
        self.size = sum(int(np.prod(shape)) for shape in self.about["shapes"])
        self.epochs = int(self.about["epochs"])
        self._count = self._counted()

    def __len__(self) -> int:
        """Number of experts."""
        return self._count

    def add(self, trajectory: np.ndarray) -> None:
        """Stores one more expert.

        Args:
            trajectory: Its weights, `(epochs + 1, weights)`.
        """
        trajectory = np.ascontiguousarray(trajectory, "float32")
        expected = self.epochs + 1, self.size
        if trajectory.shape != expected:
            raise ValueError(
                f"`trajectory` must be of shape {expected}. Received shape: {trajectory.shape}"
            )
        if self.folder is None:
            self._memory.append(trajectory)
        else:
            with atomic_path(self._file(self._count)) as path, open(path, "wb") as file:
                np.save(file, trajectory)
        self._count += 1

    def segment(self, expert: int, start: int, span: int) -> tuple[np.ndarray, np.ndarray]:
        """Weights of an expert after `start` epochs and after `span` more, `(weights,)` each.

        Args:
            expert: Number of the expert.
            start: Epochs.
            span: Epochs.

        Raises:
            ValueError: If its file is damaged.
        """
        rows = self._rows(expert)
        return np.array(rows[start]), np.array(rows[start + span])

    def _rows(self, expert: int) -> np.ndarray:
        if self.folder is None:
            return self._memory[expert]
        path = self._file(expert)
        try:
            rows = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise ValueError(
                f"`experts` must hold whole files; {path.name} is damaged ({error}): remove it, "
                "and it is made again."
            ) from error
        if rows.shape != (self.epochs + 1, self.size) or rows.dtype != np.float32:
            raise ValueError(
                f"`experts` must hold float32 arrays of shape {(self.epochs + 1, self.size)}; "
                f"{path.name} has {rows.dtype} of shape {rows.shape}."
            )
        return rows

    def _file(self, expert: int) -> Path:
        return self.folder / f"expert_{expert:05d}.npy"

    def _counted(self) -> int:
        count = 0
        while self.folder is not None and self._file(count).is_file():
            self._rows(count)
            count += 1
        return count

    def _begin(self) -> None:
        make_folder(self.folder, "experts")
        path = self.folder / _ABOUT
        if path.exists():
            stored = _read_about(self.folder)
            stored.pop("format")
            differ = [
                f"{name} ({old}, not {new})" for name, old, new in differences(stored, self.about)
            ]
            if differ:
                raise ValueError(
                    f"`experts` must be a folder of the same experts; those of {path} differ in "
                    f"{', '.join(differ)}. Choose a new folder, or make these the same."
                )
            return
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps({"format": _FORMAT, **self.about}, indent=1))


def _read_about(folder: Path) -> dict[str, Any]:
    path = folder / _ABOUT
    try:
        if path.stat().st_size > _MOST_TEXT:
            raise ValueError("it is too long")
        about = json.loads(path.read_text(encoding="utf-8"))
        shapes, epochs = about["shapes"], about["epochs"]
        whole = [side for shape in shapes for side in shape] + [epochs]
        space = about.get("space", [0.0, 1.0])
        if len(space) != 2 or not all(type(one) in (int, float) for one in space):
            raise ValueError("its space is not two numbers")
        if about["format"] != _FORMAT or not all(type(n) is int and 0 < n < 2**31 for n in whole):
            raise ValueError("it is of another version")
    except FileNotFoundError as error:
        raise ValueError(
            f"`experts` must be a folder that `keras-isa experts` has made. Received: {folder}, "
            f"which has no {_ABOUT}"
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"`experts` must be a folder that `keras-isa experts` has made; {path} cannot be read "
            f"({error})."
        ) from error
    return about


class SegmentBatches(CountedBatches):
    """Two points of an expert's trajectory for each step, drawn anew.

    Args:
        buffer: The experts.
        count: How many of them serve, from the first on.
        span: Epochs between the points.
        most_start: The first point is one of so many, from before the first epoch on.
        seed: Seed of the draws.
        first: Number of steps taken before.
    """

    def __init__(
        self,
        buffer: ExpertBuffer,
        count: int,
        span: int,
        most_start: int,
        seed: int,
        first: int = 0,
    ) -> None:
        super().__init__(seed, first)
        self._buffer, self._count = buffer, count
        self._span, self._most_start = span, most_start

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        generator = np.random.default_rng([self._seed, self.first + index])
        expert = int(generator.integers(self._count))
        start = int(generator.integers(self._most_start))
        return self._buffer.segment(expert, start, self._span)
