"""Image classification sets of TensorFlow Datasets, read where they were prepared."""

from __future__ import annotations

import contextlib
import dataclasses
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from keras_isa.datasets.downloads.common import used_classes
from keras_isa.datasets.images import fit_image
from keras_isa.datasets.options import Options
from keras_isa.datasets.part_names import TEST_NAMES, part_of
from keras_isa.datasets.parts import Part, Parts, held_out
from keras_isa.datasets.tfds_features import (
    Classes,
    check_feature_kinds,
    find_features,
    has_no_class,
)
from keras_isa.datasets.tfds_folders import prepared_folder
from keras_isa.inputs.axes import find_axes, library_shape, to_library_axes

# Examples that tf.data hands over at once.
_BATCH = 128


def open_tfds(source: str, options: Options) -> Parts:
    """Returns a prepared set, its labels read and its images not yet.

    The test part is the split "test", "validation", "valid", "val" or "dev", the first that there
    is and that has labels; without any, a fixed stratified share of "train", or of the only split.
    Classes without training images are left out, and a warning says so.

    Args:
        source: "tfds:NAME", with "/CONFIG" and ":VERSION" if wanted; by default the only
            configuration and the newest version that are prepared.
        options: How it is read; `data_dir` is by default the environment's `TFDS_DATA_DIR`, or
            `~/tensorflow_datasets`.

    Raises:
        ValueError: If the set is not there, is none for image classification, or its images differ
            in size and `image_size` is not given.
    """
    with _opened(source, options) as folder:
        return _read(folder, source, options)


def open_tfds_test(source: str, options: Options) -> Parts | None:
    """Returns a prepared set that has a test part alone, with an empty training part.

    Args:
        source: As for `open_tfds`.
        options: As for `open_tfds`.

    Returns:
        `None` if the set has other splits too, or no labels.

    Raises:
        ValueError: As `open_tfds`.
    """
    with _opened(source, options) as folder:
        return _read_test(folder, source, options)


@contextlib.contextmanager
def _opened(source: str, options: Options) -> Iterator[Path]:
    """Gives the folder of a set, while TFDS is quiet."""
    folder = prepared_folder(source, options)
    with quiet(), _reading(folder):
        yield folder


@contextlib.contextmanager
def quiet(progress: bool = False) -> Iterator[None]:
    """Keeps TFDS from announcing itself and tensorflow from the accelerators.

    Args:
        progress: Whether TFDS's progress bars are shown.
    """
    import absl.logging
    from tensorflow_datasets.core.utils import tqdm_utils

    from keras_isa.backend.tf_data import leave_accelerators_alone

    leave_accelerators_alone()
    verbosity, bars = absl.logging.get_verbosity(), tqdm_utils._active
    absl.logging.set_verbosity(absl.logging.ERROR)
    tqdm_utils.display_progress_bar(progress)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        tqdm_utils.display_progress_bar(bars)
        absl.logging.set_verbosity(verbosity)


@contextlib.contextmanager
def _reading(folder: Path) -> Iterator[None]:
    """Brings what TFDS and tf.data raise on damaged files, of many kinds, into one form."""
    try:
        yield
    except Exception as error:
        # Errors that name an argument are those of this package.
        if isinstance(error, TypeError | ValueError) and str(error).startswith("`"):
            raise
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(
            f"`source` must be an undamaged set. Received: {folder} ({reason[:200]})"
        ) from error


def _read(folder: Path, source: str, options: Options) -> Parts:
    opened = _Set(folder, source, options)
    splits = opened.splits
    train_split = _training_split(splits, source, options.split)
    values = opened.labels(train_split)
    if has_no_class(values):
        raise ValueError(
            f"`source` must have a class for every training image. Received: {source!r} with a "
            f"label {values.min()} in split {train_split}"
        )
    classes = opened.classes(values, train_split)
    train = opened.part(train_split, classes.numbers(values))
    found = [name for name in TEST_NAMES if name in splits and name != train_split]
    tests = ((name, opened.labels(name)) for name in found)
    # Sets that are test questions have labels of -1.
    name, values = next((one for one in tests if not has_no_class(one[1])), (None, None))
    if name is not None:
        options.refuse(source, "split")
        test = opened.part(name, classes.numbers(values))
    else:
        mask = held_out(train.labels, f"{source}, split {train_split},", options.split)
        train, test = train.select(np.flatnonzero(~mask)), train.select(np.flatnonzero(mask))
    return used_classes(opened.parts(classes, train, test), source)


def _read_test(folder: Path, source: str, options: Options) -> Parts | None:
    opened = _Set(folder, source, options)
    if any(name not in TEST_NAMES for name in opened.splits):
        return None
    for name in TEST_NAMES:
        values = opened.labels(name) if name in opened.splits else np.array([-1])
        if not has_no_class(values):
            classes = opened.classes(values, name)
            test = opened.part(name, classes.numbers(values))
            return opened.parts(classes, test.select(np.array([], int)), test)
    return None


class _Set:
    """A set that has been opened, with nothing read of it."""

    def __init__(self, folder: Path, source: str, options: Options) -> None:
        import tensorflow_datasets as tfds

        check_feature_kinds(folder)
        self._builder = tfds.builder_from_directory(folder)
        self._source = source
        self._image, self._label = find_features(self._builder.info, source)
        self.splits = list(self._builder.info.splits)
        # The images of all splits come to one form.
        first = next((one for one in self.splits if part_of(one) == "train"), self.splits[0])
        self._form = _form_of(self._builder, source, first, self._image, options)

    def labels(self, split: str) -> np.ndarray:
        return self._split(split).labels()

    def classes(self, values: np.ndarray, split: str) -> Classes:
        name = f"{self._source}, {self._label} of split {split}"
        return Classes(self._builder.info.features[self._label], values, name)

    def part(self, split: str, numbers: np.ndarray) -> Part:
        return Part(numbers, self._split(split).read)

    def parts(self, classes: Classes, train: Part, test: Part) -> Parts:
        form = self._form
        return Parts(self._source, classes.names, form.shape, form.dtype, train, test)

    def _split(self, split: str) -> _Split:
        return _Split(self._builder, split, self._image, self._label, self._form)


