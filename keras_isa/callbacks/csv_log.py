"""A table of all epochs that stays correct when a run is resumed."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import keras

from keras_isa.files import atomic_path, check_writable


class CSVLog(keras.callbacks.Callback):
    """A table as of Keras's `CSVLogger`, with one row for every epoch even if the run is resumed.

    Rows of earlier epochs are kept, and rows of epochs that run now are replaced. A run that starts
    from the beginning replaces the whole table. Epochs count from 0. The file is written whole
    after each epoch, so that it is complete whenever a run ends.

    Args:
        path: The file.

    Raises:
        TypeError: If `path` is not a path.
        ValueError: If the file cannot be written, or is not such a table.

    Example:

    >>> import tempfile
    >>> from pathlib import Path
    >>> import keras_isa
    >>> from keras_isa.callbacks import CSVLog
    >>> train, test = keras_isa.datasets.load("digits")
    >>> trainer = keras_isa.FRePoTrainer.from_preset("digits", verbose=False, width=4, steps=4)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "log.csv")
    ...     history = trainer.fit(train, epochs=2, callbacks=[CSVLog(path)], verbose=0)
    ...     [line.split(",")[0] for line in path.read_text().splitlines()]
    ['epoch', '0', '1']
    """

    def __init__(self, path: str | os.PathLike) -> None:
        super().__init__()
        check_writable(path)
        self.path = Path(path)
        self._rows()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        header, rows = self._rows()
        rows = [row for row in rows if int(row[0]) < epoch]
        if not rows:
            header = ["epoch", *sorted(logs)]
            if not any(name.startswith("val_") for name in header):  # they may come later
                header += [f"val_{name}" for name in header[1:]]
        rows.append([epoch, *(logs.get(name, "NA") for name in header[1:])])
        with atomic_path(self.path) as temporary, open(temporary, "w", newline="") as file:
            csv.writer(file).writerows([header, *rows])

    def _rows(self) -> tuple[list[str], list[list[str]]]:
        """Returns the columns and the complete rows of the file."""
        if not self.path.exists():
            return [], []
        try:
            with open(self.path, newline="", encoding="utf-8") as file:
                header, *rows = list(csv.reader(file)) or [["epoch"]]
        except (UnicodeDecodeError, csv.Error):
            header, rows = [], []
        if header[:1] != ["epoch"]:
            raise ValueError(
                f"`path` must be a log of epochs, or a new file. Received: path={self.path}"
            )
        return header, [row for row in rows if len(row) == len(header) and row[0].isdecimal()]
