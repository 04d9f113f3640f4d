"""What the tests of all methods share."""

import numpy as np
import pytest

SHAPE, CLASSES = (8, 8, 1), 3


@pytest.fixture(scope="module")
def data():
    """60 images of three classes that differ in their brightest corner."""
    rng = np.random.default_rng(0)
    y = np.arange(60) % CLASSES
    x = rng.integers(0, 100, (60, *SHAPE))
    for k, corner in enumerate(((0, 0), (0, 4), (4, 0))):
        x[y == k, corner[0] : corner[0] + 4, corner[1] : corner[1] + 4] += 120
    return x.astype("uint8"), y
