"""Parquet and Arrow tables with a column of image files, which are read a few rows at a time."""

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
from keras_isa.datasets.expansion import IMAGES
from keras_isa.datasets.remarks import shown_path

SUFFIXES = (".parquet", ".arrow", ".feather")
# An Arrow file is a stream between this beginning, filled up to eight bytes, and a list of it.
_ARROW_FILE, _PARQUET, _FEATHER_1 = b"ARROW1", b"PAR1", b"FEA1"
# pyarrow's names of the types of bytes and texts.
_BINARY = ("binary", "large_binary", "binary_view")
_TEXTS = ("string", "large_string", "string_view")
# At most so many rows and bytes are in memory at once. Large entries come in fewer rows.
_ROWS, _BYTES = 64, 1 << 26
# No image file has fewer bytes, so a table with more rows than its size allows is forged.
_MIN_IMAGE_BYTES = 16
# The longest text and list that the metadata of a Parquet file may announce.
_MAX_TEXT, _MAX_LIST = 1 << 24, 1 << 20
# No class has a longer name, in bytes.
_MAX_LABEL = 1000


@dataclasses.dataclass(frozen=True)
class Column:
    """A column, as the metadata of the table describes it.

    Args:
        name: Name of the column.
        kind: "image" for image files, "label" for integers or texts, otherwise "floats", "lists" or
            "other".
        class_names: Class names in the order of the class numbers, if the metadata has them.
    """

    name: str
    kind: str
    class_names: tuple[str, ...] | None = None


def columns(path: Path) -> list[Column]:
    """Returns the columns of a table, from its metadata.

    Raises:
        ValueError: If the file cannot be read.
    """
    with _opened(path) as table:
        schema = table.schema
        features = _features(schema.metadata)
        return [_column(field, features.get(field.name)) for field in schema]


def labels(path: Path, name: str) -> np.ndarray:
    """Returns a column of integers `(N,)` int64, or of texts `(N,)`.

    Raises:
        ValueError: If the file cannot be read, or an entry is missing.
    """
    with _opened(path) as table:
        known: dict[str, str] = {}
        pieces, row = [], 0
        for piece in table.pieces(name, range(len(table.rows))):
            pieces.append(_label_values(piece, row, known))
            row += len(piece)
        return np.concatenate(pieces) if pieces else np.zeros(0, np.int64)


def images(path: Path, name: str, rows: np.ndarray) -> Iterator[bytes]:
    """Yields the image files in some rows of a column.

    Args:
        path: The file.
        name: Name of the column.
        rows: The rows, ascending.

    Raises:
        ValueError: If the file cannot be read, or an image is missing.
    """
    with _opened(path) as table:
        ends = np.cumsum(table.rows)
        for group in np.unique(np.searchsorted(ends, rows, side="right")).tolist():
            start = int(ends[group - 1]) if group else 0
            for piece in table.pieces(name, [group]):
                first, last = np.searchsorted(rows, (start, start + len(piece)))
                for row in rows[first:last].tolist():
                    yield _image(piece, row - start, row)
                start += len(piece)


