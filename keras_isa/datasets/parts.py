"""A training and a test part whose images are read one by one, whatever stores them."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from keras_isa.datasets.classes import class_numbers, renumber
from keras_isa.datasets.dataset import Dataset, train_test_from_arrays
from keras_isa.datasets.images import fit_image
from keras_isa.datasets.options import Options
from keras_isa.datasets.remarks import shown_path
from keras_isa.inputs.arrays import chunks, select
from keras_isa.inputs.axes import axes_of, kind_of
from keras_isa.inputs.checks import check_images
from keras_isa.inputs.pixel_range import pixel_range_of
from keras_isa.memory import check_memory


@dataclasses.dataclass(frozen=True, eq=False)
class Part:
    """Labels in memory, and images that are read only when the part is iterated over.

    Args:
        labels: Class numbers `(N,)` int32.
        read: Function that yields the images `(H, W, C)` at ascending positions one by one.
        positions: The positions of the images of this part, for `read`; by default `0 .. N - 1`.
    """

    labels: np.ndarray
    read: Callable[[np.ndarray], Iterator[np.ndarray]]
    positions: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.positions is None:
            object.__setattr__(self, "positions", np.arange(len(self.labels)))

    def __len__(self) -> int:
        return len(self.labels)

    def __iter__(self) -> Iterator[np.ndarray]:
        return self.read(self.positions)

    def select(self, rows: np.ndarray, labels: np.ndarray | None = None) -> Part:
        """Returns the images at ascending `rows`, with their own or with new labels."""
        labels = self.labels[rows] if labels is None else labels
        return Part(labels, self.read, self.positions[rows])


@dataclasses.dataclass(frozen=True, eq=False)
class Parts:
    """A training and a test part whose images have one shape.

    Args:
        name: The `Dataset.name` of the result.
        class_names: Class names in the order of the class numbers.
        image_shape: Shape `(H, W, C)` or `(F,)` of every image. H and W are `None` if the sizes
            differ; then the images must be `resized` before they are read.
        train: Training part.
        test: Test part, or `None` if the source has none. `with_test` makes one.
        dtype: uint8 or float32.
        pixel_range: As in `Dataset`; `None` for the default.
    """

    name: str
    class_names: tuple[str, ...]
    image_shape: tuple[int | None, ...]
    train: Part
    test: Part | None = None
    dtype: np.dtype = np.dtype(np.uint8)
    pixel_range: tuple[float, float] | None = None

    @classmethod
    def from_datasets(cls, train: Dataset, test: Dataset) -> Parts:
        """Returns the images of two data sets."""
        parts = (Part(data.y, _reader(data.x)) for data in (train, test))
        about = train.name, train.class_names, train.image_shape
        return cls(*about, *parts, train.x.dtype, train.pixel_range)

    def resized(self, image_size: tuple[int, int] | None) -> Parts:
        """Returns parts whose images are resized by `fit_image` when they are read.

        Raises:
            ValueError: If flat features or sequences are to be resized.
        """
        if image_size in (None, self.image_shape[:2]):
            return self
        if len(self.image_shape) != 3:
            raise ValueError(
                f"`image_size` must be None for {kind_of(self.image_shape)}. Received: "
                f"image_size={image_size!r}"
            )

        def part(one: Part) -> Part:
            def read(positions: np.ndarray) -> Iterator[np.ndarray]:
                return (fit_image(image, image_size) for image in one.read(positions))

            return dataclasses.replace(one, read=read)

        return dataclasses.replace(
            self,
            image_shape=(*image_size, self.image_shape[2]),
            train=part(self.train),
            test=part(self.test),
        )

    def with_test(self, options: Options, about: str = "") -> Parts:
        """Returns the parts; without a test part, a share of the training part becomes one.

        Args:
            options: `split` is the share, as in `held_out_mask`.
            about: Words after the name of the source, for messages.

        Raises:
            ValueError: As `held_out_mask`, or `split` is given although there is a test part.
        """
        if self.test is not None:
            options.refuse(self.name, "split")
            return self
        name = shown_path(Path(self.name)) + about
        mask = held_out_mask(self.train.labels, name, options.split)
        train, test = (self.train.select(np.flatnonzero(rows)) for rows in (~mask, mask))
        return dataclasses.replace(self, train=train, test=test)

    @property
    def nbytes(self) -> int:
        """The bytes of all images."""
        count = len(self.train) + len(self.test)
        return count * int(np.prod(self.image_shape)) * np.dtype(self.dtype).itemsize

    def select_classes(self, classes: Sequence[str | int]) -> Parts:
        """Returns the images of these classes, as `Dataset.select_classes` does."""
        chosen = class_numbers(classes, self.class_names)
        names = tuple(self.class_names[number] for number in chosen)
        train, test = (
            part and part.select(*renumber(part.labels, chosen)) for part in (self.train, self.test)
        )
        return dataclasses.replace(self, class_names=names, train=train, test=test)

    def check(self) -> None:
        """Raises a ValueError, before any image is read, if the parts cannot become a data set."""
        if None in self.image_shape:
            raise ValueError(
                "`image_size` (--image-size) must be given if the images differ in size. Received: "
                f"image_size=None for {self.name}"
            )
        for part, which in ((self.train, "training"), (self.test, "test")):
            if not len(part):
                raise ValueError(
                    f"`source` must have images in its {which} part. Received: {self.name} without "
                    "such images"
                )
        counts = np.bincount(self.train.labels, minlength=len(self.class_names))
        if not counts.all():
            raise ValueError(
                "`source` must have images of every class in its training part. Received: "
                f"{self.name} without training images of class "
                f"{self.class_names[int(np.argmin(counts))]!r}"
            )

    def to_test(self) -> Dataset:
        """Returns the test part alone, read into memory.

        Raises:
            ValueError: If the memory does not suffice, or `Dataset` refuses the images.
        """
        check_memory(self.nbytes, f"`source` {self.name} in memory", STORE_AS_NPY)
        x = self._images(self.test, "test")
        pixel_range = self.pixel_range or pixel_range_of(x, self.name)
        about = self.class_names, self.name, "test", pixel_range, axes_of(self.image_shape)
        return Dataset(x, self.test.labels, *about, checked=True)

    def to_datasets(self) -> tuple[Dataset, Dataset]:
        """Returns `(train, test)` with all images read into memory.

        Raises:
            ValueError: If the memory does not suffice, or `Dataset` refuses the images.
        """
        self.check()
        check_memory(self.nbytes, f"`source` {self.name} in memory", STORE_AS_NPY)
        x_train, x_test = self._images(self.train, "training"), self._images(self.test, "test")
        return train_test_from_arrays(
            x_train,
            self.train.labels,
            x_test,
            self.test.labels,
            class_names=self.class_names,
            name=self.name,
            pixel_range=self.pixel_range or pixel_range_of(x_train, self.name),
            axes=axes_of(self.image_shape),
        )

    def _images(self, part: Part, which: str) -> np.ndarray:
        x = np.empty((len(part), *self.image_shape), self.dtype)
        for row, image in enumerate(part):
            x[row] = image
        return check_images(x, f"{self.name}, {which} part", axes_of(self.image_shape))


STORE_AS_NPY = (
    "turn it into a folder of .npy arrays, which is read row by row, with "
    "`keras-isa prepare NAME SOURCE --format npy --output FOLDER`, and load that folder, or choose "
    "some `classes` or a smaller `image_size`"
)


_SHARE = 0.2


def held_out_mask(labels: np.ndarray, name: str, share: float | None = None) -> np.ndarray:
    """Returns which images become the test part of a source that has none.

    The choice is stratified and always the same, like that of `load_digits`.

    Args:
        labels: Class numbers `(N,)`.
        name: The caller's name for the source.
        share: Share of the images, above 0 and below 1. With `None` it is a fifth, and a warning
            says so.

    Returns:
        Boolean array `(N,)`.

    Raises:
        ValueError: If the share or the rest has no image of some class.
    """
    from sklearn.model_selection import train_test_split

    try:
        _, test = train_test_split(
            np.arange(len(labels)), test_size=share or _SHARE, random_state=0, stratify=labels
        )
    except ValueError as error:
        counts = np.unique_counts(labels).counts
        smallest = min(counts, default=0)
        few = np.ceil((share or _SHARE) * len(labels)) < len(counts)
        other = "greater" if few else "smaller"
        advice = f"; a {other} `split` (--split) may help" if smallest > 1 else ""
        raise ValueError(
            "`source` must have a test part, or enough images of each class: a share of "
            f"{share or _SHARE:g} becomes the test part, and each class needs an image in it and "
            f"one in the rest{advice}. Received: {name} with {len(labels)} images of {len(counts)} "
            f"classes, the smallest class with {smallest}"
        ) from error
    if share is None:
        warnings.warn(
            f"{name} has no test part: a fixed fifth of it, {len(test)} of {len(labels)} images, "
            "becomes the test part; `split` (--split) sets another share",
            stacklevel=3,
        )
    mask = np.zeros(len(labels), bool)
    mask[test] = True
    return mask


def _reader(images: object) -> Callable[[np.ndarray], Iterator[np.ndarray]]:
    def read(positions: np.ndarray) -> Iterator[np.ndarray]:
        for part in chunks(select(images, positions)):
            yield from part

    return read
