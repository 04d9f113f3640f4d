"""Images as sums of bases, compared with sums written out and with the best approximation."""

import keras
import numpy as np
import pytest

from keras_isa.parametrizations import Bases
from keras_isa.parametrizations.resizing import enlarging


def test_decode_is_the_sum_of_the_bases(rng):
    bases, coefficients = rng.normal(size=(3, 4, 5, 2)), rng.normal(size=(6, 3))
    stored = {"bases": bases, "coefficients": coefficients, "labels": np.zeros((6, 2))}
    stored = {name: value.astype("float32") for name, value in stored.items()}
    images, _ = Bases(3).decode(stored, (4, 5, 2))
    expected = [sum(c * basis for c, basis in zip(row, bases, strict=True)) for row in coefficients]
    np.testing.assert_allclose(keras.ops.convert_to_numpy(images), expected, atol=1e-5)


def test_smaller_bases_are_enlarged(rng):
    parametrization = Bases(2, shrink=2)
    shapes = parametrization.shapes((6, 7, 1), 2, (2, 2))
    assert shapes["bases"] == (2, 3, 4, 1)
    basis = rng.normal(size=shapes["bases"]).astype("float32")
    stored = {"bases": basis, "coefficients": np.eye(4, 2, dtype="float32"), "labels": 0}
    images, _ = parametrization.decode(stored, (6, 7, 1))
    expected = enlarging(3, 6) @ basis[1, :, :, 0] @ enlarging(4, 7).T
    np.testing.assert_allclose(keras.ops.convert_to_numpy(images)[1, :, :, 0], expected, atol=1e-5)


def test_encode_is_the_best_approximation_of_its_rank(rng):
    images = rng.normal(size=(8, 5, 4, 1)).astype("float32")
    stored = Bases(3).encode(images, np.zeros((8, 2), "float32"))
    found = keras.ops.convert_to_numpy(Bases(3).decode(stored, (5, 4, 1))[0])
    sizes = np.linalg.svd(images.reshape(8, -1), compute_uv=False)
    assert np.sum((found - images) ** 2) == pytest.approx(np.sum(sizes[3:] ** 2), rel=1e-4)
    lengths = [np.linalg.norm(stored[name]) for name in ("bases", "coefficients")]
    assert lengths[0] == pytest.approx(lengths[1], rel=1e-4)


def test_bases_beyond_the_pixels_start_as_zeros(rng):
    stored = Bases(6).encode(rng.normal(size=(8, 4)).astype("float32"), np.zeros((8, 2)))
    assert not stored["bases"][4:].any()
    assert stored["bases"][:4].any()


def test_more_bases_than_images_are_refused():
    with pytest.raises(ValueError, match="must not have more bases than the set has images, 20"):
        Bases(21).check((8, 8, 1), 20)


@pytest.mark.parametrize(("count", "shrink"), [(0, 1), (-1, 1), (2, 0), (2, 9), (1.5, 1)])
def test_numbers_out_of_range_are_refused(count, shrink):
    with pytest.raises(ValueError, match="count|shrink"):
        Bases(count, shrink)


@pytest.mark.parametrize("shape", [(3, 8, 1), (16, 3), (64,)])
def test_smaller_bases_need_images(shape):
    Bases(2).check(shape, 4)
    with pytest.raises(ValueError, match="needs images of at least 4 pixels a side"):
        Bases(2, shrink=2).check(shape, 4)