def _training_split(splits: list[str], source: str, share: float | None) -> str:
    """The split "train", or the only one if its name does not say that it is a test part.

    What is a test part by its name is taken where the caller says which `share` of it is held out.
    """
    named = ["train"] if "train" in splits else [one for one in splits if part_of(one) == "train"]
    if len(named) == 1:
        return named[0]
    if len(splits) == 1 and (splits[0] not in TEST_NAMES or share is not None):
        return splits[0]
    single = len(splits) == 1
    advice = "; or give a `split` (--split 0.2), the share of it that is held out" if single else ""
    raise ValueError(
        f"`source` must have a split train, or a single one of another name{advice}. Received: "
        f"{source!r} with {', '.join(splits) or 'none'}"
    )


@dataclasses.dataclass(frozen=True)
class _Form:
    """What all images of a set come to.

    Args:
        shape: Of each image.
        dtype: uint8 or float32.
        axes: Those that images have as they are stored, after one for their number.
        image_size: Height and width to which they are brought.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    axes: str
    image_size: tuple[int, int] | None

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Brings an image as it is stored to this form."""
        image = to_library_axes(image[np.newaxis], self.axes)[0]
        if self.image_size is not None:
            image = fit_image(image, self.image_size)
        if image.shape != self.shape:
            raise ValueError(
                "`image_size` (--image-size) must be given where images differ in size. Received: "
                f"images of shape {self.shape} and {image.shape}"
            )
        return image


def _form_of(builder: Any, source: str, split: str, image_key: str, options: Options) -> _Form:
    """The form is known beforehand, or that of the first image."""
    from tensorflow_datasets import features as kinds

    feature = builder.info.features[image_key]
    shape = tuple(feature.shape)
    if None in shape:
        shape = next(_Split(builder, split, image_key).read(np.array([0]))).shape
    if isinstance(feature, kinds.Image):
        options.refuse(source, "axes")
        axes = "NHWC"
    else:
        all_of_them = (builder.info.splits[split].num_examples, *shape)
        dtype = np.dtype(feature.np_dtype)
        axes = find_axes(all_of_them, dtype, f"{source}, {image_key}", options.axes)
    shape = library_shape((1, *shape), axes)[1:]
    if options.image_size is not None:
        if len(shape) != 3:
            raise ValueError(
                "`image_size` must be None for flat features and sequences. Received: image_size="
                f"{options.image_size!r}"
            )
        shape = (*options.image_size, shape[2])
    dtype = np.dtype(np.uint8 if feature.np_dtype == np.uint8 else np.float32)
    return _Form(shape, dtype, axes, options.image_size)


class _Split:
    """One split of a prepared set.

    Without `form` images come as they are stored.
    """

    def __init__(
        self,
        builder: Any,
        split: str,
        image_key: str,
        label_key: str | None = None,
        form: _Form | None = None,
    ) -> None:
        self.builder = builder
        self.split = split
        self.image_key = image_key
        self.label_key = label_key
        self.form = form

    def labels(self) -> np.ndarray:
        """What all examples hold as labels `(N,)`, in the order of the file.

        No image is decoded.
        """
        import tensorflow_datasets as tfds

        if self._has_random_access():
            undecoded = {self.image_key: tfds.decode.SkipDecoding()}
            labels = [example[self.label_key] for example in self._sequence(undecoded)]
        else:
            labels = np.concatenate(list(self._batches(self.label_key, _BATCH)))
        return np.asarray(labels)

    def read(self, positions: np.ndarray) -> Iterator[np.ndarray]:
        """Images at ascending positions, in the form that was asked for."""
        with _reading(Path(self.builder.data_dir)):
            if self._has_random_access():
                examples = self._sequence()
                images = (examples[int(position)][self.image_key] for position in positions)
            else:
                images = self._passing(positions)
            for image in images:
                image = np.asarray(image)
                yield image if self.form is None else self.form(image)

    def _passing(self, positions: np.ndarray) -> Iterator[np.ndarray]:
        """Images at ascending positions, out of all that come before the last of them."""
        feature = self.builder.info.features[self.image_key]
        size = 1 if None in feature.shape else _BATCH
        wanted = np.zeros(self.builder.info.splits[self.split].num_examples, bool)
        wanted[positions] = True
        passed = 0
        for images in self._batches(self.image_key, size):
            if not wanted[passed:].any():
                return
            yield from images[wanted[passed : passed + len(images)]]
            passed += len(images)

    def _has_random_access(self) -> bool:
        return self.builder.info.file_format.value in ("array_record", "parquet")

    def _sequence(self, decoders: Any = None) -> Any:
        """All examples in the order of the file, by position."""
        return self.builder.as_data_source(split=self.split, decoders=decoders)

    def _batches(self, key: str, size: int) -> Iterator[np.ndarray]:
        """One feature of all examples in the order of the file, some at a time."""
        import tensorflow_datasets as tfds

        dataset = self.builder.as_dataset(
            split=self.split,
            batch_size=size,
            decoders=tfds.decode.PartialDecoding({key: True}),
            shuffle_files=False,
            # A set that is read once need not be kept in memory.
            read_config=tfds.ReadConfig(try_autocache=False),
        )
        return (batch[key] for batch in tfds.as_numpy(dataset))
