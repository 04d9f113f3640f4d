"""The whole state of a run, in memory or in a folder from which a killed run goes on."""

from __future__ import annotations

import hashlib
import json
import os
import time
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_isa.files import atomic_path, make_folder
from keras_isa.inputs.arrays import to_numpy
from keras_isa.serialization import without_importing_tensorflow

# The file in the folder of a run that holds the whole state.
STATE_FILE = "run.npz"
# A fingerprint reads so many images of a data set.
_SAMPLE = 1000
_FORMAT = 1


def state_variables(trainer: keras.Model) -> list[keras.Variable]:
    """Everything that a step reads and writes: Keras's four groups, in their order.

    Args:
        trainer: A compiled trainer.
    """
    return [
        *trainer.trainable_variables,
        *trainer.non_trainable_variables,
        *trainer.optimizer.variables,
        *trainer.metrics_variables,
    ]


def fingerprint(x: Any, y: np.ndarray) -> str:
    """Tells data sets apart by shape, labels and up to 1,000 of the images.

    Args:
        x: Images, an array `(N, ...)` or `StoredImages`.
        y: Classes `(N,)`.

    Example:

    >>> import numpy as np
    >>> from keras_isa.training.run_state import fingerprint
    >>> fingerprint(np.zeros((2, 3)), np.arange(2)) == fingerprint(np.ones((2, 3)), np.arange(2))
    False
    """
    rows = np.unique(np.linspace(0, len(x) - 1, _SAMPLE).astype(np.int64))
    digest = hashlib.sha256(f"{tuple(x.shape)} {x.dtype}".encode())
    digest.update(np.ascontiguousarray(x[rows]).tobytes())
    digest.update(np.ascontiguousarray(y).tobytes())
    return digest.hexdigest()


def identity_of(
    trainer: keras.Model, data: tuple, epochs: int, steps_per_epoch: int | None
) -> dict[str, Any]:
    """What must be the same for a run to go on; JSON-compatible.

    Args:
        trainer: A compiled trainer.
        data: Images `(N, ...)`, classes `(N,)`, and the held-out pair of both or `None`.
        epochs: Epochs of the run.
        steps_per_epoch: Steps of each.
    """
    x, y, held_out = data
    return {
        "method": trainer.description(),
        "backend": keras.backend.backend(),
        "seed": trainer.seed,
        "data": fingerprint(x, y),
        "validation data": None if held_out is None else fingerprint(*held_out),
        "start": trainer.start,
        "class counts": list(trainer.distilled.class_counts),
        "parametrization": str(trainer.distilled.parametrization),
        "optimizer": optimizer_config(trainer.optimizer),
        "epochs": epochs,
        "steps_per_epoch": steps_per_epoch,
        "steps of a call": trainer.steps_per_execution,
    }


def optimizer_config(optimizer: keras.optimizers.Optimizer) -> dict[str, Any]:
    """Tells optimizers apart by class and settings.

    Args:
        optimizer: The optimizer of a run.

    Returns:
        Its class name as `class` and its configuration, without names of optimizers, which are
        numbered within a process; JSON-compatible.

    Example:

    >>> import keras
    >>> from keras_isa.training.run_state import optimizer_config
    >>> optimizer_config(keras.optimizers.SGD(0.5))["class"]
    'SGD'
    """
    with without_importing_tensorflow():
        serialized = keras.saving.serialize_keras_object(optimizer)
    return {"class": serialized["class_name"], **without_names(serialized["config"])}


def without_names(config: Any) -> Any:
    """A configuration without the entries `name`, which Keras numbers within a process."""
    if isinstance(config, dict):
        return {key: without_names(value) for key, value in config.items() if key != "name"}
    return [without_names(one) for one in config] if isinstance(config, list) else config


class Position(NamedTuple):
    """Where a run stands."""

    epoch: int = 0
    """Epochs that have ended, their validation included."""
    step: int = 0
    """Steps taken in the epoch that has begun."""
    seconds: float = 0.0
    """Wall time so far."""


