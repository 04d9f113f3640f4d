"""Records without the folders of a machine."""

import copy

import pytest

from keras_isa.asset.public_record import without_folders


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("digits", "digits"),
        ("/home/jane/secret/mnist.npz", "mnist.npz"),
        ("secret/mnist.npz", "mnist.npz"),
        ("~/mnist.npz", "mnist.npz"),
        ("C:\\Users\\jane\\mnist.npz", "mnist.npz"),
        ("/home/jane/flowers/", "flowers"),
        ("/", "unnamed"),
        ("tfds:imagenet_resized/64x64", "tfds:imagenet_resized/64x64"),
        ("tfds:/home/jane/own", "tfds:own"),
        (None, None),
    ],
)
def test_the_data_set_has_its_name(source, expected):
    assert without_folders({"dataset": source}) == {"dataset": expected}


def test_paths_anywhere_and_nothing_else():
    record = {
        "method": "frepo",
        "seed": 3,
        "settings": {"teacher": "/home/jane/net.keras", "interval": [0.0, 0.5], "none": None},
        "load_options": {
            "data_dir": "/home/jane/tfds",
            "classes": ["/m/01g317", "b"],
            "split": 0.2,
        },
        "tuning": {"trials": [{"folder": "/home/jane/trial_1"}]},
    }
    before = copy.deepcopy(record)
    found = without_folders(record)
    assert record == before
    assert "jane" not in str(found)
    assert found["settings"] == {"teacher": "net.keras", "interval": [0.0, 0.5], "none": None}
    assert found["load_options"] == {"classes": ["/m/01g317", "b"], "split": 0.2}
    assert without_folders(found) == found
