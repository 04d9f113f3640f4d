"""Images that are read one after another, whatever stores them."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from keras_isa.datasets.classes import class_numbers, renumbered
from keras_isa.datasets.dataset import Dataset, train_test_from_arrays
from keras_isa.datasets.images import fit_image
from keras_isa.inputs.arrays import chunks, select
from keras_isa.inputs.axes import axes_of, kind_of
from keras_isa.inputs.checks import check_images
from keras_isa.inputs.pixel_range import pixel_range_of
from keras_isa.memory import check_memory


@dataclasses.dataclass(frozen=True, eq=False)
class Part:
    """Labels that are known, and images that are read when they are asked for.

    Args:
        labels: Class numbers `(N,)` int32.
        read: Gives the images `(H, W, C)` at some positions, which ascend, one by one.
        positions: Where the images of this part lie in what `read` reads; by default
            `0 .. N - 1`.
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
        """Returns the part at ascending `rows`, with their labels or with new ones."""
        labels = self.labels[rows] if labels is None else labels
        return Part(labels, self.read, self.positions[rows])


@dataclasses.dataclass(frozen=True, eq=False)
class Parts:
    """A training and a test part whose images have one shape.

    Args:
        name: What `Dataset.name` is to be.
        class_names: In the order of the class numbers.
        image_shape: Of every image, `(H, W, C)` or `(F,)`; H and W are `None` where images differ,
            which must be `fitted` before they are read.
        dtype: uint8 or float32.
        train: Training part.
        test: Test part; `None` where the source has none, until `with_test` gives it one.
        pixel_range: As in `Dataset`; `None` for the default.
    """

    name: str
    class_names: tuple[str, ...]
    image_shape: tuple[int | None, ...]
    dtype: np.dtype
    train: Part
    test: Part | None
    pixel_range: tuple[float, float] | None = None

    @classmethod
    def from_datasets(
        cls, train: Dataset, test: Dataset, image_size: tuple[int, int] | None = None
    ) -> Parts:
        """Returns the images of two data sets, brought to `image_size` where it is given.

        Raises:
            ValueError: If flat features are to be resized.
        """
        parts = (Part(data.y, _reader(data.x)) for data in (train, test))
        dtype, pixel_range = train.x.dtype, train.pixel_range
        whole = cls(train.name, train.class_names, train.image_shape, dtype, *parts, pixel_range)
        return whole.fitted(image_size)

    def fitted(self, image_size: tuple[int, int] | None) -> Parts:
        """Returns the images as `fit_image` brings them to `image_size` when they are read.

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

    def with_test(self, share: float | None = None) -> Parts:
        """Returns the parts, with one held out of the training part if there is no test part.

        Args:
            share: As in `held_out`.

        Raises:
            ValueError: As `held_out`.
        """
        if self.test is not None:
            return self
        mask = held_out(self.train.labels, self.name, share)
        train, test = (self.train.select(np.flatnonzero(rows)) for rows in (~mask, mask))
        return dataclasses.replace(self, train=train, test=test)

    @property
    def nbytes(self) -> int:
        """Bytes of all images."""
        count = len(self.train) + len(self.test)
        return count * int(np.prod(self.image_shape)) * np.dtype(self.dtype).itemsize

    def select_classes(self, classes: Sequence[str | int]) -> Parts:
        """Returns these classes only, in this order; arguments and errors as in `Dataset`."""
        chosen = class_numbers(classes, self.class_names)
        names = tuple(self.class_names[number] for number in chosen)
        train, test = (
            part and part.select(*renumbered(part.labels, chosen))
            for part in (self.train, self.test)
        )
        return dataclasses.replace(self, class_names=names, train=train, test=test)

    def check(self) -> None:
        """Raises a ValueError, before any image is read, if they can make no data set."""
        if None in self.image_shape:
            raise ValueError(
                "`image_size` (--image-size) must be given where images differ in size. Received: "
                f"image_size=None for {self.name}"
            )
        for part, which in ((self.train, "training"), (self.test, "test")):
            if not len(part):
                raise ValueError(
                    f"`source` must have images in its {which} part. Received: {self.name} with "
                    "none there"
                )
        counts = np.bincount(self.train.labels, minlength=len(self.class_names))
        if not counts.all():
            raise ValueError(
                "`source` must have images of every class in its training part. Received: "
                f"{self.name} with no images there of class "
                f"{self.class_names[int(np.argmin(counts))]!r}"
            )

    def to_test(self) -> Dataset:
        """Reads the test part alone into memory.

        Raises:
            ValueError: If the memory does not suffice, or `Dataset` refuses the images.
        """
        axes = axes_of(self.image_shape)
        check_memory(self.nbytes, f"`source` {self.name} in memory", STORE_AS_NPY)
        x = check_images(self._array(self.test), f"{self.name}, test part", axes)
        pixel_range = self.pixel_range or pixel_range_of(x, self.name)
        about = self.class_names, self.name, "test", pixel_range, axes
        return Dataset(x, self.test.labels, *about, checked=True)

    def to_datasets(self) -> tuple[Dataset, Dataset]:
        """Reads all images into memory.

        Raises:
            ValueError: If the memory does not suffice, or `Dataset` refuses them.
        """
        self.check()
        axes = axes_of(self.image_shape)
        check_memory(self.nbytes, f"`source` {self.name} in memory", STORE_AS_NPY)
        x_train, x_test = (
            check_images(self._array(part), f"{self.name}, {which} part", axes)
            for part, which in ((self.train, "training"), (self.test, "test"))
        )
        pixel_range = self.pixel_range or pixel_range_of(x_train, self.name)
        return train_test_from_arrays(
            x_train,
            self.train.labels,
            x_test,
            self.test.labels,
            class_names=self.class_names,
            name=self.name,
            pixel_range=pixel_range,
            axes=axes,
        )

    def _array(self, part: Part) -> np.ndarray:
        x = np.empty((len(part), *self.image_shape), self.dtype)
        for row, image in enumerate(part):
            x[row] = image
        return x


STORE_AS_NPY = (
    "turn it into a folder of .npy arrays, which is read row by row, with "
    "`keras-isa prepare NAME SOURCE --format npy --output FOLDER`, and load that, or choose some "
    "`classes` or a smaller `image_size`"
)


_SHARE = 0.2


def held_out(labels: np.ndarray, name: str, share: float | None = None) -> np.ndarray:
    """Which images are the test part, for a source that has none: a fifth, or what was asked for.

    It is stratified and fixed for good, as the one of `load_digits`.

    Args:
        labels: Class numbers `(N,)`.
        name: What the caller calls the source.
        share: Share of the images, above 0 and below 1; `None` for a fifth, which is then said in
            a warning.

    Returns:
        Boolean array `(N,)`.

    Raises:
        ValueError: If a class has a single image, or there are fewer images than that takes.
    """
    from sklearn.model_selection import train_test_split

    try:
        _, test = train_test_split(
            np.arange(len(labels)), test_size=share or _SHARE, random_state=0, stratify=labels
        )
    except ValueError as error:
        counts = np.unique_counts(labels).counts
        smallest = min(counts, default=0)
        advice = ", as with a greater `split` (--split)" if smallest > 1 else ""
        raise ValueError(
            "`source` must have a test part, or enough images in each class that a share of "
            f"{share or _SHARE:g} of them can be held out with one of each class{advice}. "
            f"Received: {name} with {len(labels)} images of {len(counts)} classes, the smallest "
            f"class with {smallest}"
        ) from error
    if share is None:
        warnings.warn(
            f"{name} has no test part: a fixed fifth of it, {len(test)} of {len(labels)} images, "
            "is held out as one; `split` (--split) says another share",
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
