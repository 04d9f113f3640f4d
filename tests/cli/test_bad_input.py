"""Bad input is refused in one line that names it, before any work and without any file."""

import numpy as np
import pytest

# ------------------------------------------------------------------ datasets


def with_pixel(images, place, value):
    images = images.astype("float32")
    images[place] = value
    return images


# The change to the arrays of a good dataset, and the name in the message.
NPZ_CHANGES = {
    "missing key": (lambda good: {"y_test": None}, "y_test"),
    "different lengths": (lambda good: {"y_train": good["y_train"][:-1]}, "y_train"),
    "different lengths in the test part": (lambda good: {"x_test": good["x_test"][:-1]}, "y_test"),
    "empty class": (
        lambda good: {
            "y_train": np.where(good["y_train"] == 1, 0, good["y_train"]),
            "class_names": np.array(["a", "b", "c"]),
        },
        "class 1 has no images",
    ),
    "negative label": (lambda good: {"y_train": good["y_train"] - 1}, "y_train"),
    "test label out of range": (lambda good: {"y_test": good["y_test"] + 1}, "y_test"),
    "labels that are not integers": (
        lambda good: {"y_train": good["y_train"].astype("float32")},
        "y_train",
    ),
    "one-hot labels": (
        lambda good: {"y_train": np.eye(3, dtype="int64")[good["y_train"]]},
        "y_train",
    ),
    "NaN pixel": (
        lambda good: {
            "x_train": with_pixel(good["x_train"], (3, 1, 1), np.nan),
            "x_test": good["x_test"] * 1.0,
        },
        "x_train",
    ),
    "infinite pixel": (
        lambda good: {
            "x_train": with_pixel(good["x_train"], (5, 0, 0), np.inf),
            "x_test": good["x_test"] * 1.0,
        },
        "x_train",
    ),
    "flat images beside others": (
        lambda good: {"x_train": good["x_train"].reshape(len(good["x_train"]), -1)},
        "x_test",
    ),
    "other test images": (lambda good: {"x_test": np.zeros((9, 5, 5, 1), "uint8")}, "x_test"),
    "objects": (lambda good: {"x_train": np.array([None] * len(good["x_train"]))}, "x_train"),
}


def test_a_single_class(refuse, npz, problem):
    path = npz(**{name: 0 * array for name, array in problem().items() if name[0] == "y"})
    message = refuse("distill", path)
    assert message == "DATASET: `source` must hold two classes or more. Received: '0' alone"


@pytest.mark.parametrize("case", NPZ_CHANGES)
def test_unusable_arrays(refuse, npz, case, problem):
    changes, named = NPZ_CHANGES[case]
    message = refuse("distill", npz(**changes(problem())))
    assert message.startswith("DATASET: ") and named in message


def test_unusable_datasets(refuse, tmp_path):
    (tmp_path / "text.npz").write_text("not an archive")
    np.save(tmp_path / "single.npy", np.zeros(3))
    for word in ("absent.npz", "text.npz", "single.npy", "cifar1000", ""):
        message = refuse("distill", word)
        assert message.startswith("DATASET: ") and ".npz" in message


def test_data_that_are_not_prepared(refuse, tmp_path):
    (tmp_path / "prepared").mkdir()
    message = refuse("distill", "tfds:mnist", "--data-dir", "prepared")
    assert message.startswith("DATASET: ")
    assert str(tmp_path / "prepared") in message  # where it looked
    assert "--download" in message and "keras-isa prepare" in message


def test_folders_without_images(refuse, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "texts" / "train" / "a").mkdir(parents=True)
    (tmp_path / "texts" / "train" / "a" / "readme.txt").write_text("no image")
    for word in ("empty", "texts"):
        message = refuse("distill", word)
        assert message.startswith("DATASET: ") and word in message


def test_classes_that_are_not_there(refuse, npz):
    for classes in ("0,7", "0,0", ""):
        assert refuse("distill", npz(), "--classes", classes).startswith("DATASET: ")


