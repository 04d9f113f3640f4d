"""Files of NumPy with images and labels."""

import numpy as np
import pytest

from keras_isa.asset.foreign.array_files import read_arrays

X, Y = np.zeros((2, 4, 4, 1)), np.arange(2)


@pytest.mark.parametrize("names", [("images", "labels"), ("image", "label"), ("x", "y")])
def test_pairs_are_found_by_name(tmp_path, names):
    path = tmp_path / "best.npz"
    np.savez_compressed(path, **dict(zip(names, (X, Y), strict=True)), k=3.7)
    found = read_arrays(path)
    np.testing.assert_array_equal(found.images, X)
    np.testing.assert_array_equal(found.labels, Y)
    assert found.unused == ("k of the file",)


def test_other_files_are_refused_and_nothing_is_unpickled(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, pixels=X, labels=Y)
    with pytest.raises(ValueError, match="no images and labels or .* but pixels, labels"):
        read_arrays(path)
    np.savez(path, images=np.array([{}], dtype=object), labels=Y)
    with pytest.raises(ValueError, match="objects"):
        read_arrays(path)
    np.save(tmp_path / "images.npy", np.array([{}], dtype=object))
    np.save(tmp_path / "labels.npy", Y)
    with pytest.raises(ValueError, match="objects"):
        read_arrays(tmp_path / "images.npy")
    (tmp_path / "images.npy").write_bytes(b"\x93NUMPY\x01\x00")
    with pytest.raises(Exception):  # noqa: B017 - `import_set` turns each into one line
        read_arrays(tmp_path / "images.npy")
