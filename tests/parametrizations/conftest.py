"""What the tests of parametrisations share."""

import numpy as np
import pytest


@pytest.fixture(scope="session")
def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def values(rng):
    """Makes values of what a parametrisation stores."""

    def make(parametrization, image_shape=(6, 8, 2), num_classes=3, counts=(2, 2, 2)):
        shapes = parametrization.shapes(image_shape, num_classes, counts)
        return {name: rng.normal(size=shape).astype("float32") for name, shape in shapes.items()}

    return make
