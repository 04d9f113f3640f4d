"""Image classification sets that TensorFlow Datasets has prepared on disk."""

from __future__ import annotations

import contextlib
import dataclasses
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from keras_isa.datasets.downloads.common import drop_unused_classes
from keras_isa.datasets.images import fit_image
from keras_isa.datasets.options import Options
from keras_isa.datasets.part_names import TEST_NAMES, part_of
from keras_isa.datasets.parts import Part, Parts, held_out_mask
from keras_isa.datasets.tfds_features import (
    Classes,
    check_feature_kinds,
    find_features,
    has_no_class,
)
from keras_isa.datasets.tfds_folders import prepared_folder
from keras_isa.inputs.axes import find_axes, library_shape, to_library_axes

# How many examples tf.data returns at once.
_BATCH = 128


def open_tfds(source: str, options: Options) -> Parts:
    """Returns a prepared set; its labels are read now and its images later.

    The test part is the first of the splits "test", "validation", "valid", "val" and "dev" that
    exists and has labels. Without such a split, a fixed stratified share of "train", or of the only
    split, becomes the test part. Classes without training images are dropped, and a warning says
    so.

    Args:
        source: "tfds:NAME", optionally with "/CONFIG" and ":VERSION"; by default the only prepared
            configuration and the newest prepared version.
        options: How it is read; `data_dir` is by default the environment's `TFDS_DATA_DIR`, or
            `~/tensorflow_datasets`.

    Raises:
        ValueError: If the set is missing or is not for image classification, or its images differ
            in size and `image_size` is not given.
    """
    with _opened(source, options) as folder:
        return _read(folder, source, options)


def open_tfds_test(source: str, options: Options) -> Parts | None:
    """Returns a prepared set that has only a test part, with an empty training part.

    Args:
        source: As for `open_tfds`.
        options: As for `open_tfds`.

    Returns:
        The parts, or `None` if the set has other splits too or no labels.

    Raises:
        ValueError: As `open_tfds`.
    """
    with _opened(source, options) as folder:
        return _read_test(folder, source, options)


@contextlib.contextmanager
def _opened(source: str, options: Options) -> Iterator[Path]:
    """Gives the folder of a set, and keeps TFDS quiet in the meantime."""
    folder = prepared_folder(source, options)
    with quiet(), _reading(folder):
        yield folder


