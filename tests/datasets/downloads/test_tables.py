import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from keras_isa.datasets.downloads import tables

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def image_table(contents, **more):
    files = [{"bytes": content, "path": "a.png"} for content in contents]
    return pa.table({"image": pa.array(files, IMAGE), **more})


def write(path, table, **options):
    """Writes a table in the format that the suffix says."""
    if path.suffix == ".parquet":
        pq.write_table(table, path, row_group_size=options.get("rows"))
    else:
        new = pa.ipc.new_file if path.suffix == ".feather" else pa.ipc.new_stream
        with new(str(path), table.schema) as stream:
            stream.write_table(table, max_chunksize=options.get("rows"))
    return path


@pytest.fixture(params=tables.SUFFIXES)
def path(request, tmp_path):
    return tmp_path / f"a{request.param}"


def test_the_format_is_known_by_content(tmp_path):
    table = image_table([b"x" * 1000], label=["a"])
    for suffix, other in ((".parquet", ".arrow"), (".feather", ".arrow"), (".feather", ".parquet")):
        path = write(tmp_path / f"a{suffix}", table).rename(tmp_path / f"b{other}")
        assert tables.labels(path, "label").tolist() == ["a"]
        assert list(tables.images(path, "image", np.array([0]))) == [b"x" * 1000]


def test_kinds_of_columns(path):
    more = {
        "number": pa.array([3], pa.uint8()),
        "text": ["a"],
        "long": pa.array(["a"], pa.large_string()),
        "yes": [True],
        "share": [0.5],
        "list": [[1, 2]],
        "bytes": [b"a"],
    }
    write(path, image_table([b"x" * 1000], **more))
    kinds = {column.name: column.kind for column in tables.columns(path)}
    others = {"image": "image", "share": "floats", "list": "lists", "bytes": "other"}
    assert kinds == others | dict.fromkeys(("number", "text", "long", "yes"), "label")
    assert tables.labels(path, "number").tolist() == [3]
    assert tables.labels(path, "yes").tolist() == [1]
    assert tables.labels(path, "long").tolist() == ["a"]


@pytest.mark.parametrize(
    ("note", "names"),
    [
        (b'{"info": {"features": {"y": {"_type": "ClassLabel", "names": ["a"]}}}}', ("a",)),
        (b'{"info": {"features": {"y": {"_type": "ClassLabel", "names": [1]}}}}', None),
        (b'{"info": {"features": {"y": {"_type": "Value"}}}}', None),
        (b'{"info": {"features": ["y"]}}', None),
        (b'{"info": 3}', None),
        (b"[]", None),
    ],
)
def test_class_names(path, note, names):
    write(path, pa.table({"y": [0]}).replace_schema_metadata({"huggingface": note}))
    assert tables.columns(path)[0].class_names == names


