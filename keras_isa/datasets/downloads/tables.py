"""Tables with a column of image files, as Parquet and Arrow store them, read piece by piece."""

from __future__ import annotations

import dataclasses
import json
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from keras_isa.datasets.downloads.download import reading
from keras_isa.datasets.growth import IMAGES

SUFFIXES = (".parquet", ".arrow")
# Rows in memory at once, and fewer where one entry alone may have many bytes.
_ROWS, _BYTES = 64, 1 << 26
# No image file is shorter, so a table with more rows than that allows is forged.
_SHORTEST_IMAGE = 16
# What a foot of a Parquet file may ask for.
_LONGEST_TEXT, _LONGEST_LIST = 1 << 24, 1 << 20
# No class has a longer name, in bytes.
_LONGEST_LABEL = 1000


@dataclasses.dataclass(frozen=True)
class Column:
    """What is known of a column before it is read.

    Args:
        name: Of the column.
        kind: "image" for image files, "label" for integers or texts, "other" for all else.
        class_names: By class number, where the table says them.
    """

    name: str
    kind: str
    class_names: tuple[str, ...] | None = None


def columns(path: Path) -> list[Column]:
    """Returns the columns of a table, from its head or foot.

    Raises:
        ValueError: If the file cannot be read.
    """
    with _opened(path) as table:
        schema = table.schema
        features = _features(schema.metadata)
        return [_column(field, features.get(field.name)) for field in schema]


def count(path: Path) -> int:
    """Returns the number of rows.

    Raises:
        ValueError: If the file cannot be read.
    """
    with _opened(path) as table:
        return sum(map(table.group_rows, range(table.groups)))


def labels(path: Path, name: str) -> np.ndarray:
    """Returns a column of integers `(N,)` int64, or of texts `(N,)`.

    Raises:
        ValueError: If the file cannot be read, or an entry is missing.
    """
    with _opened(path) as table:
        known: dict[str, str] = {}
        pieces = [_label_values(piece, known) for piece in table.pieces(name, range(table.groups))]
        return np.concatenate(pieces) if pieces else np.zeros(0, np.int64)


def images(path: Path, name: str, rows: np.ndarray) -> Iterator[bytes]:
    """Yields the image files in some rows of a column.

    Args:
        path: The file.
        name: Of the column.
        rows: Which, ascending.

    Raises:
        ValueError: If the file cannot be read, or an image is missing.
    """
    with _opened(path) as table:
        ends = np.cumsum([table.group_rows(group) for group in range(table.groups)])
        for group in np.unique(np.searchsorted(ends, rows, side="right")).tolist():
            start = int(ends[group - 1]) if group else 0
            for piece in table.pieces(name, [group]):
                first, last = np.searchsorted(rows, (start, start + len(piece)))
                for row in rows[first:last].tolist():
                    yield _image(piece, row - start, row)
                start += len(piece)


_TOO_MANY_ROWS = "it says that it has more rows than images can have in its bytes"


