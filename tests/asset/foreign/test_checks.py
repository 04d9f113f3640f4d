"""Whether a foreign set is what it is taken for."""

import numpy as np
import pytest

from keras_isa.asset.foreign import checks


def test_axes_are_told_by_the_shape_of_the_data():
    images = np.arange(2 * 3 * 4 * 5.0).reshape(2, 3, 4, 5)
    for given, axes in ((images, "NHWC"), (np.moveaxis(images, -1, 1), "NCHW")):
        found, name = checks.in_library_axes(given, (3, 4, 5))
        np.testing.assert_array_equal(found, images)
        assert name == axes
    grey = np.ones((2, 4, 4))
    assert checks.in_library_axes(grey, (4, 4, 1))[0].shape == (2, 4, 4, 1)
    with pytest.raises(ValueError, match=r"shape \(4, 4\)"):
        checks.in_library_axes(grey, (4, 4, 3))


def test_labels_become_rows():
    rows, classes = checks.label_rows(np.array([[1.0], [0.0]]), 2, 2)
    assert classes and rows.tolist() == [[0, 1], [1, 0]]
    rows, classes = checks.label_rows(np.array([[0.9, -0.1], [-0.1, 0.9]]), 2, 2)
    assert not classes and rows.dtype == np.float32


def test_order_is_doubted_where_any_other_would_do():
    rng = np.random.default_rng(0)
    y = np.tile(np.arange(4), 100)
    real = rng.normal(0, 1, (400, 6)) + 2 * np.eye(4, 6)[y]
    images, classes = 2 * np.eye(4, 6), np.arange(4)
    assert not checks.order_doubt(images, classes, real, y)
    assert checks.order_doubt(images, (classes + 1) % 4, real, y)
    doubts = [checks.order_doubt(rng.normal(0, 1, (4, 6)), classes, real, y) for _ in range(40)]
    assert np.mean(doubts) > 0.8  # noise agrees with an order in one of twenty cases


def test_a_sample_is_the_same_each_time():
    class Data:
        x, y = np.arange(50), np.arange(50)

    first, again = checks.sample_of(Data, 7), checks.sample_of(Data, 7)
    np.testing.assert_array_equal(first, again)
    assert len(first[0]) == 7
