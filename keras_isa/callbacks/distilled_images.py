"""Pictures of the set while it is distilled."""

from __future__ import annotations

import math
import os
import time
from pathlib import Path

import keras

from keras_isa.asset.export import save_grid
from keras_isa.backend.tf_data import leave_accelerators_alone
from keras_isa.callbacks.event_files import event_files, keep_events
from keras_isa.files import make_folder
from keras_isa.ops.arguments import true_or_false, whole_number

# The number of pictures of a run, about, unless `every` is given.
_PICTURES = 20
TAG = "distilled_set"


class DistilledImages(keras.callbacks.Callback):
    """Draws the set after every N epochs and after the last one.

    `keras_isa.asset.export.save_grid` draws the pictures. They are the files
    `images/epoch-0000.png` and so on in the folder, and the run `images` of TensorBoard. Epochs
    count from 0. Pictures of earlier runs are deleted if their epochs run now.

    Args:
        log_dir: The folder, which is made if it does not exist.
        every: Epochs from one picture to the next; by default so many that a run gives about 20.
        files: Whether .png files are written.
        tensorboard: Whether TensorBoard's images are written.

    Raises:
        TypeError: If `log_dir` is not a path, or a flag is neither `True` nor `False`.
        ValueError: If the folder cannot be made or written to, `every` is not positive, or both
            flags are `False`.

    Example:

    >>> import tempfile
    >>> from pathlib import Path
    >>> import keras_isa
    >>> train, test = keras_isa.datasets.load("digits")
    >>> trainer = keras_isa.FRePoTrainer.from_preset("digits", verbose=False, width=4, steps=4)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     images = keras_isa.callbacks.DistilledImages(folder, every=2, tensorboard=False)
    ...     history = trainer.fit(train, epochs=3, callbacks=[images], verbose=0)
    ...     sorted(path.name for path in Path(folder, "images").iterdir())
    ['epoch-0001.png', 'epoch-0002.png']
    """

    def __init__(
        self,
        log_dir: str | os.PathLike,
        every: int | None = None,
        *,
        files: bool = True,
        tensorboard: bool = True,
    ) -> None:
        super().__init__()
        self.every = None if every is None else whole_number("every", every)
        self.files = true_or_false("files", files)
        self.tensorboard = true_or_false("tensorboard", tensorboard)
        if not (files or tensorboard):
            raise ValueError("`files` or `tensorboard` must be True. Received: both False")
        self.folder = make_folder(log_dir, "log_dir") / "images"
        self.folder.mkdir(exist_ok=True)
        self._writer = None

    def on_train_begin(self, logs: dict | None = None) -> None:
        self._writer = None

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        if self._writer is not None:
            return  # what is there now is of this run
        for path in self.folder.glob("epoch-*.png"):
            number = path.stem.removeprefix("epoch-")
            if number.isdecimal() and int(number) >= epoch:
                path.unlink()
        keep_events(event_files(self.folder), lambda event: event.step < epoch)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        epochs = self.params["epochs"]
        every = self.every or math.ceil(epochs / _PICTURES)
        if (epoch + 1) % every and epoch + 1 < epochs:
            return
        path = self.folder / f"epoch-{epoch:04d}.png"
        save_grid(self.model.distilled, path)
        if self.tensorboard:
            self._write_event(path, epoch)
        if not self.files:
            path.unlink()

    def on_train_end(self, logs: dict | None = None) -> None:
        if self._writer is not None:
            self._writer.close()

    def _write_event(self, path: Path, epoch: int) -> None:
        leave_accelerators_alone()
        from PIL import Image
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        with Image.open(path) as picture:
            width, height, colours = *picture.size, len(picture.getbands())
        image = {"height": height, "width": width, "colorspace": colours}
        image["encoded_image_string"] = path.read_bytes()
        summary = {"value": [{"tag": TAG, "image": image}]}
        event = Event(wall_time=time.time(), step=epoch, summary=summary)
        if self._writer is None:
            self._writer = EventFileWriter(str(self.folder))
        self._writer.add_event(event)
        self._writer.flush()  # a process that is killed later would lose the event
