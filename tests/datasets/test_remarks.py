import os
from pathlib import Path

import pytest

from keras_isa.datasets.remarks import Remarks, shown_path


def test_one_warning_for_each_reason():
    remarks = Remarks(Path("pets"))
    remarks.add("empty", Path("pets/cat/1.jpg"))
    remarks.add("left out", Path("pets/val"), 40)
    remarks.add("empty", Path("pets/cat/2.png"))
    with pytest.warns(UserWarning) as caught:
        remarks.warn()
    assert [str(one.message) for one in caught] == [
        "pets: empty: 2 (.jpg, .png), cat/1.jpg and cat/2.png",
        "pets: left out: 40, such as val",
    ]


def test_names_that_cannot_be_printed():
    path = Path("pets", os.fsdecode(b"caf\xe9"), "a\nb.jpg")
    assert shown_path(path, Path("pets")) == r"caf\udce9/a\nb.jpg"


def test_what_an_archive_is_unpacked_to_is_named_as_the_archive():
    root = Path("/tmp/.unpacked-abc/pets.zip")
    remarks = Remarks(root)
    remarks.add("empty", root / "cat" / "1.jpg")
    assert remarks.lines() == ["pets.zip: empty: 1, cat/1.jpg"]
    assert shown_path(root / "cat") == "pets.zip/cat"
