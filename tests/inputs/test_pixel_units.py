"""Images in different pixel units are not joined, and dark images are not taken for such."""

import numpy as np
import pytest

from keras_isa.inputs.arrays import StoredImages
from keras_isa.inputs.checks import check_images
from keras_isa.inputs.pixel_units import BatchUnits, PixelUnit, check_list_units, check_same_unit

UNIT = np.random.default_rng(0).uniform(size=(100, 4, 4, 3)).astype("float32")
BYTES = (255 * UNIT).astype("uint8")
FLOATS = BYTES.astype("float32")
STANDARD = (UNIT - 0.45) / 0.22
FEATURES = UNIT.reshape(100, -1)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (FLOATS, UNIT),
        (FLOATS[:2], UNIT[:2]),
        (FLOATS, 2 * UNIT - 1),
        (FLOATS, STANDARD),
        (BYTES, BYTES // 128),
        (BYTES, UNIT),
        (257 * FLOATS, FLOATS),
        (255 * FEATURES, FEATURES),
        (StoredImages(FLOATS), StoredImages(UNIT)),
    ],
)
def test_clearly_different_units_are_refused(one, other):
    for train, test in ((one, other), (other, one)):
        with pytest.raises(ValueError, match="`x_test` must have the pixel unit of x_train"):
            check_same_unit(train, test)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (2 * UNIT - 1, UNIT),
        (STANDARD, UNIT),
        (2 * FEATURES - 1, FEATURES),
        (BYTES, BYTES[:3] // 128),
        (BYTES, BYTES // 16),
    ],
)
def test_units_that_may_differ_are_warned_of(one, other):
    for train, test in ((one, other), (other, one)):
        with pytest.warns(UserWarning, match="`x_test` has values from .*: scale both alike, if"):
            check_same_unit(train, test)


@pytest.mark.parametrize(
    "test",
    [
        np.zeros_like(BYTES),
        np.ones_like(BYTES),
        np.where(np.arange(100)[:, None, None, None] < 90, np.zeros_like(BYTES), BYTES),
        BYTES[:1],
        BYTES // 10,
    ],
)
def test_dark_and_few_images_have_the_same_unit(test):
    check_same_unit(BYTES, test)
    check_same_unit(test, BYTES)
    check_same_unit(2 * (BYTES / np.float32(255)) - 1, 2 * (test / np.float32(255)) - 1)


def test_few_rows_of_features_tell_little():
    check_same_unit(2 * FEATURES[:, :2] - 1, FEATURES[:8, :2])
    with pytest.warns(UserWarning, match="scale both alike, if"):
        check_same_unit(255 * FEATURES, FEATURES[:4])
    with pytest.warns(UserWarning, match="scale both alike, if"):
        check_same_unit(FEATURES, 255 * FEATURES[:4])


def test_few_images_are_read():
    class Counted:
        shape, dtype = (5000, 4, 4, 3), np.dtype("uint8")

        def __getitem__(self, rows):
            assert len(rows) <= 64 and rows[-1] == 4999
            return np.resize(BYTES, (len(rows), 4, 4, 3))

    check_same_unit(StoredImages(Counted()), BYTES)
    assert PixelUnit.of(StoredImages(Counted())).count == 64


def test_batches():
    units = BatchUnits("batches")
    units.check(np.zeros((2, 4, 4, 3), "float32"), 0)  # tells nothing
    units.check(FLOATS, 1)
    units.check(FLOATS // 10, 2)
    with pytest.warns(UserWarning, match="has values from 0 to 15 in batch 3, and from 0 to 254"):
        units.check(FLOATS[:5] // 16, 3)
    units.check(FLOATS[:5] // 16, 4)  # the warning comes once
    with pytest.raises(ValueError, match="Received: batch 1 from 0 to 254, batch 5 from 0.*"):
        units.check(UNIT, 5)
    with pytest.raises(ValueError, match="Received: batch 0 of float32, batch 6 of uint8"):
        units.check(BYTES, 6)
    units = BatchUnits("batches")
    units.check(255 * FEATURES, 0)
    with pytest.warns(UserWarning, match="scale both alike, if"):
        units.check(FEATURES, 1)


@pytest.mark.parametrize("count", [2, 3, 10])
def test_lists(count):
    for position in (0, count - 1):
        for large, small in ((FLOATS, UNIT), (UNIT, FLOATS)):
            images = list(large[:count])
            images[position] = small[position]
            for listed in (images, [image.tolist() for image in images]):
                with pytest.raises(ValueError, match="`x` must hold images of one .*unit; scale"):
                    check_images(listed, "x")
    dark = list(FLOATS[:count])
    dark[0] = dark[0] // 200
    check_list_units(np.stack(dark), "x")
    check_list_units(np.zeros((3, 4, 4), "float32"), "x")
