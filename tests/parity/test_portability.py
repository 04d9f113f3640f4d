"""A set made on one backend is the same set on the others: arrays, preprocessing, evaluation."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

BACKENDS = ("jax", "tensorflow", "torch")

# One process a backend: it makes its set, waits for the others, and reads the sets of all.
SCRIPT = """
import json, sys
import numpy as np
import keras, keras_isa
folder, name, *made = sys.argv[1:]
train, test = keras_isa.datasets.load("digits")
test = test.x[:40], test.y[:40]
recipe = {"width": 2, "depth": 1, "steps": 3, "warmup_steps": 1}
trainer = keras_isa.FRePoTrainer.from_preset(
    "digits", verbose=False, width=2, depth=1, steps=2, steps_per_execution=2, pool_size=1,
    batch_size=32, epochs=1, preprocessing="block_zca", recipe=recipe)
trainer.fit(train, verbose=0)
trainer.distilled.save(f"{folder}/{name}.keras")
print("made", flush=True)
input()
arrays, scores = {}, {}
for maker in made:
    distilled = keras_isa.load(f"{folder}/{maker}.keras")
    images, labels = distilled.to_numpy()
    arrays |= {f"{maker} images": images, f"{maker} labels": labels}
    arrays[f"{maker} preprocessed"] = keras.ops.convert_to_numpy(distilled(test[0]))
    if maker == made[made.index(name) - 1]:  # one of another backend
        result = keras_isa.evaluate(distilled, test, repeats=1).distilled
        scores[maker] = [*result.accuracies, *result.krr_accuracies]
np.savez(f"{folder}/{name}.npz", **arrays)
print(json.dumps(scores))
"""


@pytest.fixture
def start(tmp_path):
    """`start(backend)` starts the script, which does not outlive the test."""
    source = Path(importlib.util.find_spec("keras_isa").origin).parents[1]
    running = []

    def begin(backend):
        process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(tmp_path), backend, *BACKENDS],
            env={**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(source)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process

    yield begin
    for process in running:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_a_set_is_the_same_on_every_backend(start, tmp_path):
    for package in ("tensorflow", "torch"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"needs {package}")
    processes = {backend: start(backend) for backend in BACKENDS}
    for process in processes.values():
        if process.stdout.readline() != "made\n":
            pytest.fail(process.communicate()[1][-2000:])
    scores, found = {}, {}
    for reader, process in processes.items():
        out, err = process.communicate("all are made\n", timeout=300)
        assert process.returncode == 0, err[-2000:]
        scores[reader] = json.loads(out.splitlines()[-1])
        found[reader] = dict(np.load(tmp_path / f"{reader}.npz"))
    own, *others = (found[reader] for reader in BACKENDS)
    assert len(own) == 9 and np.isfinite(own["torch preprocessed"]).all()
    assert not np.allclose(own["jax images"], own["torch images"], atol=1e-3)
    for name, expected in own.items():
        for other in others:
            if name.endswith("preprocessed"):
                np.testing.assert_allclose(other[name], expected, rtol=0, atol=1e-5)
            else:
                np.testing.assert_array_equal(other[name], expected)
    # Each backend evaluated a set of another one, and all three sets were evaluated.
    assert {maker for of_one in scores.values() for maker in of_one} == set(BACKENDS)
    for reader, of_one in scores.items():
        ((maker, values),) = of_one.items()
        assert maker != reader and len(values) == 2
        assert all(0 <= value <= 1 for value in values)
