"""Pixels in another unit than those of a set, which would be scored as if they were in its own."""

import warnings

import numpy as np
import pytest

from keras_isa.inputs.arrays import StoredImages
from keras_isa.inputs.pixel_range import pixel_range_of, warn_of_other_unit

UNIT = np.random.default_rng(0).uniform(size=(100, 4, 4, 3)).astype("float32")
BYTES = (255 * UNIT).astype("uint8")
DARK = UNIT**4 * (UNIT > 0.5)  # mostly black, as digits are
STANDARD = (UNIT - 0.45) / 0.22


@pytest.mark.parametrize(
    ("images", "pixel_range"),
    [
        (UNIT, (0, 255)),
        (BYTES, (0, 1)),
        (BYTES, (-1, 1)),
        (UNIT, (-1, 1)),
        (UNIT, (-2.1, 2.6)),
        (BYTES, (-128, 127)),
        (2 * UNIT - 1, (0, 1)),
        (2 * DARK - 1, (0, 1)),
        (STANDARD, (0, 1)),
        ((DARK - 0.1307) / 0.3081, (0, 1)),
        (255 * UNIT - 120, (0, 255)),
        (UNIT - 0.5, (0, 1)),
    ],
)
def test_another_unit_is_said(images, pixel_range):
    with pytest.warns(UserWarning, match="give pixels in the unit of the images that the set was"):
        warn_of_other_unit(images, "x", pixel_range)


@pytest.mark.parametrize(
    "images",
    [UNIT, BYTES, DARK, 16 * DARK, 2 * UNIT - 1, STANDARD, 4095 * UNIT, 1000 * UNIT - 900],
    ids=lambda images: f"{images.min():g} to {images.max():g}",
)
def test_the_same_unit_is_not(images):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is taken for black and white
        own = pixel_range_of(images, "x")
    for part in (images, images[:1], images[::-1] * images.dtype.type(1), StoredImages(images)):
        warn_of_other_unit(part, "x", own)
    warn_of_other_unit(np.zeros_like(images), "x", own)  # tells nothing


def test_what_resized_images_overshoot_is_the_same_unit():
    warn_of_other_unit(1.1 * UNIT - 0.05, "x", (0, 1))
    warn_of_other_unit(UNIT, "x", (-0.05, 1.05))


def test_few_images_are_looked_at():
    class Counted:
        shape, dtype = (5000, 4, 4, 3), np.dtype("uint8")

        def __getitem__(self, rows):
            assert len(rows) <= 64
            return np.resize(BYTES, (len(rows), 4, 4, 3))

    warn_of_other_unit(StoredImages(Counted()), "x", (0, 255))