class _Parquet:
    """A Parquet file."""

    def __init__(self, file: Any, path: Path) -> None:
        import pyarrow.parquet as pq

        self._file = pq.ParquetFile(
            file,
            thrift_string_size_limit=_MAX_TEXT,
            thrift_container_size_limit=_MAX_LIST,
            page_checksum_verification=True,
        )
        self.schema, metadata = self._file.schema_arrow, self._file.metadata
        groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
        self.rows = [group.num_rows for group in groups]
        size = path.stat().st_size
        _check_count(metadata.num_rows, size)
        IMAGES.check(size, sum(group.total_byte_size for group in groups))

    def pieces(self, name: str, groups: Any) -> Iterator[Any]:
        """Yields the entries of a column in some groups of rows, a few at a time."""
        for group in groups:
            found, rows = 0, self._rows(name, group)
            for batch in self._file.iter_batches(rows, [group], [name], use_threads=False):
                batch.validate(full=True)
                found += len(batch)
                yield batch.column(0)
            if found != self.rows[group]:
                raise ValueError("it has another number of rows than it announces")

    def _rows(self, name: str, group: int) -> int:
        """Returns how many entries of a column are read at once.

        Some encodings store equal entries only once, so every entry may be as long as the column.
        """
        group = self._file.metadata.row_group(group)
        columns = [group.column(number) for number in range(group.num_columns)]
        own = [one for one in columns if one.path_in_schema.split(".")[0] == name.split(".")[0]]
        longest = sum(one.total_uncompressed_size for one in own)
        return min(max(_BYTES // max(longest, 1), 1), _ROWS)


class _Arrow:
    """A stream of Arrow batches, as the `datasets` library saves to disk, or an Arrow file."""

    def __init__(self, file: Any, path: Path) -> None:
        import pyarrow as pa

        file.seek(0)
        head = file.read(8)
        if head.startswith(_FEATHER_1):
            raise _not_read(path, "of the first version of Feather")
        start = 8 if head.startswith(_ARROW_FILE) else 0
        file.seek(start)
        _check_messages(pa.ipc.MessageReader.open_stream(file), path)
        file.seek(start)
        with pa.ipc.open_stream(file) as stream:
            self.schema = stream.schema
            self._batches = list(stream)  # mapped, not read
        self.rows = [len(batch) for batch in self._batches]
        _check_count(sum(self.rows), path.stat().st_size)

    def pieces(self, name: str, groups: Any) -> Iterator[Any]:
        """Yields the entries of a column in some batches."""
        for group in groups:
            column = self._batches[group].column(name)
            column.validate(full=True)
            yield column


def _check_count(rows: int, size: int) -> None:
    if rows * _MIN_IMAGE_BYTES > size:
        raise ValueError("it announces more images than fit into its bytes")


def _not_read(path: Path, what: str) -> ValueError:
    """Returns the error about an undamaged Arrow table of a kind that is not read."""
    return ValueError(
        "`source` must be a Parquet file, or an Arrow file without compression and dictionaries; "
        "`pyarrow.feather.write_feather(table, path, 'uncompressed')` writes it. Received: "
        f"{shown_path(path)}, which is a table {what}"
    )


def _check_messages(reader: Any, path: Path) -> None:
    """Raises an error for compressed buffers or dictionaries, which can expand without limit.

    The `datasets` library writes neither of them.
    """
    for message in reader:
        if message.type not in ("schema", "record batch"):
            raise _not_read(path, f"with a {message.type}")
        metadata = message.metadata.to_pybytes()
        (root,) = struct.unpack_from("<I", metadata)
        header = _field(metadata, root, 2)
        if message.type == "record batch" and header is not None:
            (offset,) = struct.unpack_from("<I", metadata, header)
            if _field(metadata, header + offset, 3) is not None:
                raise _not_read(path, "with compressed buffers")


def _field(content: bytes, table: int, number: int) -> int | None:
    """Returns the position of a field of a FlatBuffers table, or `None` if it is not stored."""
    (back,) = struct.unpack_from("<i", content, table)
    (length,) = struct.unpack_from("<H", content, table - back)
    place = 4 + 2 * number
    (offset,) = struct.unpack_from("<H", content, table - back + place) if place < length else (0,)
    return table + offset if offset else None


@contextmanager
def _opened(path: Path) -> Iterator[_Parquet | _Arrow]:
    import pyarrow as pa

    with reading(path), pa.memory_map(str(path)) as file:
        head = file.read(8)
        is_parquet = path.suffix.lower() == ".parquet" and not head.startswith(_ARROW_FILE)
        yield (_Parquet if is_parquet or head.startswith(_PARQUET) else _Arrow)(file, path)


def _features(metadata: dict[bytes, bytes] | None) -> dict[str, Any]:
    """Returns the metadata of the `datasets` library for each column."""
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
    kind, feature_type = field.type, feature.get("_type")
    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
        # Sound and video have bytes too.
        is_image = feature_type in (None, "Image") and str(kind.field("bytes").type) in _BINARY
    else:
        is_image = feature_type == "Image" and str(kind) in _BINARY
    if is_image:
        return Column(field.name, "image")
    if types.is_integer(kind):
        names = feature.get("names") if feature_type == "ClassLabel" else None
        are_names = isinstance(names, list) and all(isinstance(name, str) for name in names)
        return Column(field.name, "label", tuple(names) if names and are_names else None)
    if str(kind) in ("bool", *_TEXTS):
        return Column(field.name, "label")
    is_list = "list" in str(kind).partition("<")[0]
    return Column(
        field.name, "floats" if types.is_floating(kind) else "lists" if is_list else "other"
    )


def _label_values(piece: Any, row: int, known: dict[str, str]) -> np.ndarray:
    """Returns the labels from a row on; `known` makes equal texts share one object in memory."""
    import pyarrow as pa

    if pa.types.is_dictionary(piece.type):
        piece = piece.dictionary_decode()
    if piece.null_count:
        raise ValueError(f"row {row + piece.is_null().index(True).as_py()} has no label")
    if str(piece.type) not in _TEXTS:
        return piece.cast(pa.int64()).to_numpy(zero_copy_only=False)
    texts = (one.as_buffer() for one in piece)
    if any(len(text) > _MAX_LABEL for text in texts):
        raise ValueError(f"a label has more than {_MAX_LABEL} bytes")
    return np.array([known.setdefault(text, text) for text in piece.to_pylist()], dtype=object)


def _image(piece: Any, place: int, row: int) -> bytes:
    content = piece[place].as_py()
    if isinstance(content, dict):
        content = content.get("bytes")
    if not content:
        raise ValueError(f"row {row} has no image, or only the path of one")
    return content
