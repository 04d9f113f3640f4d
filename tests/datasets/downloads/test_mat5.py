import struct
import zlib

import numpy as np
import pytest
from scipy.io import savemat

from keras_isa.datasets.downloads.mat5 import read_arrays

DTYPES = ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8")


@pytest.mark.parametrize("compress", [True, False])
def test_what_scipy_writes(tmp_path, compress):
    rng = np.random.default_rng(0)
    arrays = {name: rng.integers(0, 100, (3, 2, 4)).astype(name) for name in DTYPES}
    arrays["small"] = np.array([[7]], "uint8")
    others = {"cells": np.array(["a", 1], object), "record": {"a": 1}, "text": "abc"}
    savemat(tmp_path / "a.mat", {**others, **arrays}, do_compression=compress)
    found = read_arrays(tmp_path / "a.mat", arrays)
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype


@pytest.mark.parametrize("value", [np.array(["a", 1], object), {"a": 1}, "text", 1j])
def test_other_variables_are_refused(tmp_path, value):
    savemat(tmp_path / "a.mat", {"X": value})
    with pytest.raises(ValueError, match="X is no array of real numbers"):
        read_arrays(tmp_path / "a.mat", ["X"])


def test_version_7_3(tmp_path):
    head = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM"
    (tmp_path / "a.mat").write_bytes(head.ljust(512, b"\0") + b"\x89HDF\r\n\x1a\n")
    with pytest.raises(ValueError, match="version 7.3, which is HDF5; save it again"):
        read_arrays(tmp_path / "a.mat", ["X"])


def test_an_array_that_asks_for_more_than_there_is(tmp_path, monkeypatch):
    savemat(tmp_path / "a.mat", {"X": np.zeros(1 << 20, "uint8")}, do_compression=True)
    content = bytearray((tmp_path / "a.mat").read_bytes())
    assert len(content) < 2000
    assert read_arrays(tmp_path / "a.mat", ["X"])["X"].size == 1 << 20
    monkeypatch.setattr("keras_isa.memory.available_bytes", lambda: 1 << 20)
    with pytest.raises(ValueError, match="X needs .* of memory"):
        read_arrays(tmp_path / "a.mat", ["X"])


def test_an_array_that_grows(tmp_path):
    savemat(tmp_path / "a.mat", {"X": np.zeros(20 << 20, "uint8")}, do_compression=True)
    with pytest.raises(ValueError, match="expands more than 100 times"):
        read_arrays(tmp_path / "a.mat", ["X"])


@pytest.mark.parametrize(
    ("compressed", "zeros", "reason"),
    [
        (True, 40 << 20, "expands more than 100 times"),
        (True, 0, "could not read bytes|MemoryError"),
        (False, 0, "could not read bytes|MemoryError"),
    ],
)
def test_bytes_that_no_shape_announces(tmp_path, compressed, zeros, reason):
    """A forged size of the pixels takes no memory, whatever the shape says."""
    path = tmp_path / "a.mat"
    savemat(path, {"X": np.arange(50, dtype="uint8")})
    content = bytearray(path.read_bytes())
    content[-60:-56] = struct.pack("<I", zeros or 0xFFFFFFF0)
    element = content[128:] + bytes(zeros)
    if compressed:
        packed = zlib.compress(element)
        element = struct.pack("<II", 15, len(packed)) + packed
    path.write_bytes(content[:128] + element)
    with pytest.raises(ValueError, match=reason):
        read_arrays(path, ["X"])


def test_every_flip_in_a_compressed_file_is_found(tmp_path):
    path = tmp_path / "a.mat"
    savemat(path, {"X": np.arange(50, dtype="uint8")}, do_compression=True)
    good = path.read_bytes()
    for place in range(128, len(good)):
        path.write_bytes(good[:place] + bytes([good[place] ^ 0x55]) + good[place + 1 :])
        try:
            found = read_arrays(path, ["X"])
        except (ValueError, struct.error, zlib.error):
            continue
        assert found == {}  # the name is another one
