"""Images that stay where they are stored."""

import numpy as np
import pytest

from keras_isa.inputs.arrays import StoredImages, chunks, empty_for_device, padded, select


@pytest.fixture
def pair(tmp_path):
    """The same images in memory and in a memory-mapped file."""
    x = np.random.default_rng(0).integers(0, 256, (20, 3, 4, 2)).astype("uint8")
    np.save(tmp_path / "x.npy", x)
    return x, StoredImages(np.load(tmp_path / "x.npy", mmap_mode="r"))


def test_looks_like_the_array(pair):
    x, stored = pair
    for name in ("shape", "dtype", "ndim", "size", "nbytes"):
        assert getattr(stored, name) == getattr(x, name)
    assert len(stored) == 20


@pytest.mark.parametrize(
    "rows",
    [
        slice(None),
        slice(3, 9),
        slice(-4, None, 2),
        [5, 1, 1],
        np.array([19, 0]),
        np.arange(20) % 3 == 0,
        7,
        np.int64(2),
        [],
    ],
)
def test_reads_the_rows_of_the_array(pair, rows):
    x, stored = pair
    expected = x[np.asarray(rows, int) if isinstance(rows, list) else rows]
    result = stored[rows]
    assert type(result) is np.ndarray
    np.testing.assert_array_equal(result, expected)
    if not isinstance(rows, int | np.integer):
        chosen = select(stored, rows)
        assert isinstance(chosen, StoredImages) and chosen.shape == expected.shape
        np.testing.assert_array_equal(chosen[:], expected)


def test_select_indexes_an_array():
    x = np.arange(6).reshape(3, 2)
    np.testing.assert_array_equal(select(x, [2, 0]), x[[2, 0]])


def test_a_selection_of_a_selection(pair):
    x, stored = pair
    twice = stored.select(np.arange(20) >= 10).select([3, 1])
    np.testing.assert_array_equal(twice[:], x[[13, 11]])
    np.testing.assert_array_equal(twice[1], x[11])


def test_selecting_reads_nothing():
    class Unreadable:
        shape, dtype = (9, 2), np.dtype("uint8")

        def __getitem__(self, rows):
            raise AssertionError("read")

    stored = StoredImages(Unreadable()).select([4, 2])
    assert stored.shape == (2, 2)
    with pytest.raises(AssertionError, match="read"):
        stored[0]


def test_reading_gives_memory_of_its_own(pair):
    x, stored = pair
    first = stored[:2]
    first[:] = 0
    np.testing.assert_array_equal(stored[:2], x[:2])


def test_chunks_walk_through_in_order(pair):
    x, stored = pair
    for images in (x, stored, (x[a : a + 7] for a in range(0, 20, 7))):
        parts = list(chunks(images, 7))
        assert [len(part) for part in parts] == [7, 7, 6]
        np.testing.assert_array_equal(np.concatenate(parts), x)


@pytest.mark.parametrize("shape", [(3, 5), (1,), (1000, 7, 3)])
def test_arrays_for_the_device_start_at_a_multiple_of_64_bytes(shape):
    for _ in range(5):
        array = empty_for_device(shape)
        assert array.shape == shape and array.dtype == np.float32
        assert array.ctypes.data % 64 == 0 and array.flags.c_contiguous


def test_a_short_part_is_filled_up_with_its_first_row():
    part = np.arange(6).reshape(3, 2)
    np.testing.assert_array_equal(padded(part, 5), [[0, 1], [2, 3], [4, 5], [0, 1], [0, 1]])
    assert padded(part, 3) is part
