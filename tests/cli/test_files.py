"""`keras-isa show` and `keras-isa export`."""

import numpy as np

import keras_isa
from keras_isa import DistilledData


def test_show_draws_beside_the_file(run, asset, tmp_path):
    result = run("show", asset)
    assert result.code == 0 and result.out == "wrote set.png\n"
    assert (tmp_path / "set.png").read_bytes().startswith(b"\x89PNG")


def test_both_kinds_of_files_are_written(run, asset, tmp_path):
    assert run("export", asset, "--format", "npz", "--output", "set.npz").out == "wrote set.npz\n"
    with np.load(tmp_path / "set.npz") as arrays:
        expected = keras_isa.load(tmp_path / asset).to_numpy("pixels")[0]
        np.testing.assert_array_equal(arrays["images"], expected)
    assert run("export", asset, "--format", "png", "--output", "png").out == "wrote png\n"
    assert len(list((tmp_path / "png").glob("*/*.png"))) == 3


def test_pictures_that_cannot_be_exported(refuse, tmp_path):
    distilled = DistilledData.from_arrays(np.zeros((2, 4, 4, 2)), np.eye(2))
    distilled.save(tmp_path / "two.keras")
    message = refuse("export", "two.keras", "--format", "png", "--output", "folder")
    assert message.startswith("--output: ") and "channels" in message


def test_export_needs_its_options(refuse, asset):
    assert "--format" in refuse("export", asset, "--output", "x.npz")
    assert "--format" in refuse("export", asset, "--format", "zip", "--output", "x.zip")
    assert "--output" in refuse("export", asset, "--format", "npz")
