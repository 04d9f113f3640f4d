import pickle

import numpy as np
import pytest

from keras_isa.datasets.downloads.pickles import read_pickle

VALUES = {
    "data": np.arange(240, dtype="uint8").reshape(10, 24),
    "large": np.arange(100_000, dtype="uint8"),
    "mean": np.linspace(0, 1, 7),
    "big-endian": np.array([1, -2], ">i4"),
    "by columns": np.asfortranarray(np.arange(6, dtype="int16").reshape(2, 3)),
    "none": np.zeros((0, 4), "float32"),
    "labels": [3, 0, 255, 256, 70_000, -1, 2**40],
    "scalars": [np.int64(7), np.uint8(9)],
    "mixed": (1, 2.5, None, True, False, "text", "text"),
    "pair": (1, 2),
}


@pytest.mark.parametrize("protocol", range(6))
def test_values_come_out(tmp_path, protocol):
    path = tmp_path / "values"
    path.write_bytes(pickle.dumps(VALUES, protocol))
    found = read_pickle(path)
    assert list(found) == list(VALUES)
    for key, value in VALUES.items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(found[key], value)
            assert found[key].dtype == value.dtype
        else:
            assert found[key] == value


def test_files_of_python_2(samples, tmp_path):
    path = tmp_path / "values"
    images = samples.pixels(3, 60_000)
    content = samples.old_pickle({"data": images, "labels": [1, 300], "names": ["a", "b"]})
    assert pickle.loads(content, encoding="bytes")[b"names"] == [b"a", b"b"]  # it is one
    path.write_bytes(content)
    found = read_pickle(path)
    np.testing.assert_array_equal(found["data"], images)
    assert not found["data"].flags.writeable  # it lies in the file
    assert (found["labels"], found["names"]) == ([1, 300], [b"a", b"b"])
    content = samples.oldest_pickle(["a b", "c"], "label_names")
    assert pickle.loads(content)["label_names"] == ["a b", "c"]
    path.write_bytes(content)
    assert read_pickle(path) == {"label_names": [b"a b", b"c"], "num_vis": 3072}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"cos\nsystem\n(S'true'\ntR.", "asks for os.system"),
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93.", "asks for os.system"),
        (b"(S'true'\nios\nsystem\n.", "instruction INST, which no file"),
        (b"\x80\x02}U\x01ac__builtin__\neval\nU\x011\x85Rs.", "asks for __builtin__.eval"),
        (b"\x80\x02cnumpy\nfromfile\n.", "asks for numpy.fromfile"),
        (b"\x80\x02}cnumpy\nndarray\n)Rs.", "asks for a call of numpy.ndarray"),
        (b"\x80\x02]}b.", "neither an array nor a dtype"),
        (b"\x80\x02\x82\x01.", "instruction EXT1, which no file"),
        (b"\x80\x02U\x01aQ.", "instruction BINPERSID, which no file"),
        (b"Pname\n.", "instruction PERSID, which no file"),
        (b"\x80\x02)\x81.", "instruction NEWOBJ, which no file"),
        (b"\x80\x02}U\x04dataT\xff\xff\xff\x7f", "ends before the end of 2,147,483,647 bytes"),
        (b"\x80\x02" + b"(" * 100, "more than 32 deep"),
        (b"\x80\x02" + b"]" * 600_000 + b".", "more than 524,288 instructions"),
        (b"\x80\x02}}.", "does not end with one value"),
        (b"\x80\x02}.rest", "does not end with one value"),
        (b"\x80\x02].", "a list, not a dictionary"),
        (b"", "it is empty"),
        (b"\xff\xff", "of code 255"),
        (b"\x80\x02}r\xff\xff\xff\x7f.", "stores a value under"),
    ],
)
def test_anything_else_is_refused(tmp_path, content, reason):
    path = tmp_path / "values"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=reason):
        read_pickle(path)


def test_objects_are_refused(tmp_path):
    path = tmp_path / "values"
    for value in (np.array([None]), np.array(["text"]), np.zeros(2, "f4,f4"), 1j, {1}):
        path.write_bytes(pickle.dumps({"data": value}))
        with pytest.raises(ValueError):
            read_pickle(path)


def test_an_array_that_asks_for_more_than_there_is(samples, tmp_path):
    path = tmp_path / "values"
    content = samples.old_pickle({"data": samples.pixels(2, 3)})
    assert content.count(b"K\x02K\x03") == 1
    path.write_bytes(content.replace(b"K\x02K\x03", b"K\xffK\xff"))
    with pytest.raises(ValueError, match="needs 65,025 bytes, but there are 6"):
        read_pickle(path)


def test_an_array_of_many_axes_that_are_long_numbers(tmp_path):
    """A short file can name one number again and again; their product takes hours."""
    path = tmp_path / "values"
    number = b"\x8a\xff" + b"\x7f" * 255 + b"q\x01"
    shape = b"(" + number + b"h\x01" * 200_000 + b"t"
    name = b"cnumpy.core.numeric\n_frombuffer\n"
    dtype = b"cnumpy\ndtype\nU\x02u1\x85R"
    path.write_bytes(b"\x80\x02}U\x01a" + name + b"(U\x01b" + dtype + shape + b"U\x01CtRs.")
    with pytest.raises(ValueError, match="more than eight axes"):
        read_pickle(path)
