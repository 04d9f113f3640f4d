"""`keras-isa distill --start`."""

import numpy as np
import pytest

import keras_isa
from keras_isa import methods

START = ("--start", "set.keras", "--repeats", 1)
QUIETLY = ("--batch-size", 15, "--quiet")


@pytest.mark.parametrize("method", methods.method_names())
def test_every_method_goes_on_from_a_set(method, run, small, unevaluated, npz, asset, tmp_path):
    before = keras_isa.load(tmp_path / asset)
    slow = "learning_rate=1e-6"
    result = run("distill", npz(), *START, "--method", method, "--set", slow, *QUIETLY)
    assert result.code == 0, result.err
    after = keras_isa.load(tmp_path / "shades_from_set.keras")
    assert after.provenance["method"] == method
    assert after.images_per_class == 1
    distance, again = (
        np.abs(one.to_numpy()[0] - before.to_numpy()[0]).max()
        for one in (after, keras_isa.load(tmp_path / asset))
    )
    # At this rate the first images hardly move; others of the class are further away.
    assert 0 < distance < 0.1 and again == 0
    units = [one.preprocessing.get_weights() for one in (before, after)]
    assert all(np.array_equal(a, b) for a, b in zip(*units, strict=True))


def test_it_has_the_size_of_the_set_and_tells_where_it_comes_from(
    run, small, unevaluated, npz, make_asset, tmp_path
):
    start = make_asset(
        tmp_path / "set.keras",
        parametrization="quantized:8",
        provenance={"method": "dm", "steps": 9, "evaluation": {"accuracy_mean": 0.9}},
    )
    result = run("distill", npz(), *START, "--output", "new.keras")
    assert "are those of the set that the run starts from" in result.err
    after = keras_isa.load(tmp_path / "new.keras")
    assert str(after.parametrization) == "quantized:8"
    assert after.provenance["settings"]["parametrization"] == "quantized:8"
    before = dict(after.provenance["started_from"])
    assert before.pop("file") == "set.keras" and len(before.pop("sha256")) == 64
    assert before == start.provenance
    assert after.provenance["evaluation"]["accuracy_mean"] == 0.5
    assert "--start set.keras" in after.provenance["command"]


def test_a_plan_has_the_size_of_the_set(run, small, npz, make_asset, tmp_path):
    make_asset(tmp_path / "set.keras", parametrization="quantized:8")
    found = run("distill", npz(), *START, "--plan")
    assert found.code == 0 and "parametrization = quantized:8" in found.out


def test_a_set_without_a_record_is_named_too(run, small, unevaluated, npz, asset, tmp_path):
    run("distill", npz(), *START)
    record = keras_isa.load(tmp_path / "shades_from_set.keras").provenance
    assert set(record["started_from"]) == {"file", "sha256"}


def test_a_start_whose_run_has_failed_keeps_its_own_start(
    run, small, unevaluated, npz, make_asset, tmp_path
):
    make_asset(tmp_path / "set.keras", provenance={"started_from": {"file": "first.keras"}})
    run("distill", npz(), *START)
    record = keras_isa.load(tmp_path / "shades_from_set.keras").provenance["started_from"]
    assert (record["file"], record["started_from"]["file"]) == ("set.keras", "first.keras")


def test_a_folder_of_another_start_is_refused(run, small, unevaluated, npz, make_asset, tmp_path):
    name, kept = npz(), ("--resume", "kept", "--quiet")
    make_asset(tmp_path / "set.keras")
    for _ in range(2):
        assert run("distill", name, *START, *kept).code == 0
    make_asset(tmp_path / "set.keras", seed=1)
    for words in (START, ("--repeats", 1)):
        result = run("distill", name, *words, *kept)
        assert result.code == 2 and "the same run" in result.err and "start is" in result.err


def test_settings_are_those_of_the_set(run, small, unevaluated, npz, make_asset, tmp_path):
    make_asset(tmp_path / "set.keras", preprocessing="zca")
    result = run("distill", npz(), *START, "--verbose")
    assert "preprocessing = zca  (--start)" in result.err
    assert "images_per_class = 1  (--start)" in result.err
    record = keras_isa.load(tmp_path / "shades_from_set.keras").provenance
    assert record["settings"]["preprocessing"] == "zca"


def test_numbers_that_take_names_are_told(run, small, unevaluated, npz, problem, asset):
    y = np.array(["ant", "bee", "cat"])
    arrays = problem()
    name = npz(**{part: y[arrays[part]] for part in ("y_train", "y_test")})
    result = run("distill", name, *START)
    assert result.code == 0 and "they are taken as ant, bee, cat, in this order" in result.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--ipc", 1), "--ipc has no meaning with --start"),
        (("--parametrization", "identity"), "parametrization has no meaning with --start"),
        (("--set", "preprocessing=zca"), "preprocessing has no meaning with --start"),
        (("--budget-bytes", 300), "--start has no meaning with --budget-bytes"),
        (("--output", "set.keras"), "--output must be another file than that of --start"),
        (("--classes", "1,0,2"), "--start: `DATASET` must have the class names"),
        (("--classes", "0,1"), "--start: the set has 3 classes. Received: a DATASET with 2"),
        (("--image-size", 2), "--start: `DATASET` must hold images of shape (4, 4, 1)"),
        (("--start", "none.keras"), "--start: "),
        (("--start", ""), "Invalid value for '--start'"),
    ],
)
def test_what_does_not_go_with_it_is_refused(words, message, refuse, npz, make_asset, tmp_path):
    make_asset(tmp_path / "set.keras", class_names=("0", "1", "2"))
    assert message in refuse("distill", npz(), *START, *words)