def test_a_class_with_too_few_images(refuse, npz):
    message = refuse("distill", npz(), "--ipc", 9)
    assert message.startswith("--ipc: ") and "the 7 images of class 0" in message
    assert "10% of DATASET are held out" in message


# ------------------------------------------------------------------ options

BAD_OPTIONS = {
    "--ipc": [
        *(["0"], ["-1"], ["many"], ["1.5"], ["nan"], ["proportional:0"], ["proportional:"]),
        *(["0=1"], ["0=1,1=2"], ["0=1,1=2,2=0"], ["0=1,1=2,9=3"], ["0=1,0=2,1=1,2=1"], ["0=1;"]),
    ],
    "--preset": [["no-such"], ["digits"]],
    "--preprocessing": [["whiten"], [""], ["ZCA"]],
    "--dtype-policy": [["bfloat16"], [""], ["float64"]],
    "--image-size": [["0"], ["x"]],
    "--trial": [["3"]],
    "--steps": [["0"], ["-3"], ["1e3"]],
    "--batch-size": [["0"], ["-3"], ["x"]],
    "--width": [["0"], ["-1"]],
    "--crucial-fraction": [["0"], ["1.5"], ["-0.5"], ["nan"], ["half"]],
    "--isa-interval": [["nan", "1"], ["0", "inf"], ["-inf", "0"], ["1", "0"], ["a", "b"]],
    "--pairing": [["closest"], [""], ["Nearest"]],
    "--regularization": [["-1e-6"], ["nan"], ["inf"], ["small"]],
    "--seed": [["-1"], ["x"], [str(2**31)]],
    "--repeats": [["0"], ["-1"], ["x"]],
    "--output": [["set.npz"], ["set"], [".keras"], [""], ["no/such/folder/set.keras"]],
    "--no-such-option": [["1"]],
}


@pytest.mark.parametrize("option", BAD_OPTIONS)
def test_bad_options(refuse, npz, option):
    name = npz()
    for values in BAD_OPTIONS[option]:
        assert option in refuse("distill", name, option, *values), values


def test_no_overwrite(refuse, npz, tmp_path, make_asset):
    make_asset(tmp_path / "shades_ipc1.keras")
    assert "--no-overwrite: " in refuse("distill", npz(), "--no-overwrite")
    (tmp_path / "only.png").write_text("kept")
    message = refuse("distill", npz(), "--no-overwrite", "--output", "only.keras")
    assert message == "--no-overwrite: there is already a file only.png"


def test_unwritable_output(refuse, npz, asset, tmp_path):
    name = npz()
    (tmp_path / "folder.keras").mkdir()
    (tmp_path / "taken.png").mkdir()  # where the picture would go
    (tmp_path / "taken.npz").mkdir()
    (tmp_path / "file").write_text("not a folder")
    for place in ("folder.keras", "taken.keras", "file/set.keras", "file/below/set.keras"):
        message = refuse("distill", name, "--output", place)
        assert message.startswith("--output: ") and place[:5] in message
    for place in ("file/set.png", "no/folder/set.png", "taken.png"):
        assert refuse("show", asset, "--output", place).startswith("--output: ")
    assert refuse("show", asset, "--output", "set.jpg").startswith("--output ")
    for kind, place in (("npz", "file/set.npz"), ("npz", "taken.npz"), ("png", "file/folder")):
        message = refuse("export", asset, "--format", kind, "--output", place)
        assert message.startswith("--output: ")


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (("distill", "digits", "--output", ""), "--output"),
        (("distill", "digits", "--log-dir", ""), "--log-dir"),
        (("study", "gallery", "digits", "--output", ""), "--output"),
        (("export", "x.keras", "--output", ""), "--output"),
        (("evaluate", ""), "PATH"),
        (("import", "", "--format", "rcig", "--dataset", "digits", "--output", "x.keras"), "FILE"),
    ],
)
def test_an_empty_path_is_not_the_current_folder(refuse, words, option):
    message = refuse(*words)
    assert message == f"Invalid value for '{option}': must be a path. Received: an empty text"
