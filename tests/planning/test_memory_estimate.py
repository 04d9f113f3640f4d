"""Counted bytes of the data of a run, against arrays and layers that are made."""

import math

import keras
import numpy as np
import pytest

from keras_isa import DistilledData
from keras_isa.planning.memory_estimate import DataMemory, bytes_of
from keras_isa.presets import Settings

SHAPE = (8, 8, 1)
CLASSES = 3
SMALL = Settings(
    images_per_class=2, width=4, depth=1, batch_size=16, steps=20, epochs=2, pool_size=3
)


def data_memory(settings=SMALL, shape=SHAPE, train=100, test=20, pixel_bytes=1, stored=False):
    return DataMemory(settings, shape, train, test, pixel_bytes, stored)


def test_images_are_counted_in_the_form_that_fit_would_give_them():
    whitened = SMALL.with_changes(preprocessing="zca")
    assert data_memory().placement == "pixels"
    assert data_memory(whitened).placement == "prepared"
    assert data_memory(whitened).on_device("prepared")["images, prepared"] == 90 * 64 * 4
    assert data_memory(pixel_bytes=4).on_device("pixels")["images, pixels"] == 90 * 64 * 4
    huge = data_memory(train=10**12, stored=True)
    assert huge.placement == "host"
    assert huge.train_bytes == 0
    assert huge.on_device("host")["images, host"] < 100 * 16 * 64
    assert data_memory(train=10**12).placement == "pixels"  # an array is in memory already


def test_whitening_is_counted_as_it_will_be():
    images = np.random.default_rng(0).integers(0, 256, (100, 8, 8, 1)).astype("uint8")
    for kind, rows in (("zca", 90), ("zca", 40), ("block_zca", 3), ("standardize", 90)):
        settings = SMALL.with_changes(preprocessing=kind, validation_split=0.0)
        counted = data_memory(settings, train=rows)
        distilled = DistilledData.from_samples(
            images[:rows], np.arange(rows) % CLASSES, 1, preprocessing=kind
        )
        if kind == "standardize":
            assert counted.statistics == counted.whitening == 0
            continue
        channels = 2 * 4  # mean and spread of a channel are not worth counting
        assert counted.directions == distilled.preprocessing.scale.shape[0]
        assert counted.statistics == bytes_of(distilled.preprocessing.variables) - channels


@pytest.mark.parametrize(
    ("train", "share", "held_out", "chunk"),
    [(100, 0.1, 10, 10), (100, 0.0, 0, 0), (10_000, 0.2, 2000, 1000), (10_000, 0.33, 3300, 825)],
)
def test_images_are_divided_into_those_to_fit_and_those_held_out(
    monkeypatch, train, share, held_out, chunk
):
    monkeypatch.setattr("keras_isa.planning.memory_estimate.VALIDATION_CHUNK", 1000)
    monkeypatch.setattr("keras_isa.planning.memory_estimate.MOST_VALIDATION_IMAGES", 10_000)
    memory = data_memory(SMALL.with_changes(validation_split=share), train=train)
    assert (memory.fit_size, memory.validation_size) == (train - held_out, held_out)
    assert memory.validation_chunk == chunk
    pixels = math.prod(SHAPE)
    copies = train * pixels if held_out else 0
    assert memory.loaded == {"images": (train + 20) * pixels, "images, divided": copies}
    assert memory.on_device("pixels")["validation"] == 2 * held_out * pixels


def test_stored_images_are_read_when_they_are_needed():
    memory = data_memory(stored=True)
    assert memory.loaded == {"images": 0, "images, divided": 0}
    assert memory.preparation("pixels") == (90 * 64, 0)
    assert data_memory().preparation("pixels") == (0, 0)
    during, after = data_memory(SMALL.with_changes(preprocessing="zca")).preparation("prepared")
    assert during == after == 16 * 90 * 64 * 4  # small results stay with the allocator


def test_bytes_of_variables():
    arrays = np.zeros((2, 3), "float32"), np.zeros((), "int8")
    made = [keras.Variable(a, dtype=a.dtype.name, trainable=False) for a in arrays]
    assert bytes_of(made) == 25
