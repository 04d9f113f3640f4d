"""The event files of TensorBoard, as far as a log that is continued needs them."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from keras_isa.files import atomic_path

# A record is its length (8 bytes), the check sum of that (4), the event, and its check sum (4).
_HEAD, _TAIL = 12, 4


def event_files(folder: Path) -> list[Path]:
    """The event files of a folder and of those below it."""
    return sorted(folder.rglob("events.out.tfevents.*"))


def keep_events(files: list[Path], wanted: Callable[[Any], bool]) -> None:
    """Leaves out of event files what is not wanted, and removes files that hold nothing else.

    A record that was cut off when a process ended is left out too.

    Args:
        files: The files.
        wanted: Says of an `Event` with a summary whether it stays.
    """
    from tensorboard.compat.proto.event_pb2 import Event

    for path in files:
        content = path.read_bytes()
        records = list(_records(content))
        events = [Event.FromString(record[_HEAD:-_TAIL]) for record in records]
        stay = [not event.HasField("summary") or wanted(event) for event in events]
        kept = b"".join(r for r, stays in zip(records, stay, strict=True) if stays)
        if not any(e.HasField("summary") for e, stays in zip(events, stay, strict=True) if stays):
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
