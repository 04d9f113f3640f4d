"""scikit-learn's handwritten digits: real images that need no download."""

import numpy as np

from keras_isa.datasets.dataset import Dataset, train_test_from_arrays


def load_digits() -> tuple[Dataset, Dataset]:
    """Returns scikit-learn's digits as `(train, test)`: 1437 and 360 images of 8x8, pixels 0 to 16.

    The images are the test part of the UCI "Optical Recognition of Handwritten Digits" data
    (Alpaydin and Kaynak, 1998). They have no official split. This one is stratified and always the
    same (`train_test_split(test_size=0.2, random_state=0)`), so that scores can be compared.

    Example:

    >>> from keras_isa.datasets.digits import load_digits
    >>> train, test = load_digits()
    >>> len(train), len(test), train.image_shape
    (1437, 360, (8, 8, 1))
    """
    from sklearn import datasets, model_selection

    bunch = datasets.load_digits()
    x_train, x_test, y_train, y_test = model_selection.train_test_split(
        bunch.images.astype(np.float32),
        bunch.target,
        test_size=0.2,
        random_state=0,
        stratify=bunch.target,
    )
    return train_test_from_arrays(
        x_train, y_train, x_test, y_test, name="digits", pixel_range=(0.0, 16.0)
    )
