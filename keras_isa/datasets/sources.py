"""`load`, which returns the images of a data set that is named or given as a file or folder."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from keras_isa.datasets.dataset import Dataset
from keras_isa.datasets.digits import load_digits
from keras_isa.datasets.folder import open_image_folder
from keras_isa.datasets.npy import is_npy_folder, read_npy
from keras_isa.datasets.npz import read_npz
from keras_isa.datasets.options import Options
from keras_isa.datasets.parts import Parts
from keras_isa.datasets.tfds import open_tfds, open_tfds_test
from keras_isa.datasets.tfds_folders import PREFIX
from keras_isa.files import checked_path
from keras_isa.inputs.class_names import check_several_classes

_POSSIBLE = '"digits", the path of an .npz file or of a folder of images or arrays, or "tfds:NAME"'


def load(
    source: str | os.PathLike[str],
    *,
    data_dir: str | os.PathLike[str] | None = None,
    download: bool = False,
    classes: Sequence[str | int] | None = None,
    image_size: int | tuple[int, int] | None = None,
    axes: str | None = None,
    split: float | None = None,
    key: str | None = None,
    task: str = "classification",
) -> tuple[Dataset, Dataset]:
    """Returns the training and the test part of a dataset, `(train, test)`.

    Args:
        source: One of

            * "digits" for scikit-learn's 1,797 handwritten digits, with a fixed stratified split;
            * the path of an `.npz` file with the arrays `x_train`, `y_train`, `x_test`, `y_test`
              (the keys of `keras.datasets`) and optionally `class_names`;
            * the path of a folder with `x_train.npy`, `y_train.npy`, `x_test.npy`, `y_test.npy`
              and optionally `class_names.json`: the images stay on disk and are read row by row;
            * the path of a folder of images, as `train/CLASS/FILE` and `test/CLASS/FILE` (or `val`,
              `validation`, in upper or lower case), or as `CLASS/FILE` with a fixed stratified
              split; classes are sorted by name, or by value if all names are whole numbers;
            * the path of a download that is recognised by its content, such as
              cifar-10-python.tar.gz (see `prepare`), or of an archive of a folder of images;
            * "tfds:NAME", optionally with "/CONFIG" and ":VERSION", for a data set that TensorFlow
              Datasets has prepared. Without a split "test", "validation" becomes the test part;
              without both, a fixed stratified split makes one.

            A `pathlib.Path` is always taken as a path.
        data_dir: Where TFDS keeps its data sets; by default the environment's `TFDS_DATA_DIR`, or
            `~/tensorflow_datasets`.
        download: Whether TFDS may download a set that is not in `data_dir`. Otherwise nothing is
            downloaded.
        classes: Names or numbers of the classes to keep, two or more. They are renumbered in this
            order.
        image_size: Height and width, or one number for both, to which all images are resized: the
            centre is cut out in that aspect ratio and resized by area. It must be given if the
            sizes differ.
        axes: What each axis of the arrays in `source` means, such as `"NCHW"`; by default inferred
            from their shape.
        split: Share of the images that becomes the test part of a source without one, stratified
            and always the same; by default 0.2.
        key: Which labels are used if a download has several kinds of them.
        task: "classification", or "regression" if the labels of an `.npz` file or a folder of
            arrays are targets, numbers `(N,)` or `(N, K)` to predict.

    Returns:
        Two `Dataset`s, with images of shape `(N, H, W, C)` in their own pixel units and labels of
        shape `(N,)`.

    Raises:
        TypeError: `source` or `data_dir` is neither a string nor a path, `download` is no bool, or
            an array has a wrong dtype.
        ValueError: the name is unknown, the data set is missing, a file cannot be read, the images
            differ in size or do not fit into memory, there is only one class, or the arrays make no
            dataset.

    Example:

    >>> import keras_isa
    >>> train, test = keras_isa.datasets.load("digits")
    >>> train
    Dataset('digits', 'train': 1437 float32 images (8, 8, 1), 10 classes, pixels 0 to 16)
    """
    options = Options(data_dir, download, image_size, axes, split, key, task)
    with open_source(source, options) as (opened, _):
        parts = (opened,) if isinstance(opened, Parts) else opened
        if task == "classification":
            check_several_classes(parts[0].class_names, "source")
        if classes is not None:
            parts = tuple(one.select_classes(classes) for one in parts)
            check_several_classes(parts[0].class_names, "classes")
        return parts[0].to_datasets() if isinstance(opened, Parts) else parts


def load_recorded(provenance: Mapping[str, Any], **changes: Any) -> tuple[Dataset, Dataset]:
    """Returns the dataset that a distilled set was made of, `(train, test)`.

    Args:
        provenance: The `provenance` of a `keras_isa.DistilledData`.
        **changes: Arguments of `load` that replace the recorded ones.

    Returns:
        As `load`.

    Raises:
        TypeError: As `load`.
        ValueError: As `load`, or no dataset is recorded, which is so if the set was made of arrays.

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