class _Parquet:
    """A Parquet file."""

    def __init__(self, file: Any, size: int) -> None:
        import pyarrow.parquet as pq

        self._file = pq.ParquetFile(
            file,
            thrift_string_size_limit=_LONGEST_TEXT,
            thrift_container_size_limit=_LONGEST_LIST,
            page_checksum_verification=True,
        )
        self.schema, self.groups = self._file.schema_arrow, self._file.num_row_groups
        metadata = self._file.metadata
        if metadata.num_rows * _SHORTEST_IMAGE > size:
            raise ValueError(_TOO_MANY_ROWS)
        unpacked = sum(metadata.row_group(group).total_byte_size for group in range(self.groups))
        IMAGES.check(size, unpacked)

    def group_rows(self, group: int) -> int:
        return self._file.metadata.row_group(group).num_rows

    def pieces(self, name: str, groups: Any) -> Iterator[Any]:
        """Yields the entries of a column in some groups of rows, a few at a time."""
        for group in groups:
            found, rows = 0, self._rows(name, group)
            for batch in self._file.iter_batches(rows, [group], [name], use_threads=False):
                batch.validate(full=True)
                found += len(batch)
                yield batch.column(0)
            if found != self.group_rows(group):
                raise ValueError("it has another number of rows than it says")

    def _rows(self, name: str, group: int) -> int:
        """How many entries of a column are read at once.

        Encodings that store equal entries once let all of them be as long as the whole column.
        """
        group = self._file.metadata.row_group(group)
        columns = [group.column(number) for number in range(group.num_columns)]
        own = [one for one in columns if one.path_in_schema.split(".")[0] == name.split(".")[0]]
        longest = sum(one.total_uncompressed_size for one in own)
        return min(max(_BYTES // max(longest, 1), 1), _ROWS)


class _Arrow:
    """A stream of Arrow batches, as the `datasets` library saves to disk."""

    def __init__(self, file: Any, size: int) -> None:
        import pyarrow as pa

        _check_messages(pa.ipc.MessageReader.open_stream(file))
        file.seek(0)
        with pa.ipc.open_stream(file) as stream:
            self.schema = stream.schema
            self._batches = list(stream)  # mapped, not read
        self.groups = len(self._batches)
        if sum(map(len, self._batches)) * _SHORTEST_IMAGE > size:
            raise ValueError(_TOO_MANY_ROWS)

    def group_rows(self, group: int) -> int:
        return len(self._batches[group])

    def pieces(self, name: str, groups: Any) -> Iterator[Any]:
        """Yields the entries of a column in some batches."""
        for group in groups:
            column = self._batches[group].column(name)
            column.validate(full=True)
            yield column


def _check_messages(reader: Any) -> None:
    """Refuses a stream with compressed buffers or dictionaries, which can grow without bounds.

    The `datasets` library writes neither.
    """
    for message in reader:
        if message.type not in ("schema", "record batch"):
            raise ValueError(f"it holds a {message.type}, which is not read")
        metadata = message.metadata.to_pybytes()
        (root,) = struct.unpack_from("<I", metadata)
        header = _field(metadata, root, 2)
        if message.type == "record batch" and header is not None:
            (offset,) = struct.unpack_from("<I", metadata, header)
            if _field(metadata, header + offset, 3) is not None:
                raise ValueError("its buffers are compressed; save it again without")


def _field(content: bytes, table: int, number: int) -> int | None:
    """Where a field of a FlatBuffers table lies, `None` where it has its default."""
    (back,) = struct.unpack_from("<i", content, table)
    (length,) = struct.unpack_from("<H", content, table - back)
    place = 4 + 2 * number
    (offset,) = struct.unpack_from("<H", content, table - back + place) if place < length else (0,)
    return table + offset if offset else None


@contextmanager
def _opened(path: Path) -> Iterator[_Parquet | _Arrow]:
    import pyarrow as pa

    with reading(path):
        try:
            with pa.memory_map(str(path)) as file:
                kind = _Parquet if path.suffix.lower() == ".parquet" else _Arrow
                yield kind(file, path.stat().st_size)
        except pa.ArrowException as error:  # some are no built-in exceptions
            raise ValueError(str(error) or type(error).__name__) from error


def _features(metadata: dict[bytes, bytes] | None) -> dict[str, Any]:
    """What the `datasets` library has noted of each column."""
    content = (metadata or {}).get(b"huggingface")
    if content is None:
        return {}
    features = json.loads(content)
    for key in ("info", "features"):
        features = features.get(key) if isinstance(features, dict) else None
    return features if isinstance(features, dict) else {}


def _column(field: Any, feature: Any) -> Column:
    from pyarrow import types

    feature = feature if isinstance(feature, dict) else {}
    kind, names = field.type, None
    if types.is_dictionary(kind):
        kind = kind.value_type
    has_bytes = types.is_struct(kind) and kind.get_field_index("bytes") >= 0
    said = feature.get("_type", "Image")  # else of sound or video
    if said == "Image" and has_bytes and _is_bytes(kind.field("bytes").type):
        return Column(field.name, "image")
    if feature.get("_type") == "Image" and _is_bytes(kind):
        return Column(field.name, "image")
    if feature.get("_type") == "ClassLabel" and types.is_integer(kind):
        names = feature.get("names")
        if isinstance(names, list) and names and all(isinstance(name, str) for name in names):
            names = tuple(names)
        else:
            names = None
    is_label = types.is_integer(kind) or types.is_boolean(kind) or _is_text(kind)
    return Column(field.name, "label" if is_label else "other", names)


def _is_bytes(kind: Any) -> bool:
    from pyarrow import types

    return types.is_binary(kind) or types.is_large_binary(kind) or types.is_binary_view(kind)


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    return types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)


def _label_values(piece: Any, known: dict[str, str]) -> np.ndarray:
    """The labels in some rows; texts that are equal are one in memory, the one in `known`."""
    import pyarrow as pa

    if pa.types.is_dictionary(piece.type):
        piece = piece.dictionary_decode()
    if piece.null_count:
        raise ValueError("a label is missing")
    if not _is_text(piece.type):
        return piece.cast(pa.int64()).to_numpy(zero_copy_only=False)
    texts = (one.as_buffer() for one in piece)
    if any(len(text) > _LONGEST_LABEL for text in texts):
        raise ValueError(f"a label has more than {_LONGEST_LABEL} bytes")
    return np.array([known.setdefault(text, text) for text in piece.to_pylist()], dtype=object)


def _image(piece: Any, place: int, row: int) -> bytes:
    content = piece[place].as_py()
    if isinstance(content, dict):
        content = content.get("bytes")
    if not content:
        raise ValueError(f"row {row} has no image, or only the path of one")
    return content
