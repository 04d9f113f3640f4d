"""What the augmentations have in common: the draw of one operation, and its two halves."""

import keras
import numpy as np
import pytest

from keras_isa.layers import EvaluationAugmentation, SiameseAugmentation
from keras_isa.layers.augmentation import draw_operation, to_integer
from keras_isa.layers.evaluation_augmentation import OPERATIONS
from keras_isa.ops.random import KeySequence


def keys(count):
    generator = keras.random.SeedGenerator(11)
    return [generator.next() for _ in range(count)]


@pytest.mark.parametrize(
    "layer",
    [
        EvaluationAugmentation(OPERATIONS, seed=0),
        SiameseAugmentation(seed=0, per_image=False),
        SiameseAugmentation(seed=0, per_image=True),
    ],
    ids=["evaluation", "siamese", "siamese, per image"],
)
def test_drawing_first_and_transforming_then_is_the_same(layer):
    images = np.random.default_rng(0).uniform(0.5, 1.5, (3, 12, 9, 3)).astype("float32")
    for key in keys(12):
        active, unit = drawn = layer.draw(3, key)
        assert sorted(map(float, active.values())) == [0, 0, 0, 0, 0, 1]
        assert tuple(unit.shape) == (3, 3 if layer.per_image else 1)
        result = keras.ops.convert_to_numpy(layer.transform(images, drawn))
        expected = keras.ops.convert_to_numpy(layer.augment(images, key))
        np.testing.assert_array_equal(result, expected)


def test_one_operation_is_drawn_by_a_key():
    drawn = {
        name
        for key in keys(20)
        for name, chosen in draw_operation("abc", KeySequence(key)).items()
        if float(chosen) == 1.0
    }
    assert drawn == {"a", "b", "c"}


def test_numbers_below_one_become_integers_below_the_count():
    units = np.array([0.0, 0.249, 0.25, 0.999, np.nextafter(np.float32(1), 0)], "float32")
    assert keras.ops.convert_to_numpy(to_integer(units, 4)).tolist() == [0, 0, 1, 3, 3]
