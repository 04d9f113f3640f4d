"""TensorBoard's event files, from which a resumed log drops the events of epochs that run again.

Keras's callback and a session event (`SessionLog.START`) cannot do this. Keras logs the validation
by epoch and by step in one run, but a session event purges all tags of its run from one number on:
measured with epoch 2 of three epochs of 3 steps, all values by step were lost, and with step 9 the
values of epoch 2 stayed twice. It also hides events in TensorBoard only, where the event files are
read in the order of their names, so that files of one second may be read in the wrong order.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from keras_isa.files import atomic_path

# A record has the length of its event (8 bytes), a check sum of the length (4), the event, and a
# check sum of the event (4).
_HEAD, _TAIL = 12, 4


def event_files(folder: Path) -> list[Path]:
    """Returns the event files of a folder and its subfolders."""
    return sorted(folder.rglob("events.out.tfevents.*"))


def keep_events(files: list[Path], wanted: Callable[[Any], bool]) -> None:
    """Drops unwanted events from event files, and deletes files without any wanted event.

    An incomplete record, left by a process that was killed, is dropped too.

    Args:
        files: The files.
        wanted: Function that says whether an `Event` with a summary is kept.
    """
    from tensorboard.compat.proto.event_pb2 import Event

    for path in files:
        content = path.read_bytes()
        kept, any_wanted = b"", False
        for record in _records(content):
            event = Event.FromString(record[_HEAD:-_TAIL])
            is_wanted = event.HasField("summary") and wanted(event)
            any_wanted |= is_wanted
            if is_wanted or not event.HasField("summary"):
                kept += record
        if not any_wanted:
            path.unlink()
        elif len(kept) < len(content):
            with atomic_path(path) as temporary:
                temporary.write_bytes(kept)


def _records(content: bytes) -> Iterator[bytes]:
    start = 0
    while start + _HEAD <= len(content):
        (length,) = struct.unpack_from("<Q", content, start)
        end = start + _HEAD + length + _TAIL
        if end > len(content):
            return
        yield content[start:end]
        start = end
