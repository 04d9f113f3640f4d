"""The command in its own process: its backend, and an interrupt from outside."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import keras_isa


def process(*words, folder, **environment):
    """Starts `keras-isa`; variables of the environment that are None are unset."""
    source = Path(importlib.util.find_spec("keras_isa_command").origin).parent
    variables = {**os.environ, "PYTHONPATH": str(source), "PYTHONUNBUFFERED": "1", **environment}
    return subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from keras_isa_command import main; main()",
            *map(str, words),
            "--no-cache",
        ],
        cwd=folder,
        env={name: value for name, value in variables.items() if value is not None},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_whitened_set_scores_the_same_elsewhere(tmp_path, digits, only_json, check_scores):
    """Another process whitens raw bytes with the statistics in the file, as this process does.

    The backend there is JAX, as nobody chooses one but the configuration file of Keras.
    """
    tint = np.array([1.0, 0.7, 0.4])
    arrays = {}
    for part, data in zip(("train", "test"), digits, strict=True):
        arrays[f"x_{part}"] = (255 / 16 * data.x * tint).astype("uint8")
        arrays[f"y_{part}"] = data.y
    np.savez(tmp_path / "tinted.npz", **arrays)
    train, test = keras_isa.datasets.load(tmp_path / "tinted.npz")
    assert train.x.dtype == np.uint8 and train.image_shape == (8, 8, 3)
    recipe = {"width": 4, "depth": 1, "steps": 60, "warmup_steps": 5, "learning_rate": 0.01}
    distilled = keras_isa.DistilledData.from_samples(
        train.x, train.y, 2, preprocessing="zca", recipe=recipe, provenance={"regularization": 1e-3}
    )
    here = keras_isa.evaluate(distilled, test, train=train, repeats=2).to_dict()
    assert here["accuracy_mean"] > 0.3  # chance is 0.1: the images do come in whitened
    distilled.save(tmp_path / "set.keras")

    words = ("evaluate", "set.keras", "--dataset", "tinted.npz", "--repeats", 2, "--json")
    (tmp_path / "keras.json").write_text(json.dumps({"backend": "tensorflow"}))
    running = process(*words, folder=tmp_path, KERAS_BACKEND=None, KERAS_HOME=str(tmp_path))
    out, err = running.communicate(timeout=240)
    there = only_json(SimpleNamespace(code=running.returncode, out=out, err=err))
    check_scores(there)
    for name in ("accuracy_mean", "accuracy_std", "krr_accuracy_mean", "baselines"):
        assert there[name] == here[name]


@pytest.mark.parametrize("backend", ["numpy", "no-such-backend"])
def test_another_backend_is_refused(backend, npz, tmp_path, listing):
    name = npz()
    before = listing(tmp_path)
    running = process("distill", name, folder=tmp_path, KERAS_BACKEND=backend)
    out, err = running.communicate(timeout=120)
    assert running.returncode == 2, err
    assert out == "" and "Traceback" not in err
    ours = [line for line in err.splitlines() if line.startswith("keras-isa: ")]
    assert ours == err.splitlines()[-1:]
    assert backend in ours[0]
    assert listing(tmp_path) == before


def test_interrupt_ends_the_training_and_keeps_the_set(npz, tmp_path):
    words = ("distill", npz(), "--width", 4, "--steps", 10_000_000, "--output", "out.keras")
    running = process(*words, folder=tmp_path)
    lines = []
    try:
        for line in running.stderr:
            lines.append(line)
            if line.startswith("Epoch 1/"):
                running.send_signal(signal.SIGINT)
                break
        out, rest = running.communicate(timeout=120)
    finally:
        running.kill()
    lines += rest.splitlines(keepends=True)
    assert running.returncode == 130, "".join(lines)
    assert out == "" and not any("Traceback" in line for line in lines)
    assert lines[-1] == "interrupted; what was distilled so far is in out.keras\n"
    distilled = keras_isa.load(tmp_path / "out.keras")
    assert 0 < distilled.provenance["steps"] < 10_000_000
    assert np.isfinite(distilled.to_numpy()[0]).all()
    assert (tmp_path / "out.png").is_file()