@contextlib.contextmanager
def quiet(progress: bool = False) -> Iterator[None]:
    """Returns a context in which TFDS prints nothing and TensorFlow takes no accelerator memory.

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
    """Turns the errors of many types that TFDS raises for damaged files into a ValueError."""
    try:
        yield
    except Exception as error:
        # Errors that begin with an argument in backticks come from this library.
        if isinstance(error, TypeError | ValueError) and str(error).startswith("`"):
            raise
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(
            f"`source` must be an undamaged set. Received: {folder} ({reason[:200]})"
        ) from error


def _read(folder: Path, source: str, options: Options) -> Parts:
    opened = _PreparedSet(folder, source, options)
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
    # Sets with secret test labels have labels of -1 in their test split.
    name, values = next((one for one in tests if not has_no_class(one[1])), (None, None))
    if name is not None:
        options.refuse(source, "split")
        test = opened.part(name, classes.numbers(values))
    else:
        mask = held_out_mask(train.labels, f"{source}, split {train_split},", options.split)
        train, test = train.select(np.flatnonzero(~mask)), train.select(np.flatnonzero(mask))
    return drop_unused_classes(opened.parts(classes, train, test), source)


def _read_test(folder: Path, source: str, options: Options) -> Parts | None:
    opened = _PreparedSet(folder, source, options)
    if any(name not in TEST_NAMES for name in opened.splits):
        return None
    for name in TEST_NAMES:
        values = opened.labels(name) if name in opened.splits else np.array([-1])
        if not has_no_class(values):
            classes = opened.classes(values, name)
            test = opened.part(name, classes.numbers(values))
            return opened.parts(classes, test.select(np.array([], int)), test)
    return None


class _PreparedSet:
    """A prepared set, whose labels and images are read when a method asks for them."""

    def __init__(self, folder: Path, source: str, options: Options) -> None:
        import tensorflow_datasets as tfds

        check_feature_kinds(folder)
        self._builder = tfds.builder_from_directory(folder)
        self._source = source
        self._image, self._label = find_features(self._builder.info, source)
        self.splits = list(self._builder.info.splits)
        # The images of all splits are converted to the same shape and dtype.
        first = next((one for one in self.splits if part_of(one) == "train"), self.splits[0])
        self._format = _image_format(self._builder, source, first, self._image, options)

    def labels(self, split: str) -> np.ndarray:
        return self._split(split).labels()

    def classes(self, values: np.ndarray, split: str) -> Classes:
        name = f"{self._source}, {self._label} of split {split}"
        return Classes(self._builder.info.features[self._label], values, name)

    def part(self, split: str, numbers: np.ndarray) -> Part:
        return Part(numbers, self._split(split).read)

    def parts(self, classes: Classes, train: Part, test: Part) -> Parts:
        shape, dtype = self._format.shape, self._format.dtype
        return Parts(self._source, classes.names, shape, dtype, train, test)

    def _split(self, split: str) -> _Split:
        return _Split(self._builder, split, self._image, self._label, self._format)


def _training_split(splits: list[str], source: str, share: float | None) -> str:
    """Returns the split "train", or the only split unless its name means a test part.

    An only split that is a test part is returned if the caller gives the `share` that is held out.
    """
    named = ["train"] if "train" in splits else [one for one in splits if part_of(one) == "train"]
    if len(named) == 1:
        return named[0]
    if len(splits) == 1 and (splits[0] not in TEST_NAMES or share is not None):
        return splits[0]
    single = len(splits) == 1
    share = "; or pass a `split` (--split 0.2), the share of it that becomes the test part"
    raise ValueError(
        "`source` must have a split train, or only one split that is not called as a test part"
        f"{share if single else ''}. Received: {source!r} with {', '.join(splits) or 'none'}"
    )


@dataclasses.dataclass(frozen=True)
class _ImageFormat:
    """The shape and dtype to which all images of a set are converted.

    Args:
        shape: Shape of each image after the conversion.
        dtype: uint8 or float32.
        axes: What the axes of the stored images mean, with N for the number of images.
        image_size: Height and width to which the images are resized.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    axes: str
    image_size: tuple[int, int] | None

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Returns a stored image after the conversion."""
        image = to_library_axes(image[np.newaxis], self.axes)[0]
        if self.image_size is not None:
            image = fit_image(image, self.image_size)
        if image.shape != self.shape:
            raise ValueError(
                "`image_size` (--image-size) must be given if the images differ in size. Received: "
                f"images of shape {self.shape} and {image.shape}"
            )
        return image


def _image_format(
    builder: Any, source: str, split: str, image_key: str, options: Options
) -> _ImageFormat:
    """Returns the format from the features of the set, or from its first image if they vary."""
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
    return _ImageFormat(shape, dtype, axes, options.image_size)


class _Split:
    """One split of a prepared set. Without `image_format` its images stay as they are stored."""

    def __init__(
        self,
        builder: Any,
        split: str,
        image_key: str,
        label_key: str | None = None,
        image_format: _ImageFormat | None = None,
    ) -> None:
        self.builder = builder
        self.split = split
        self.image_key = image_key
        self.label_key = label_key
        self.image_format = image_format

    def labels(self) -> np.ndarray:
        """Returns the labels `(N,)` of all examples in the order of the file; decodes no image."""
        import tensorflow_datasets as tfds

        if self._has_random_access():
            undecoded = {self.image_key: tfds.decode.SkipDecoding()}
            labels = [example[self.label_key] for example in self._sequence(undecoded)]
        else:
            labels = np.concatenate(list(self._batches(self.label_key, _BATCH)))
        return np.asarray(labels)

    def read(self, positions: np.ndarray) -> Iterator[np.ndarray]:
        """Yields the images at ascending positions, after the conversion."""
        with _reading(Path(self.builder.data_dir)):
            if self._has_random_access():
                examples = self._sequence()
                images = (examples[int(position)][self.image_key] for position in positions)
            else:
                images = self._passing(positions)
            for image in images:
                image = np.asarray(image)
                yield image if self.image_format is None else self.image_format(image)

    def _passing(self, positions: np.ndarray) -> Iterator[np.ndarray]:
        """Yields the images at ascending positions from a pass over the split."""
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
        """Returns all examples in the order of the file, as a sequence with random access."""
        return self.builder.as_data_source(split=self.split, decoders=decoders)

    def _batches(self, key: str, size: int) -> Iterator[np.ndarray]:
        """Yields one feature of all examples in the order of the file, `size` at a time."""
        import tensorflow_datasets as tfds

        dataset = self.builder.as_dataset(
            split=self.split,
            batch_size=size,
            decoders=tfds.decode.PartialDecoding({key: True}),
            shuffle_files=False,
            # The set is read only once, so a cache would waste memory.
            read_config=tfds.ReadConfig(try_autocache=False),
        )
        return (batch[key] for batch in tfds.as_numpy(dataset))
