"""From the name of a dataset, or the path of a file, to its images."""

import os

from keras_isa.datasets.dataset import Dataset
from keras_isa.datasets.digits import load_digits
from keras_isa.datasets.npz import load_npz


def load(name_or_path: str | os.PathLike[str]) -> tuple[Dataset, Dataset]:
    """Returns the training and the test part of a dataset, `(train, test)`.

    Args:
        name_or_path: "digits" for scikit-learn's 1,797 handwritten digits, with a fixed stratified
            split; or the path of an `.npz` file with the arrays `x_train`, `y_train`, `x_test`,
            `y_test` (the keys of `keras.datasets`) and, if wanted, `class_names`. A
            `pathlib.Path` is always taken as a path.

    Returns:
        Two `Dataset`s, with images of shape `(N, H, W, C)` in their own pixel units and labels of
        shape `(N,)`.

    Raises:
        TypeError: `name_or_path` is neither a string nor a path, or an array has a wrong dtype.
        ValueError: an unknown name, an unreadable file, or arrays that make no dataset.

    Example:

    >>> import keras_isa
    >>> train, test = keras_isa.datasets.load("digits")
    >>> train
    Dataset('digits', 'train': 1437 float32 images (8, 8, 1), 10 classes, pixels 0 to 16)
    """
    if not isinstance(name_or_path, str | os.PathLike):
        raise TypeError(
            f"`name_or_path` must be a string or a path. Received: {type(name_or_path).__name__}"
        )
    if isinstance(name_or_path, os.PathLike):
        return load_npz(name_or_path)
    if name_or_path == "digits":
        return load_digits()
    if name_or_path.startswith("tfds:"):
        raise ValueError(
            '`name_or_path` must be "digits" or the path of an .npz file: this version does not '
            f"read TensorFlow Datasets. Received: {name_or_path!r}"
        )
    if name_or_path.lower().endswith(".npz") or os.path.isfile(name_or_path):
        return load_npz(name_or_path)
    raise ValueError(
        '`name_or_path` must be "digits" or the path of an .npz file. Received: '
        f"{name_or_path!r}, which is no file either"
    )
