"""`--task regression` from the data to an exported set, and what it is refused for."""

import json

import numpy as np
import pytest

import keras_isa


@pytest.fixture
def numbers(tmp_path):
    """An .npz file of 60 rows with two targets, which are linear in the features."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 4)).astype("float32")
    y = x[:, :2] * [1.0, 50.0] + [3.0, 400.0] + 0.1 * rng.normal(size=(60, 2))
    path = tmp_path / "numbers.npz"
    names = np.array(["height", "weight"])
    np.savez(path, x_train=x[:40], y_train=y[:40], x_test=x[40:], y_test=y[40:], class_names=names)
    return path


def test_distil_evaluate_show_and_export(run, small, numbers, tmp_path):
    result = run("distill", numbers, "--task", "regression", "--ipc", 5, "--repeats", 2)
    assert result.code == 0, result.err
    assert "5 rows, test R^2" in result.out and "RMSE of weight" in result.out
    assert "2 targets" in result.err and "r2: " in result.err
    path = tmp_path / "numbers_ipc5.keras"
    distilled = keras_isa.load(path)
    assert distilled.class_counts == (5,) and distilled.class_names == ("height", "weight")
    assert distilled.target_units.mean[1] == pytest.approx(400, abs=30)
    found = json.loads(run("evaluate", path, "--repeats", 2, "--json").out)
    assert set(found["rmse"]) == {"height", "weight"}
    again = run("evaluate", path, "--dataset", numbers, "--repeats", 2, "--json")
    assert json.loads(again.out)["r2_mean"] == found["r2_mean"]
    assert run("show", path).code == 0
    assert run("export", path, "--format", "npz", "--output", tmp_path / "out.npz").code == 0
    with np.load(tmp_path / "out.npz") as arrays:
        assert arrays["targets"][:, 1].mean() > 200


def test_a_test_part_comes_from_the_rows(run, small, tmp_path, unevaluated):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 4)).astype("float32")
    np.savez(tmp_path / "whole.npz", x=x, y=np.arange(50))  # integers, which are numbers here
    train, test = keras_isa.datasets.load(tmp_path / "whole.npz", task="regression", split=0.2)
    assert (len(train), len(test)) == (40, 10) and train.y.dtype == np.float64


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--method", "dm"], "--task: `task` must be 'classification' for the method dm"),
        (["--ipc", "proportional"], "--ipc must be a number of rows for --task regression"),
        (["--classes", "a,b"], "--classes has no meaning with --task regression"),
        (["--ipc", "38"], "--ipc: `images_per_class` must be at most the 36 rows"),
    ],
)
def test_what_a_regression_has_not_is_refused(refuse, numbers, words, message):
    assert message in refuse("distill", numbers, "--task", "regression", *words)


def test_other_sources_say_what_to_do(refuse, numbers):
    message = refuse("distill", "digits", "--task", "regression")
    assert "`task` must not be given unless" in message and "Dataset.from_arrays" in message
    assert "--task regression at the command line" in refuse("distill", numbers)
    assert "a search compares accuracies" in refuse("tune", numbers, "--task", "regression")


def test_a_target_that_does_not_vary_is_refused_with_the_data(refuse, numbers):
    with np.load(numbers) as arrays:
        values = dict(arrays)
    values["y_train"][:, 1] = 3.0
    np.savez(numbers, **values)
    message = refuse("distill", numbers, "--task", "regression", "--ipc", 5)
    assert message.startswith("DATASET: `y` must hold targets that vary")
    assert "target weight" in message
