"""Arrays of a stranger's file: stored whole and finite, or refused."""

import io

import h5py
import numpy as np
import pytest

import keras_isa
from keras_isa.asset.arrays import checked_values, stored_arrays


def written(**arrays):
    """An HDF5 file with some arrays."""
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        for name, values in arrays.items():
            file.create_dataset(f"vars/{name}", data=values)
    return content.getvalue()


def test_arrays_are_read_as_they_were_written():
    images = np.arange(6, dtype="float32").reshape(2, 3)
    with stored_arrays(written(images=images, labels=images[0])) as arrays:
        assert sorted(arrays) == ["vars/images", "vars/labels"]
        read = checked_values("vars/images", arrays["vars/images"], (2, 3))
        with pytest.raises(ValueError, match=r"'vars/labels' has shape \(3,\).* say \(4,\)"):
            checked_values("vars/labels", arrays["vars/labels"], (4,))
    assert read.dtype == "float32"
    np.testing.assert_array_equal(read, images)


def test_other_numbers_are_refused():
    with stored_arrays(written(images=np.arange(3))) as arrays:
        with pytest.raises(ValueError, match="dtype int64 where its settings say .* float32"):
            checked_values("vars/images", arrays["vars/images"], (3,))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("external link", "'vars/images' is a link"),
        ("virtual array", "'vars/images' is not stored as it is"),
        ("nothing stored", "'vars/images' is not stored whole"),
        ("not a number", "'vars/labels' holds values that are not finite"),
    ],
)
def test_what_is_wrong_is_said(attacked, name, message):
    path, _ = attacked(name)
    with pytest.raises(ValueError, match=f"{message}.*download or save it again. Received: path="):
        keras_isa.load(path)
