"""A problem small enough that NumPy can check every number: 3 classes of 3x3 images."""

import keras
import numpy as np
import pytest

from keras_isa import DistilledData
from keras_isa.datasets import train_test_from_arrays
from keras_isa.evaluation import Students

SHAPE = (3, 3, 1)
CLASSES = 3
NAMES = ("low", "middle", "high")
RECIPE = {"steps": 7, "warmup_steps": 3, "learning_rate": 0.05, "augmentation": []}


def linear_network():
    """Logits linear in the pixels; the features are the pixels and twice the first of them."""
    inputs = keras.Input(SHAPE)
    pixels = keras.layers.Flatten()(inputs)
    features = keras.layers.Concatenate()([pixels, 2 * pixels[:, :1]])
    return keras.Model(inputs, [keras.layers.Dense(CLASSES)(pixels), features])


@pytest.fixture
def network():
    return linear_network


@pytest.fixture(scope="session")
def data():
    """Train and test parts: each class has a mean of its own, in noise."""
    rng = np.random.default_rng(0)
    means = 40 * rng.normal(size=(CLASSES, *SHAPE))

    def part(size):
        y = np.arange(size) % CLASSES
        return means[y] + 30 * rng.normal(size=(size, *SHAPE)), y

    return train_test_from_arrays(*part(30), *part(19), class_names=NAMES, name="means")


@pytest.fixture
def distilled(data):
    """Two images per class, with a recipe and a record."""
    train, _ = data
    return DistilledData.from_samples(
        train.x,
        train.y,
        2,
        seed=1,
        class_names=NAMES,
        recipe=dict(RECIPE),
        provenance={"regularization": 1e-2, "flip": True},
    )


@pytest.fixture
def asked(monkeypatch):
    """Replaces the training by a record of the data that networks get."""
    calls = []

    def train(students, images, labels, seed=0, progress=None, rates=(1.0,)):
        given = {"images": images, "labels": labels, "seed": seed, "rates": tuple(rates)}
        calls.append({**given, "students": students})
        if progress is not None:
            progress(students.steps)

    def accuracies(students, x, y, preprocess, **regression):
        calls[-1] |= {"x": x, "y": y, "preprocess": preprocess, **regression}
        values = np.linspace(0, 1, students.repeats)
        return values, values / 2

    monkeypatch.setattr(Students, "train", train)
    monkeypatch.setattr(Students, "accuracies", accuracies)
    return calls
