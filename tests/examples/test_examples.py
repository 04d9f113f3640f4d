"""Each example, short, and whether what it prints and writes has any content."""

import ast
import importlib.util
import re

import numpy as np
import pytest

from keras_isa import datasets

# Ten classes: chance is 10 %; ten real images give about 70 %.
WELL_ABOVE_CHANCE = 40


def scores(table, start):
    """The numbers with one decimal in the line of a table that starts with these words."""
    line = next(line for line in table.splitlines() if line.strip().startswith(start))
    return [float(number) for number in re.findall(r"\d+\.\d\b", line)]


def test_every_example_is_short_and_explained(examples):
    index = (examples / "README.md").read_text("utf-8")
    scripts = sorted(examples.glob("*.py"))
    assert len(scripts) >= 9
    for script in scripts:
        text = script.read_text("utf-8")
        assert len(text.splitlines()) < 100, script.name
        explanation = ast.get_docstring(ast.parse(text)) or ""
        assert f"    python examples/{script.name}" in explanation, script.name
        assert f"[{script.name}]({script.name})" in index, script.name
    for notebook in examples.glob("*.ipynb"):
        assert f"[{notebook.name}]({notebook.name})" in index, notebook.name


@pytest.mark.slow
def test_a_quick_start(run, picture):
    table = run("quick_start.py", "--steps", "20", "--networks", "1")
    picture("digits_ipc1.png")
    assert scores(table, "distilled")[0] > WELL_ABOVE_CHANCE
    assert scores(table, "k-means")[0] > WELL_ABOVE_CHANCE


@pytest.mark.slow
def test_fashion_mnist(run, picture, digits, tmp_path):
    # Digits in its form: what the example does with them is all the same.
    train, test = digits

    def enlarged(x):
        large = np.kron(x[..., 0], np.ones((1, 3, 3))) * 255 / 16
        return np.pad(large, ((0, 0), (2, 2), (2, 2))).astype("uint8")

    np.savez(
        tmp_path / "digits28.npz",
        x_train=enlarged(train.x),
        y_train=train.y.astype("uint8"),
        x_test=enlarged(test.x),
        y_test=test.y.astype("uint8"),
    )
    table = run("fashion_mnist.py", "digits28.npz", "--steps", "4", "--networks", "1")
    picture("fashion_mnist_ipc1.png")
    assert (tmp_path / "fashion_mnist_ipc1.keras").is_file()
    assert scores(table, "distilled")[0] > WELL_ABOVE_CHANCE


@pytest.mark.slow
def test_a_folder_of_images(run, picture, digits, tmp_path):
    table = run("image_folder.py", "--steps", "10", "--networks", "1")
    assert scores(table, "distilled")[0] > WELL_ABOVE_CHANCE
    picture("digit_images_distilled.png")
    assert (tmp_path / "digit_images_distilled.keras").is_file()
    for part, written in zip(digits, datasets.load(tmp_path / "digit_images"), strict=True):
        assert np.array_equal(np.bincount(part.y), np.bincount(written.y))
        assert written.x.sum() == pytest.approx(part.x.sum() * 255 / 16, rel=1e-3)


@pytest.mark.slow
def test_a_network_of_ones_own(run, picture):
    table = run("own_network.py", "--steps", "10", "--networks", "1")
    picture("own_network.png")
    for maker in ("ConvNet", "SmallCNN"):
        found = scores(table, f"distilled with {maker}")[::2]  # every second is a deviation
        assert len(found) == 2 and min(found) > WELL_ABOVE_CHANCE


@pytest.mark.slow
def test_tuning(run, picture, tmp_path):
    table = run("tune_settings.py", "--steps", "20", "--trials", "2", "--networks", "1")
    picture("digits_tuned.png")
    picture("digits_tuned_trials.png")
    assert (tmp_path / "digits_tuned.keras").is_file()
    assert "crucial_fraction" in table and "regularization" in table
    assert scores(table, "settings themselves")[0] > WELL_ABOVE_CHANCE


@pytest.mark.slow
def test_networks_on_a_distilled_set(run, ten_images):
    table = run("train_on_distilled.py", str(ten_images), "--epochs", "50")
    found = scores(table, "10 distilled images")
    assert found[0] > WELL_ABOVE_CHANCE
    assert found == scores(table, "10 random real images")  # the very same images here


@pytest.mark.slow
def test_pytorch_on_a_distilled_set(start, run, ten_images):
    if importlib.util.find_spec("torch") is None:
        done = start("train_on_distilled_torch.py", str(ten_images))
        assert done.returncode == 1
        assert done.stderr == "this example needs PyTorch: pip install torch\n"
        return
    table = run("train_on_distilled_torch.py", str(ten_images), "--epochs", "50")
    found = scores(table, "10 distilled images")
    assert found[0] > WELL_ABOVE_CHANCE
    assert found == scores(table, "10 random real images")


@pytest.mark.slow
def test_scikit_learn_on_a_distilled_set(run, ten_images):
    table = run("train_on_distilled_sklearn.py", str(ten_images), "--draws", "1")
    for model in ("linear ridge", "kernel ridge", "nearest image", "two-layer network"):
        distilled, real, _ = scores(table, model)
        assert distilled == real > WELL_ABOVE_CHANCE


@pytest.mark.slow
def test_layers_alone(run):
    table = run("layers_alone.py", "--epochs", "10", "--seeds", "1")
    for row in ("dense layer", "ridge regression", "+ crucial", "+ semantic", "+ both"):
        assert scores(table, row)[0] > WELL_ABOVE_CHANCE


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "named"),
    [
        (["fashion_mnist.py", "absent.npz"], "absent.npz"),
        (["image_folder.py", "absent"], "absent"),
        (["tune_settings.py", "--tuner", "best"], "best"),
        (["train_on_distilled.py", "absent.keras"], "absent.keras"),
    ],
)
def test_wrong_input_is_refused_in_one_line(start, command, named):
    done = start(*command)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    *_, last = done.stderr.splitlines()
    assert last.startswith(f"{command[0]}: error: ") and named in last