@pytest.mark.parametrize("note", [b"{", b"\xff", b"[" * 100_000])
def test_damaged_notes(path, note):
    write(path, pa.table({"y": [0]}).replace_schema_metadata({"huggingface": note}))
    with pytest.raises(ValueError, match=f"undamaged. Received: .*{path.name} \\(") as caught:
        tables.columns(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("rows", [1, 7, 64, 100])
def test_rows_out_of_several_groups(path, rows):
    contents = [f"image {number:03d}".encode() * 3 for number in range(200)]
    write(path, image_table(contents, y=list(range(200))), rows=rows)
    np.testing.assert_array_equal(tables.labels(path, "y"), np.arange(200))
    for chosen in ([0], [199], [5, 6, 7, 64, 128, 199], range(200), []):
        found = tables.images(path, "image", np.array(chosen, int))
        assert list(found) == [contents[row] for row in chosen]


@pytest.mark.parametrize("kind", [pa.large_binary(), pa.binary_view()])
def test_wide_types(path, kind):
    files = pa.array([{"bytes": b"x" * 1000}], pa.struct([("bytes", kind)]))
    words = {"wide": pa.array(["a"], pa.large_string()), "view": pa.array(["a"], pa.string_view())}
    write(path, pa.table({"image": files, "plain": pa.array([b"x"], kind), **words}))
    kinds = {column.name: column.kind for column in tables.columns(path)}
    assert kinds == {"image": "image", "plain": "other", "wide": "label", "view": "label"}
    assert list(tables.images(path, "image", np.arange(1))) == [b"x" * 1000]
    assert tables.labels(path, "wide").tolist() == tables.labels(path, "view").tolist() == ["a"]


def test_categories_are_texts(tmp_path):
    words = pa.array(["b", "a", "b"], pa.large_string()).dictionary_encode()
    path = write(tmp_path / "a.parquet", image_table([b"x" * 100] * 3, y=words))
    assert tables.labels(path, "y").tolist() == ["b", "a", "b"]


@pytest.mark.parametrize("encoding", ["RLE_DICTIONARY", "DELTA_BYTE_ARRAY"])
def test_long_entries_that_are_stored_once(tmp_path, monkeypatch, encoding):
    monkeypatch.setattr(tables, "_BYTES", 3_000_000)
    table = image_table([bytes(1_000_000)] * 40)
    delta = {"use_dictionary": False, "column_encoding": {"image.bytes": encoding}}
    options = {"dictionary_pagesize_limit": 1 << 30} if encoding.startswith("RLE") else delta
    pq.write_table(table, tmp_path / "a.parquet", compression="zstd", **options)
    with tables._opened(tmp_path / "a.parquet") as opened:
        pieces = [piece.nbytes for piece in opened.pieces("image", [0])]
    assert max(pieces) < 3_000_100 and sum(pieces) > 40_000_000


def test_long_texts_are_no_classes(path):
    write(path, image_table([b"x" * 100] * 2, y=["a" * 1000, "b"]))
    assert tables.labels(path, "y")[1] == "b"
    write(path, image_table([b"x" * 100] * 2, y=["b", "\u00e4" * 501]))
    with pytest.raises(ValueError, match="a label has more than 1000 bytes"):
        tables.labels(path, "y")


def test_more_rows_than_bytes(path):
    many = pa.table({"y": np.zeros(300_000, np.int64)})
    if path.suffix == ".arrow":
        many = pa.table({"y": pa.nulls(300_000)})
    write(path, many)
    with pytest.raises(ValueError, match="announces more images than fit into its bytes"):
        tables.columns(path)


def test_a_column_that_grows(tmp_path):
    table = image_table([bytes(40 << 20)])
    pq.write_table(table, tmp_path / "a.parquet", compression="zstd")
    with pytest.raises(ValueError, match="expands more than 100 times"):
        tables.columns(tmp_path / "a.parquet")


def test_what_an_arrow_stream_must_not_hold(tmp_path):
    path = tmp_path / "a.arrow"
    table = image_table([b"x" * 1000])
    for compression in ("lz4", "zstd"):
        file = io.BytesIO()
        options = pa.ipc.IpcWriteOptions(compression=compression)
        with pa.ipc.new_stream(file, table.schema, options=options) as stream:
            stream.write_table(table)
        path.write_bytes(file.getvalue())
        with pytest.raises(ValueError, match="an Arrow file without comp.*a table with comp"):
            tables.columns(path)
    write(path, pa.table({"y": pa.array(["a", "b"]).dictionary_encode()}))
    with pytest.raises(ValueError, match="and dictionaries; .*a table with a dictionary$"):
        tables.columns(path)
    path.write_bytes(b"FEA1" + bytes(1000))
    with pytest.raises(ValueError, match="a table of the first version of Feather$"):
        tables.columns(path)


def test_other_files(path):
    for content in (b"", b"PAR1", b"PAR1" * 10, b"ARROW1\0\0", bytes(1000)):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=f"undamaged. Received: .*{path.name}"):
            tables.columns(path)
