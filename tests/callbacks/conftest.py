"""A problem so small that a run takes seconds, and readers of its logs."""

import csv

import keras
import numpy as np
import pytest

from keras_isa import DistilledData, FRePoTrainer

SHAPE, CLASSES = (3, 3, 1), 3


def network():
    inputs = keras.Input(SHAPE)
    features = keras.layers.Flatten()(inputs)
    return keras.Model(inputs, [keras.layers.Dense(CLASSES)(features), features])


@pytest.fixture(scope="module")
def problem():
    rng = np.random.default_rng(0)
    return rng.normal(size=(24, *SHAPE)).astype("float32"), np.arange(24) % CLASSES


@pytest.fixture(scope="module")
def make(problem):
    """`make(rate)` gives a compiled trainer."""

    def trainer(rate=1e-2):
        distilled = DistilledData.from_samples(*problem, 1, preprocessing=None)
        made = FRePoTrainer(distilled, network, pool_size=2)
        made.compile(keras.optimizers.Lamb(rate, epsilon=1e-6))
        return made

    return trainer


@pytest.fixture
def read_csv():
    """`read_csv(path)` gives epochs, and columns of numbers by name."""

    def read(path):
        with open(path, newline="") as file:
            rows = list(csv.DictReader(file))
        epochs = [int(row.pop("epoch")) for row in rows]
        return epochs, {name: [float(row[name]) for row in rows] for name in rows[0]}

    return read


@pytest.fixture
def read_events():
    """`read_events(folder)` gives steps and values of each tag; the values of images are PNGs."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    def written(events):
        # Files of one second are read in the order of their names, not of their writing.
        return sorted(events, key=lambda event: event.wall_time)

    def read(folder):
        found = EventAccumulator(str(folder), size_guidance={"tensors": 0, "images": 0})
        found.Reload()
        numbers = {
            tag: [
                (event.step, make_ndarray(event.tensor_proto))
                for event in written(found.Tensors(tag))
            ]
            for tag in found.Tags()["tensors"]
        }
        images = {
            tag: [(event.step, event.encoded_image_string) for event in written(found.Images(tag))]
            for tag in found.Tags()["images"]
        }
        return {**numbers, **images}

    return read
