"""Image classification sets of TensorFlow Datasets, read where they were prepared."""

from __future__ import annotations

import contextlib
import io
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from keras_isa.datasets.images import fit_image
from keras_isa.datasets.layouts import LAYOUTS
from keras_isa.datasets.parts import Part, Parts, held_out

PREFIX = "tfds:"
TEST_SPLITS = ("test", "validation", "val")

# Examples that tf.data hands over at once.
_BATCH = 128

_SOURCE = re.compile(r"tfds:(?P<name>\w+)(/(?P<config>[^/:]+))?(:(?P<version>\d+\.\d+\.\d+))?")
_VERSION = re.compile(r"\d+\.\d+\.\d+")


def open_tfds(
    source: str,
    data_dir: str | os.PathLike[str] | None = None,
    download: bool = False,
    image_size: tuple[int, int] | None = None,
) -> Parts:
    """Returns a prepared set, its labels read and its images not yet.

    The test part is the split "test", "validation" or "val", the first that there is and that has
    labels; without any, a fixed stratified fifth of "train".

    Args:
        source: "tfds:NAME", with "/CONFIG" and ":VERSION" if wanted; by default the only
            configuration and the newest version that are prepared.
        data_dir: Where TFDS keeps its sets; by default the environment's `TFDS_DATA_DIR`, or
            `~/tensorflow_datasets`.
        download: Whether TFDS may fetch and prepare a set that is not there.
        image_size: Height and width that the images are brought to; needed where they differ.

    Raises:
        ValueError: If the set is not there, is none for image classification, or its images differ
            in size and `image_size` is not given.
    """
    match = _SOURCE.fullmatch(source)
    if not match:
        raise ValueError(
            f"`source` must be tfds:NAME, tfds:NAME/CONFIG or either with :VERSION. Received: "
            f"{source!r}"
        )
    root = _data_dir(data_dir)
    folder = _prepared(root, source, **match.groupdict())
    if folder is None and download:
        _download(root, source, match["name"])
        folder = _prepared(root, source, **match.groupdict())
    if folder is None:
        raise ValueError(
            f"`source` must be a set prepared in {root} (data_dir, or TFDS_DATA_DIR), and it is "
            "not there. Fetch it with download=True (--download), or prepare a download of your "
            f"own with `keras-isa prepare {match['name']} FOLDER --format tfds --output {root}`. "
            f"Received: {source!r}"
        )
    with quiet(), _reading(folder):
        return _read(folder, source, image_size)


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
    except ValueError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(
            f"`source` must be an undamaged set. Received: {folder} ({reason[:200]})"
        ) from error


def _data_dir(data_dir: str | os.PathLike[str] | None) -> Path:
    chosen = data_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"
    return Path(chosen).expanduser().absolute()


def _prepared(
    root: Path, source: str, name: str, config: str | None, version: str | None
) -> Path | None:
    """The folder of the newest version, or of the one that is asked for."""
    folder = root / name / (config or "")
    found = _versions(folder)
    if not found and config is None and folder.is_dir():
        configs = {path.name: _versions(path) for path in sorted(folder.iterdir())}
        configs = {name: versions for name, versions in configs.items() if versions}
        if len(configs) > 1:
            raise ValueError(
                f"`source` must name one of the configurations {', '.join(configs)}, as in "
                f"tfds:{name}/{min(configs)}. Received: {source!r}"
            )
        found = next(iter(configs.values()), {})
    if version is not None:
        return found.get(version)
    return found[max(found, key=_as_numbers)] if found else None


def _versions(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        return {}
    return {
        path.name: path
        for path in folder.iterdir()
        if _VERSION.fullmatch(path.name) and (path / "dataset_info.json").is_file()
    }


def _as_numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split("."))