class RunFolder:
    """Keeps the state of a run in a folder; one file, replaced as a whole.

    Args:
        folder: Made if it does not exist.
        seconds: Least time between two saves within an epoch; a save follows every epoch too.

    Raises:
        TypeError: If `folder` is no path.
        ValueError: If `folder` cannot be made or written to, or is a file.

    Example:

    >>> import tempfile
    >>> import keras_isa
    >>> train, test = keras_isa.datasets.load("digits")
    >>> options = {"verbose": False, "width": 4, "steps": 4, "epochs": 2}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for _ in range(2):  # the second finds a finished run
    ...         trainer = keras_isa.FRePoTrainer.from_preset("digits", **options)
    ...         history = trainer.fit(train, resume=folder, verbose=0)
    ...         print(len(history.epoch))
    2
    0
    """

    def __init__(self, folder: str | os.PathLike, seconds: float = 300.0) -> None:
        self.path = make_folder(folder, "resume") / STATE_FILE
        self.seconds = seconds
        self._identity: dict[str, Any] = {}

    def restore(self, trainer: keras.Model, identity: Mapping[str, Any]) -> Position:
        """Puts the stored state into a trainer.

        Args:
            trainer: The compiled trainer, all of whose variables exist.
            identity: What must be the same in a run that goes on, JSON-compatible.

        Returns:
            Where the stored run stood; the start where there is none.

        Raises:
            ValueError: If the folder holds another run, or its file is damaged.
        """
        self._identity = json.loads(json.dumps(identity))
        for left in self.path.parent.glob(f".{self.path.stem}-*{self.path.suffix}"):
            left.unlink(missing_ok=True)  # a run was killed while it wrote this file
        if not self.path.exists():
            return Position()
        try:
            with open(self.path, "rb") as file, np.load(file, allow_pickle=False) as stored:
                about = json.loads(str(stored["about"]))
                values = [stored[str(index)] for index in range(len(stored.files) - 1)]
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise ValueError(
                f"`resume` must hold the state of a run; {self.path} is damaged ({error}): remove "
                "it to start afresh."
            ) from error
        self._check(about)
        variables = state_variables(trainer)
        shapes = [tuple(variable.shape) for variable in variables]
        if shapes != [value.shape for value in values]:
            raise ValueError(
                f"`resume` must hold a run with the same variables; {self.path} has others: "
                "choose a new folder."
            )
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        trainer.curves[:] = about.get("curves", [])
        return Position(**about["position"])

    def save(self, trainer: keras.Model, position: Position) -> None:
        """Writes the state; the file that was there stays until the new one is complete.

        A set that is not finite is not written, as a run cannot go on from it.
        """
        if not all(np.isfinite(array).all() for array in trainer.distilled.to_numpy()):
            return
        about = {
            "format": _FORMAT,
            "identity": self._identity,
            "position": position._asdict(),
            "curves": trainer.curves,
        }
        arrays = {
            str(index): to_numpy(variable)
            for index, variable in enumerate(state_variables(trainer))
        }
        with atomic_path(self.path) as temporary, open(temporary, "wb") as file:
            np.savez(file, about=np.array(json.dumps(about)), **arrays)

    def callback(
        self, trainer: keras.Model, start: Position, steps_per_epoch: int
    ) -> keras.callbacks.Callback:
        """The callback that saves during `fit`.

        Args:
            trainer: The trainer.
            start: What `restore` returned.
            steps_per_epoch: Steps of an epoch.
        """
        return _Saver(self, trainer, start, steps_per_epoch)

    def _check(self, about: Mapping[str, Any]) -> None:
        found = {"format": about.get("format"), **about.get("identity", {})}
        for name, there, here in differences(found, {"format": _FORMAT, **self._identity}):
            if name == "epochs" and _is_longer(there, here):
                continue  # a run may be continued beyond its end
            raise ValueError(
                "`resume` must hold the same run, or nothing: choose a new folder, or repeat "
                f"the call that began it. Received: {name} is {here!r}, and {there!r} in "
                f"{self.path.parent}"
            )


def differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> Iterator[tuple]:
    """Where two descriptions of a run differ.

    Args:
        there: JSON-compatible values by name, as they were stored; some are mappings themselves.
        here: The same of the present run.

    Yields:
        Name, stored value and present value; the name within a mapping follows a colon.

    Example:

    >>> from keras_isa.training.run_state import differences
    >>> list(differences({"seed": 0, "data": {"rows": 5}}, {"seed": 0, "data": {"rows": 6}}))
    [('data: rows', 5, 6)]
    """
    for name in {**here, **there}:
        old, new = there.get(name), here.get(name)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from ((f"{name}: {inner}", *pair) for inner, *pair in differences(old, new))
        elif old != new:
            yield name, old, new


def _is_longer(there: Any, here: Any) -> bool:
    return isinstance(there, int) and isinstance(here, int) and here >= there


class _Saver(keras.callbacks.Callback):
    def __init__(
        self, folder: RunFolder, trainer: keras.Model, start: Position, steps_per_epoch: int
    ) -> None:
        super().__init__()
        self._folder, self._trainer = folder, trainer
        self._start, self._steps = start, steps_per_epoch
        self._began = self._saved = time.monotonic()
        self._epoch = start.epoch
        self._interrupted = False
        self._metrics = [to_numpy(variable) for variable in trainer.metrics_variables]

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._epoch = epoch
        if epoch == self._start.epoch and self._start.step:
            # Keras has just reset the metrics, whose means are over the whole epoch.
            for variable, value in zip(self.model.metrics_variables, self._metrics, strict=True):
                variable.assign(value)

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        done = min(batch + 1, self._steps)
        self._interrupted = self._trainer.stop_training
        if self._epoch == self._start.epoch and done <= self._start.step:
            return  # an earlier process took these steps, and the folder holds their state
        due = time.monotonic() - self._saved >= self._folder.seconds
        if due or self._interrupted:
            self._save(self._epoch, done)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        # After Ctrl-C Keras validates in the middle of an epoch, which a whole run does not do.
        if not self._interrupted:
            self._save(epoch + 1, 0)

    def _save(self, epoch: int, step: int) -> None:
        seconds = self._start.seconds + time.monotonic() - self._began
        # Reading `self.model` copies the state out of Keras's loop, which takes a while.
        self._folder.save(self.model, Position(epoch, step, round(seconds, 3)))
        self._saved = time.monotonic()