def load_test(
    source: str | os.PathLike[str], class_names: Sequence[str], **options: Any
) -> tuple[Dataset | None, Dataset]:
    """Returns `(train, test)` to test a distilled set with; the training part may be `None`.

    All images become the test part, and a warning says so, if a TFDS set has only a test part, or
    if arrays are only a test part or have no names that say which part they are.

    Args:
        source: As for `load`.
        class_names: Class names of the distilled set, for a source that has no class names.
        **options: Arguments of `load`.

    Returns:
        As `load`, with `None` in place of a missing training part.

    Raises:
        TypeError, ValueError: As `load`.
    """
    source = local_source(source)
    given = {name: value for name, value in options.items() if value}
    test = _test_alone(source, class_names, given)
    if test is None:
        return load(source, **given)
    warnings.warn(
        f"{test.name} has no training part: all of its {len(test)} images become the test part, "
        "and no baselines are computed",
        stacklevel=2,
    )
    classes = given.get("classes")
    return None, test if classes is None else test.select_classes(classes)


def _test_alone(
    source: str | os.PathLike[str], class_names: Sequence[str], given: dict[str, Any]
) -> Dataset | None:
    """Returns the images of a source without a training part.

    The result is `None` if the source has a training part or `split` divides it.
    """
    if "split" in given:
        return None
    if isinstance(source, str) and source.startswith(PREFIX):
        options = {name: value for name, value in given.items() if name != "classes"}
        parts = open_tfds_test(source, Options(**options))
        return parts and parts.to_test()
    is_folder = os.path.isdir(source)
    if not is_npy_folder(source) if is_folder else not os.path.isfile(source):
        return None
    from keras_isa.datasets.downloads.registry import is_download

    if set(given) & {"key", "image_size", "data_dir", "download"} or is_download(source):
        return None
    arrays = (read_npy if is_folder else read_npz)(source)
    return arrays.to_test(class_names, given.get("axes"), given.get("task", "classification"))


def local_source(source: str | os.PathLike[str]) -> str | os.PathLike[str]:
    """Returns a source with the home folder in place of `~`, or raises an error for an address.

    Args:
        source: As for `load`.

    Raises:
        TypeError: `source` is neither a string nor a path.
        ValueError: It is an address of the web or of another service.

    Example:

    >>> from keras_isa.datasets.sources import local_source
    >>> local_source("digits"), "~" in local_source("~/digits.npz")
    ('digits', False)
    """
    if not isinstance(source, str):
        return checked_path(source, "source").expanduser()
    if re.match(r"\w{2,}://|hf:|hub:", source) and not os.path.exists(source):
        raise ValueError(
            "`source` must be on this computer; download it first, and pass the path of the file "
            f"or folder. Received: {source!r}"
        )
    return os.path.expanduser(source)


@contextmanager
def open_source(
    source: str | os.PathLike[str], options: Options, name: str = "", workspace: Path | None = None
) -> Iterator[tuple[Parts | tuple[Dataset, Dataset], Path | None]]:
    """Gives a source as `Parts`, whose images are read later, or as two datasets of its arrays.

    Args:
        source: As for `load`.
        options: How it is read. Options that the source does not have raise an error.
        name: As in `registry.open_by_name`.
        workspace: As in `registry.open_by_name`.

    Returns:
        The images, and the file or folder of a download, which may exist only within the `with`
        block; otherwise `None`.

    Raises:
        TypeError, ValueError: As `load`.
    """
    source = local_source(source)
    if isinstance(source, str) and source.startswith(PREFIX):
        options.refuse(source, "key", "task")
        yield open_tfds(source, options), None
        return
    is_arrays = is_npy_folder(source)
    if source != "digits" and os.path.exists(source) and (name or not is_arrays):
        from keras_isa.datasets.downloads.registry import open_by_name

        with open_by_name(name, Path(source), options, workspace) as opened:
            if opened is not None:
                options.refuse(source, "task")
                yield opened
                return
    yield _open_own(source, options, is_arrays), None


def _open_own(
    source: str | os.PathLike[str], options: Options, is_arrays: bool
) -> Parts | tuple[Dataset, Dataset]:
    """Returns a source that is neither a download nor an archive nor a TFDS set."""
    options.refuse(source, "data_dir", "download", "key")
    if source == "digits":
        options.refuse(source, "axes", "split", "task")
        datasets = load_digits()
    elif is_arrays:
        datasets = read_npy(source).to_datasets(options)
    elif os.path.isdir(source):
        options.refuse(source, "axes", "task")
        parts = open_image_folder(source, options).with_test(options)
        return parts.resized(options.image_size)
    # A path, and a name that ends in .npz, mean a file, which may be missing.
    elif os.path.isfile(source) or not isinstance(source, str) or source.lower().endswith(".npz"):
        datasets = read_npz(source).to_datasets(options)
    else:
        raise ValueError(
            f"`source` must be {_POSSIBLE}. Received: {source!r}, which is no existing path either"
        )
    if options.image_size is None:
        return datasets
    if options.task == "regression":
        raise ValueError(
            "`image_size` must not be given for task='regression'; resize the images before. "
            f"Received: image_size={options.image_size}"
        )
    return Parts.from_datasets(*datasets).resized(options.image_size)
