"""Looks at networks while they train."""

import keras
import numpy as np
import pytest

from keras_isa import backend
from keras_isa.evaluation import Recipe, Students
from keras_isa.inputs.arrays import to_numpy


def weights_of(group, index):
    return [to_numpy(value) for value in group.networks.read(index).weights]


@pytest.mark.parametrize("threads", [False, True])
def test_looks_change_nothing_and_see_every_stage(threads, monkeypatch):
    if threads and keras.backend.backend() != "jax":
        pytest.skip("threads are JAX's")
    monkeypatch.setattr(backend, "computes_in_threads", lambda: threads)
    about = {"width": 3, "depth": 1, "warmup_steps": 0, "learning_rate": 0.01, "batch_size": 4}
    rng = np.random.default_rng(0)
    images = rng.normal(size=(6, 4, 4, 1)).astype("float32")
    labels = rng.normal(size=(6, 3)).astype("float32")
    ended = {}
    for steps in (3, 7):
        recipe = Recipe(steps=steps, schedule="constant", **about)
        group = Students(6, (4, 4, 1), 3, recipe, repeats=2)
        group.train(images, labels, seed=3)
        ended[steps] = weights_of(group, 1)
    stages, said = [], []

    def look():
        stages.append(weights_of(group, 1))

    group.train(images, labels, seed=3, progress=said.append, look=look, looks=3)
    assert len(stages) == 3 and said[-1] == 7 and said == sorted(said)  # after 3, 5 and 7 steps
    for stage, steps in ((0, 3), (2, 7)):
        for found, expected in zip(stages[stage], ended[steps], strict=True):
            np.testing.assert_array_equal(found, expected)
