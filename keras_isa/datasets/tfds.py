"""Image classification sets that TensorFlow Datasets has prepared on disk."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from keras_isa.datasets.downloads.common import drop_unused_classes, warn_not_used
from keras_isa.datasets.npz import undamaged
from keras_isa.datasets.options import Options
from keras_isa.datasets.part_names import TEST_NAMES, part_of
from keras_isa.datasets.parts import Part, Parts
from keras_isa.datasets.tfds_features import (
    check_feature_kinds,
    find_features,
    has_class,
    to_classes,
)
from keras_isa.datasets.tfds_folders import prepared_folder
from keras_isa.inputs.axes import find_axes, library_shape, to_library_axes

# How many examples tf.data returns at once.
_BATCH = 128
_UNDAMAGED = "`source` must be an undamaged set"


def open_tfds(source: str, options: Options) -> Parts:
    """Returns a prepared set; its labels are read now and its images later.

    The test part is the first of the splits "test", "validation", "valid", "val" and "dev" that
    exists and has labels. Without such a split, a fixed stratified share of "train", or of the only
    split, becomes the test part. Warnings name the splits that are not used, test images without a
    label, which are stored as -1, and classes without training images, which are dropped.

    Args:
        source: "tfds:NAME", optionally with "/CONFIG" and ":VERSION"; by default the only prepared
            configuration and the newest prepared version.
        options: How it is read; `data_dir` is by default the environment's `TFDS_DATA_DIR`, or
            `~/tensorflow_datasets`.

    Raises:
        ValueError: If the set is missing or is not for image classification, or its images differ
            in size and `image_size` is not given.
    """
    with _opened(source, options) as opened:
        train_split = _training_split(opened.splits, source, options.split)
        values = opened.labels(train_split)
        if not has_class(values).all():
            raise ValueError(
                f"`source` must have a class for every training image. Received: {source!r} with a "
                f"label {values.min()} in split {train_split}"
            )
        names, train = opened.part(train_split, values)
        found = [name for name in TEST_NAMES if name in opened.splits and name != train_split]
        test_split, values = opened.labelled(found)
        test = None if test_split is None else opened.part(test_split, values, names)[1]
        parts = opened.parts(names, train, test, (train_split, test_split))
        return drop_unused_classes(parts.with_test(options, f", split {train_split},"))


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
    with _opened(source, options) as opened:
        found = [name for name in TEST_NAMES if name in opened.splits]
        split, values = opened.labelled(found) if len(found) == len(opened.splits) else (None, None)
        if split is None:
            return None
        names, test = opened.part(split, values)
        return opened.parts(names, test.select(np.array([], int)), test, [split])


@contextlib.contextmanager
def _opened(source: str, options: Options) -> Iterator[_PreparedSet]:
    """Gives a set, and keeps TFDS quiet in the meantime."""
    folder = prepared_folder(source, options)
    with quiet(), undamaged(folder, _UNDAMAGED):
        yield _PreparedSet(folder, source, options)


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


class _PreparedSet:
    """A prepared set, whose labels and images are read when a method asks for them.

    The images of all splits are converted to one shape and dtype.
    """

    def __init__(self, folder: Path, source: str, options: Options) -> None:
        import tensorflow_datasets as tfds

        check_feature_kinds(folder)
        self._builder = tfds.builder_from_directory(folder)
        self._source, self._image_size = source, options.image_size
        info = self._builder.info
        self._image, self._label = find_features(info, source)
        self.splits = list(info.splits)
        first = next((one for one in self.splits if part_of(one) == "train"), self.splits[0])
        feature = info.features[self._image]
        self._stored_shape = tuple(feature.shape)
        self._dtype = np.dtype(np.uint8 if feature.np_dtype == np.uint8 else np.float32)
        self._axes, self._shape = self._format(first, options)

    def _format(self, split: str, options: Options) -> tuple[str, tuple[int, ...]]:
        """Returns the axes of the stored images, and their shape after the conversion."""
        from tensorflow_datasets import features as kinds

        feature, shape = self._builder.info.features[self._image], self._stored_shape
        if None in shape:
            shape = np.shape(next(self._stored(split, np.array([0]))))
        if isinstance(feature, kinds.Image):
            options.refuse(self._source, "axes")
            axes = "NHWC"
        else:
            all_of_them = (self._builder.info.splits[split].num_examples, *shape)
            about = np.dtype(feature.np_dtype), f"{self._source}, {self._image}", options.axes
            axes = find_axes(all_of_them, *about)
        shape = library_shape((1, *shape), axes)[1:]
        if options.image_size is not None and None in self._stored_shape:
            shape = (None, None, *shape[2:])
        return axes, shape

    def labels(self, split: str) -> np.ndarray:
        """Returns the labels `(N,)` of all examples in the order of the file; decodes no image."""
        import tensorflow_datasets as tfds

        if self._has_random_access():
            undecoded = {self._image: tfds.decode.SkipDecoding()}
            examples = self._builder.as_data_source(split=split, decoders=undecoded)
            return np.asarray([example[self._label] for example in examples])
        return np.concatenate(list(self._batches(split, self._label, _BATCH)))

    def labelled(self, splits: Sequence[str]) -> tuple[str | None, np.ndarray | None]:
        """Returns the first split in which some images have labels, and its labels."""
        found = ((split, self.labels(split)) for split in splits)
        return next((one for one in found if has_class(one[1]).any()), (None, None))

    def part(
        self, split: str, values: np.ndarray, names: tuple[str, ...] | None = None
    ) -> tuple[tuple[str, ...], Part]:
        """Returns the class names, as `to_classes` finds them, and the images with a label."""
        about = f"{self._source}, {self._label} of split {split}"
        feature = self._builder.info.features[self._label]
        rows = np.flatnonzero(has_class(values))
        names, numbers = to_classes(feature, values[rows], about, names)
        missing = len(values) - len(rows)
        left_out = [f"{missing} images of {split}"] if missing else []
        warn_not_used(self._source, left_out, "they have no label")

        def read(positions: np.ndarray) -> Iterator[np.ndarray]:
            with undamaged(self._builder.data_dir, _UNDAMAGED):
                yield from map(self._converted, self._stored(split, positions))

        return names, Part(numbers, read, rows)

    def parts(
        self, names: tuple[str, ...], train: Part, test: Part | None, used: Sequence[str | None]
    ) -> Parts:
        """Returns two parts of the set, after a warning of the splits that are not `used`."""
        rest = [split for split in self.splits if split not in used]
        reason = "a training part and a test part with labels are all that is read"
        warn_not_used(self._source, rest, reason)
        parts = Parts(self._source, names, self._shape, train, test, self._dtype)
        return parts.resized(self._image_size)

    def _converted(self, image: np.ndarray) -> np.ndarray:
        image = to_library_axes(np.asarray(image)[np.newaxis], self._axes)[0]
        if None not in self._shape and image.shape != self._shape:
            raise ValueError(
                "`image_size` (--image-size) must be given if the images differ in size. Received: "
                f"images of shape {self._shape} and {image.shape}"
            )
        return image

    def _stored(self, split: str, positions: np.ndarray) -> Iterator[np.ndarray]:
        """Yields the images at ascending positions as they are stored."""
        if self._has_random_access():
            examples = self._builder.as_data_source(split=split)
            yield from (examples[int(position)][self._image] for position in positions)
            return
        wanted = np.zeros(self._builder.info.splits[split].num_examples, bool)
        wanted[positions] = True
        passed, size = 0, 1 if None in self._stored_shape else _BATCH
        for images in self._batches(split, self._image, size):
            if not wanted[passed:].any():
                return
            yield from images[wanted[passed : passed + len(images)]]
            passed += len(images)

    def _has_random_access(self) -> bool:
        return self._builder.info.file_format.value in ("array_record", "parquet")

    def _batches(self, split: str, key: str, size: int) -> Iterator[np.ndarray]:
        """Yields one feature of all examples in the order of the file, `size` at a time."""
        import tensorflow_datasets as tfds

        dataset = self._builder.as_dataset(
            split=split,
            batch_size=size,
            decoders=tfds.decode.PartialDecoding({key: True}),
            shuffle_files=False,
            # The set is read only once, so a cache would waste memory.
            read_config=tfds.ReadConfig(try_autocache=False),
        )
        return (batch[key] for batch in tfds.as_numpy(dataset))


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