def _download(root: Path, source: str, name: str) -> None:
    import tensorflow_datasets as tfds

    if name in LAYOUTS:
        raise ValueError(
            f"`source` must be prepared from {LAYOUTS[name].archive}, which TFDS does not fetch: "
            f"`keras-isa prepare {name} FOLDER --format tfds --output {root}`. Received: {source!r}"
        )
    try:
        builder = tfds.builder(source.removeprefix(PREFIX), data_dir=root)
        builder.download_and_prepare()
    except (tfds.core.DatasetNotFoundError, AssertionError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(
            f"`source` must be a set that TFDS can prepare in {root} ({reason[:300]}). Received: "
            f"{source!r}"
        ) from error


def _read(folder: Path, source: str, image_size: tuple[int, int] | None) -> Parts:
    import tensorflow_datasets as tfds

    builder = tfds.builder_from_directory(folder)
    image_key, label_key = _feature_keys(builder.info, source)
    names = tuple(builder.info.features[label_key].names)
    found = [name for name in TEST_SPLITS if name in builder.info.splits]
    if "train" not in builder.info.splits:
        raise ValueError(
            f"`source` must have a split train. Received: {source!r} with "
            f"{', '.join(builder.info.splits) or 'none'}"
        )
    shape, dtype = _shape_and_dtype(builder, image_key, image_size)

    def part(split: str) -> Part:
        examples = _Split(builder, split, image_key, label_key, shape, image_size)
        return Part(examples.labels(), examples.read)

    train = part("train")
    if train.labels.min(initial=0) < 0:
        raise ValueError(
            f"`source` must have a class for every training image. Received: {source!r} with a "
            f"label {train.labels.min()}"
        )
    tests = (part(split) for split in found)  # sets that are test questions have labels of -1
    test = next((one for one in tests if one.labels.min(initial=0) >= 0), None)
    if test is None:
        mask = held_out(train.labels, source)
        train, test = train.select(np.flatnonzero(~mask)), train.select(np.flatnonzero(mask))
    return Parts(source, names, shape, dtype, train, test)


def _feature_keys(info: Any, source: str) -> tuple[str, str]:
    """The names of the image and of the label: what the set says, or the only ones it has."""
    from tensorflow_datasets import features as kinds

    features = dict(info.features) if isinstance(info.features, kinds.FeaturesDict) else {}

    def named(fits: Any) -> list[str]:
        return [name for name, feature in features.items() if fits(feature)]

    labels = named(lambda one: isinstance(one, kinds.ClassLabel))
    images = named(
        lambda one: isinstance(one, kinds.Image) and not isinstance(one, kinds.LabeledImage)
    )
    # Float pixels and flat features have no image format, and are stored as numbers.
    images = images or named(
        lambda one: type(one) is kinds.Tensor and len(one.shape) in (1, 2, 3) and _is_number(one)
    )
    keys = info.supervised_keys
    if keys and len(keys) == 2 and keys[0] in images and keys[1] in labels:
        return keys[0], keys[1]
    if len(images) != 1 or len(labels) != 1:
        raise ValueError(
            "`source` must be a set for image classification, with one image and one class label "
            f"per example. Received: {source!r} with {', '.join(sorted(features)) or 'neither'}"
        )
    return images[0], labels[0]


def _is_number(feature: Any) -> bool:
    return np.dtype(feature.np_dtype).kind in "uif"


def _shape_and_dtype(
    builder: Any, image_key: str, image_size: tuple[int, int] | None
) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and dtype that all images come to: known beforehand, or those of the first one."""
    feature = builder.info.features[image_key]
    shape = tuple(feature.shape)
    if None in shape:
        shape = next(_Split(builder, "train", image_key).read(np.array([0]))).shape
    if len(shape) == 2:
        shape = (*shape, 1)
    if image_size is not None:
        if len(shape) != 3:
            raise ValueError(
                f"`image_size` must be None for flat features. Received: image_size={image_size!r}"
            )
        shape = (*image_size, shape[2])
    return shape, np.dtype(np.uint8 if feature.np_dtype == np.uint8 else np.float32)


class _Split:
    """One split of a prepared set.

    Without `shape` images come as they are stored.
    """

    def __init__(
        self,
        builder: Any,
        split: str,
        image_key: str,
        label_key: str | None = None,
        shape: tuple[int, ...] | None = None,
        image_size: tuple[int, int] | None = None,
    ) -> None:
        self.builder = builder
        self.split = split
        self.image_key = image_key
        self.label_key = label_key
        self.shape = shape
        self.image_size = image_size

    def labels(self) -> np.ndarray:
        """All labels `(N,)` int32, in the order of the file; no image is decoded."""
        import tensorflow_datasets as tfds

        if self._has_random_access():
            undecoded = {self.image_key: tfds.decode.SkipDecoding()}
            labels = [example[self.label_key] for example in self._sequence(undecoded)]
        else:
            labels = np.concatenate(list(self._batches(self.label_key, _BATCH)))
        return np.asarray(labels, np.int32)

    def read(self, positions: np.ndarray) -> Iterator[np.ndarray]:
        """Images at ascending positions, in the form that was asked for."""
        with _reading(Path(self.builder.data_dir)):
            if self._has_random_access():
                examples = self._sequence()
                images = (examples[int(position)][self.image_key] for position in positions)
            else:
                images = self._passing(positions)
            for image in images:
                yield self._fitted(np.asarray(image))

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

    def _fitted(self, image: np.ndarray) -> np.ndarray:
        if self.shape is None:
            return image
        if image.ndim == 2:
            image = image[..., np.newaxis]
        if self.image_size is not None:
            image = fit_image(image, self.image_size)
        if image.shape != self.shape:
            raise ValueError(
                "`image_size` (--image-size) must be given where images differ in size. Received: "
                f"images of shape {self.shape} and {image.shape}"
            )
        return image
