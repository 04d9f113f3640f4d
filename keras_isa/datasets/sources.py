"""From the name of a dataset, or the path of a file or folder, to its images."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from keras_isa.datasets.dataset import Dataset
from keras_isa.datasets.digits import load_digits
from keras_isa.datasets.folder import open_image_folder
from keras_isa.datasets.images import check_image_size
from keras_isa.datasets.npy import is_npy_folder, load_npy
from keras_isa.datasets.npz import load_npz
from keras_isa.datasets.parts import Parts
from keras_isa.datasets.tfds import PREFIX, open_tfds
from keras_isa.files import checked_path
from keras_isa.ops.arguments import true_or_false

_POSSIBLE = '"digits", the path of an .npz file or of a folder of images or arrays, or "tfds:NAME"'


def load(
    source: str | os.PathLike[str],
    *,
    data_dir: str | os.PathLike[str] | None = None,
    download: bool = False,
    classes: Sequence[str | int] | None = None,
    image_size: int | tuple[int, int] | None = None,
) -> tuple[Dataset, Dataset]:
    """Returns the training and the test part of a dataset, `(train, test)`.

    Args:
        source: One of

            * "digits" for scikit-learn's 1,797 handwritten digits, with a fixed stratified split;
            * the path of an `.npz` file with the arrays `x_train`, `y_train`, `x_test`, `y_test`
              (the keys of `keras.datasets`) and, if wanted, `class_names`;
            * the path of a folder with `x_train.npy`, `y_train.npy`, `x_test.npy`, `y_test.npy`
              and, if wanted, `class_names.json`: the images stay on disk and are read row by row;
            * the path of a folder of images, as `train/CLASS/FILE` and `test/CLASS/FILE` (or `val`,
              `validation`), or as `CLASS/FILE` with a fixed stratified split;
            * "tfds:NAME", with "/CONFIG" and ":VERSION" if wanted, for a set that TensorFlow
              Datasets has prepared. The split "validation" serves where there is no "test", and a
              fixed stratified split where there is neither.

            A `pathlib.Path` is always taken as a path.
        data_dir: Where TFDS keeps its sets; by default the environment's `TFDS_DATA_DIR`, or
            `~/tensorflow_datasets`.
        download: Whether TFDS may fetch a set that is not in `data_dir`. Nothing is fetched
            otherwise.
        classes: Names or numbers of the classes to keep, numbered anew in this order.
        image_size: Height and width, or one number for both, that all images are brought to: the
            centre is cut out in that aspect ratio and resized by area. Needed where they differ.

    Returns:
        Two `Dataset`s, with images of shape `(N, H, W, C)` in their own pixel units and labels of
        shape `(N,)`.

    Raises:
        TypeError: `source` or `data_dir` is neither a string nor a path, `download` no bool, or an
            array has a wrong dtype.
        ValueError: an unknown name, a set that is not there, an unreadable file, images that differ
            in size or do not fit into memory, or arrays that make no dataset.

    Example:

    >>> import keras_isa
    >>> train, test = keras_isa.datasets.load("digits")
    >>> train
    Dataset('digits', 'train': 1437 float32 images (8, 8, 1), 10 classes, pixels 0 to 16)
    """
    opened = open_source(source, data_dir, download, check_image_size(image_size))
    if isinstance(opened, Parts):
        return (opened if classes is None else opened.select_classes(classes)).to_datasets()
    train, test = opened
    if classes is None:
        return train, test
    return train.select_classes(classes), test.select_classes(classes)


def load_recorded(provenance: Mapping[str, Any], **changes: Any) -> tuple[Dataset, Dataset]:
    """Returns the parts of the dataset that a distilled set was made of, `(train, test)`.

    Args:
        provenance: That of a `keras_isa.DistilledData`.
        **changes: Arguments of `load`, in place of those that are recorded.

    Returns:
        As `load`.

    Raises:
        TypeError: As `load`.
        ValueError: No dataset is recorded, as for a set of arrays; and as `load`.

    Example:

    >>> import keras_isa
    >>> train, test = keras_isa.datasets.load_recorded({"dataset": "digits"}, classes=["3", "5"])
    >>> test.class_names
    ('3', '5')
    """
    source = provenance.get("dataset")
    if source in (None, "arrays"):
        raise ValueError(f"the distilled set records no dataset to load. Received: {source!r}")
    return load(source, **{**provenance.get("load_options", {}), **changes})


def open_source(
    source: str | os.PathLike[str],
    data_dir: str | os.PathLike[str] | None,
    download: bool,
    image_size: tuple[int, int] | None,
) -> Parts | tuple[Dataset, Dataset]:
    """Returns a source as images that are still to be read, or as datasets where it holds arrays.

    Arguments and errors are those of `load`.
    """
    checked_path(source, "source")
    download = true_or_false("download", download)
    if data_dir is not None:
        checked_path(data_dir, "data_dir")
    if isinstance(source, str) and source.startswith(PREFIX):
        return open_tfds(source, data_dir, download, image_size)
    for name, value in (("data_dir", data_dir), ("download", download)):
        if value:
            raise ValueError(
                f"`{name}` must not be given unless `source` is tfds:NAME. Received: {name}="
                f"{os.fspath(value) if name == 'data_dir' else value}, source={source!s}"
            )
    if source != "digits" and os.path.isdir(source) and not is_npy_folder(source):
        return open_image_folder(source, image_size)
    datasets = _arrays(source)
    return datasets if image_size is None else Parts.from_datasets(*datasets, image_size)


def _arrays(source: str | os.PathLike[str]) -> tuple[Dataset, Dataset]:
    if source == "digits":
        return load_digits()
    if os.path.isdir(source):
        return load_npy(source)
    is_path = isinstance(source, os.PathLike) or source.lower().endswith(".npz")
    if is_path or os.path.isfile(source):
        return load_npz(source)
    raise ValueError(f"`source` must be {_POSSIBLE}. Received: {source!r}, which is no path either")
