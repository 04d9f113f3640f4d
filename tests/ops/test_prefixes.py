"""The first images of each class of a set, of several sizes."""

import keras
import numpy as np
import pytest

from keras_isa.inputs.arrays import to_numpy
from keras_isa.ops.kernel_regression import kernel_regression
from keras_isa.ops.prefixes import prefixes_of, whole_set


def test_sizes_are_those_of_the_field_and_the_whole():
    for most, sizes in ((1, [1]), (2, [1, 2]), (8, [1, 2, 5, 8]), (50, [1, 2, 5, 10, 20, 50])):
        assert [len(one.rows) for one in prefixes_of((most,))] == sizes


@pytest.mark.parametrize("each", [1, 4])
def test_each_row_is_new_once_and_rows_are_those_of_the_first_images(each):
    counts = (5, 2, 3)
    place = np.repeat(np.concatenate([np.arange(count) for count in counts]), each)
    seen = np.zeros(10 * each, int)
    for one, size in zip(prefixes_of(counts, each), (1, 2, 5), strict=True):
        np.testing.assert_array_equal(one.rows, np.flatnonzero(place < size))
        seen[one.rows[one.new]] += 1
    assert (seen == 1).all()
    assert len(one.rows) == 10 * each


def test_copies_at_the_end_come_along():
    small, whole = (one.joined_by_copies(3) for one in prefixes_of((2, 1)))
    assert small.rows.tolist() == [0, 2, 3, 5] and small.new.all()
    assert whole.rows.tolist() == list(range(6))
    assert whole.new.tolist() == [False, True, False] * 2


def test_a_regression_on_a_prefix_is_that_on_the_slice(gradients):
    rng = np.random.default_rng(0)
    targets, features = rng.normal(size=(7, 30)), rng.normal(size=(10, 30))
    labels = rng.normal(size=(10, 3))
    for one in prefixes_of((5, 2, 3)):
        found = kernel_regression(
            targets.astype("float32"),
            *(one.of(keras.ops.convert_to_tensor(v.astype("float32"))) for v in (features, labels)),
            1e-3,
        )
        part = features[one.rows]
        kernel = part @ part.T
        kernel += 1e-3 * np.trace(kernel) / len(part) * np.eye(len(part))
        expected = targets @ part.T @ np.linalg.solve(kernel, labels[one.rows])
        np.testing.assert_allclose(to_numpy(found), expected, rtol=1e-5, atol=1e-5)
        (gradient,) = gradients(one.of, features)
        wanted = np.zeros_like(features)
        wanted[one.rows[one.new]] = 1
        np.testing.assert_array_equal(gradient, wanted)


def test_the_whole_set_is_as_it_is():
    values = keras.ops.ones((4, 2))
    assert whole_set(4).of(values) is values
    assert prefixes_of((1, 1, 1, 1))[0].of(values) is values
