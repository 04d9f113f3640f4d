import numpy as np

from keras_isa import datasets


def test_digits(digits):
    from sklearn.datasets import load_digits

    train, test = digits
    assert (train.x.shape, test.x.shape) == ((1437, 8, 8, 1), (360, 8, 8, 1))
    assert (train.name, train.split, test.split) == ("digits", "train", "test")
    assert train.pixel_range == test.pixel_range == (0.0, 16.0)
    assert train.x.dtype == np.float32 and train.x.min() == 0 and train.x.max() == 16
    assert train.class_names == tuple("0123456789")
    # Stratified: a fifth of every class, give or take one image.
    counts = np.bincount(train.y) + np.bincount(test.y)
    assert np.abs(np.bincount(test.y) - counts / 5).max() < 1
    # Every image of the original is in exactly one part, with its own label.
    original = load_digits()
    rows = [
        np.column_stack([x.reshape(len(x), -1), y])
        for x, y in [(original.images, original.target), (train.x, train.y), (test.x, test.y)]
    ]
    both = np.concatenate(rows[1:])
    np.testing.assert_array_equal(
        both[np.lexsort(both.T)], np.float32(rows[0])[np.lexsort(np.float32(rows[0]).T)]
    )


def test_digits_split_is_fixed(digits):
    # Scores are only comparable while these stay as they are.
    train, test = digits
    assert train.y[:10].tolist() == [3, 9, 1, 3, 1, 9, 4, 4, 2, 8]
    assert test.y[:10].tolist() == [7, 6, 3, 7, 7, 3, 2, 8, 9, 3]
    again = datasets.load("digits")[0]
    np.testing.assert_array_equal(train.x, again.x)
