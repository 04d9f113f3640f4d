"""`keras-isa show`, `keras-isa export` and `keras-isa prepare`."""

import keras
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


def test_the_first_images_are_exported_alone(run, refuse, tmp_path):
    images, labels = np.arange(4 * 16.0).reshape(4, 4, 4, 1), np.eye(2).repeat(2, axis=0)
    DistilledData.from_arrays(images, labels).save(tmp_path / "two.keras")
    options = ("--first", 1, "--output")
    result = run("export", "two.keras", "--format", "keras", *options, "one.keras")
    assert result.out == "wrote one.keras\n"
    cut = keras_isa.load(tmp_path / "one.keras")
    np.testing.assert_array_equal(cut.to_numpy()[0], images[[0, 2]])
    assert (cut.provenance["cut_from"], cut.provenance["images_per_class"]) == (2, 1)
    assert run("export", "two.keras", "--format", "npz", *options, "one.npz").code == 0
    with np.load(tmp_path / "one.npz") as arrays:
        np.testing.assert_array_equal(arrays["labels"], np.eye(2))
    message = refuse("export", "two.keras", "--format", "npz", "--first", 3, "--output", "x.npz")
    assert message.startswith("--first: ") and "at most" in message and "3" in message
    message = refuse("export", "two.keras", "--format", "keras", *options, "one.npz")
    assert message.startswith("--output must end in .keras")
    assert "was not trained for its parts" in result.err
    before = (tmp_path / "two.keras").read_bytes()
    message = refuse("export", "two.keras", "--format", "keras", *options, "two.keras")
    assert message.startswith("--output must be another file than PATH")
    message = refuse("export", "two.keras", "--format", "npz", "--output", "two.keras")
    assert message.startswith("--output must end in .npz for --format npz")
    message = refuse("export", "two.keras", "--format", "png", "--output", "two.keras")
    assert message.startswith("--output must be a folder for --format png")
    assert (tmp_path / "two.keras").read_bytes() == before


def test_export_needs_its_options(refuse, asset):
    assert "--format" in refuse("export", asset, "--output", "x.npz")
    assert "--format" in refuse("export", asset, "--format", "zip", "--output", "x.zip")
    assert "--output" in refuse("export", asset, "--format", "npz")


def test_prepare_and_use(run, small, unevaluated, npz, tmp_path, only_json, monkeypatch):
    monkeypatch.setattr("keras_isa.planning.plan._SECONDS", 0.0)  # a forecast from one step
    name = npz()
    for kind, output, dataset in (
        ("npz", "ready.npz", ("ready.npz",)),
        ("npy", "ready", ("ready",)),
        ("tfds", "data", ("tfds:shades", "--data-dir", "data")),
    ):
        result = run("prepare", "shades", name, "--format", kind, "--output", output)
        assert result.code == 0, result.err
        assert result.out.startswith("wrote ") and output in result.out and "24" in result.out
        train, test = keras_isa.datasets.load(*dataset[:1], data_dir=(*dataset, None, None)[2])
        assert (len(train), len(test), train.image_shape) == (24, 9, (4, 4, 1))
    planned = run("distill", "ready", "--plan", "--trial", 2, "--json")
    if keras.backend.backend() == "jax":
        plan = only_json(planned)
        assert plan["trial"]["seconds_per_step"] > 0 and plan["fits"] is True
    else:
        assert planned.code == 2 and "a forecast needs JAX" in planned.err
    assert not list(tmp_path.glob("*.keras"))  # a plan writes nothing
    only_json(run("distill", *dataset, "--repeats", 1, "--json"))
    assert keras_isa.load(tmp_path / "shades_ipc1.keras").provenance["dataset"] == "tfds:shades"
