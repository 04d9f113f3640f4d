import numpy as np
import pytest

from keras_isa import datasets
from keras_isa.datasets.array_parts import find_array_keys
from keras_isa.datasets.downloads.table_files import files_by_split
from keras_isa.datasets.part_names import PART_NAMES, TEST_NAMES

NAMES = [name for names in PART_NAMES.values() for name in names]


def test_a_name_is_of_one_part():
    assert len(set(NAMES)) == len(NAMES)
    assert all(name == name.lower() and name.isalpha() for name in NAMES)
    assert TEST_NAMES[0] == "test" and set(TEST_NAMES) == set(NAMES) - set(PART_NAMES["train"])


@pytest.mark.parametrize("name", TEST_NAMES)
def test_all_readers_know_the_test_part(name, tmp_path, image_file):
    arrays = (f"x_{name}", f"{name}_labels")
    keys = {"train": ("x_trn", "y_trn"), "test": arrays}
    assert find_array_keys(["x_trn", "y_trn", *arrays]) == keys
    (tmp_path / f"{name}.parquet").touch()
    assert list(files_by_split(tmp_path)) == [
        "test" if name in PART_NAMES["test"] else "validation"
    ]
    for value, part in enumerate(("trainset", name)):
        for kind in "ab":
            image_file(tmp_path / "set" / part / kind / "0.png", np.full((4, 4), value, np.uint8))
    train, test = datasets.load(tmp_path / "set")
    assert train.x.max() == 0 and test.x.min() == 1
