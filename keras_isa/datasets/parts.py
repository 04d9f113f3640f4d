"""Images that are read one after another, whatever stores them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from keras_isa import checks
from keras_isa.arrays import chunks, select
from keras_isa.datasets.classes import class_numbers, renumbered
from keras_isa.datasets.dataset import Dataset, train_test_from_arrays
from keras_isa.datasets.images import fit_image
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
        image_shape: Of every image, `(H, W, C)` or `(F,)`.
        dtype: uint8 or float32.
        train: Training part.
        test: Test part.
        pixel_range: As in `Dataset`; `None` for the default.
    """

    name: str
    class_names: tuple[str, ...]
    image_shape: tuple[int, ...]
    dtype: np.dtype
    train: Part
    test: Part
    pixel_range: tuple[float, float] | None = None

    @classmethod
    def from_datasets(
        cls, train: Dataset, test: Dataset, image_size: tuple[int, int] | None = None
    ) -> Parts:
        """Returns the images of two data sets, brought to `image_size` where it is given.

        Raises:
            ValueError: If flat features are to be resized.
        """
        shape = train.image_shape
        if image_size is not None:
            if len(shape) != 3:
                raise ValueError(
                    "`image_size` must be None for flat features. Received: "
                    f"image_size={image_size!r}"
                )
            shape = (*image_size, shape[2])
        parts = (Part(data.y, _reader(data.x, image_size)) for data in (train, test))
        return cls(train.name, train.class_names, shape, train.x.dtype, *parts, train.pixel_range)

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
            part.select(*renumbered(part.labels, chosen)) for part in (self.train, self.test)
        )
        return dataclasses.replace(self, class_names=names, train=train, test=test)

    def check(self) -> None:
        """Raises a ValueError, before any image is read, if they can make no data set."""
        for part, argument in ((self.train, "y_train"), (self.test, "y_test")):
            if not len(part):
                raise ValueError(f"`{argument}` must hold at least one label. Received: none")
        checks.check_every_class_present(self.train.labels, len(self.class_names), "y_train")

    def to_datasets(self) -> tuple[Dataset, Dataset]:
        """Reads all images into memory.

        Raises:
            ValueError: If the memory does not suffice, or `Dataset` refuses them.
        """
        self.check()
        check_memory(self.nbytes, f"`source` {self.name} in memory", STORE_AS_NPY)
        x_train, x_test = (self._array(part) for part in (self.train, self.test))
        return train_test_from_arrays(
            x_train,
            self.train.labels,
            x_test,
            self.test.labels,
            class_names=self.class_names,
            name=self.name,
            pixel_range=self.pixel_range,
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


def held_out(labels: np.ndarray, name: str) -> np.ndarray:
    """Which fifth of the images is the test part, for a source that has none.

    It is stratified and fixed for good, as the one of `load_digits`.

    Args:
        labels: Class numbers `(N,)`.
        name: What the caller calls the source.

    Returns:
        Boolean array `(N,)`.

    Raises:
        ValueError: If a class has a single image, or there are fewer images than that takes.
    """
    from sklearn.model_selection import train_test_split

    try:
        _, test = train_test_split(
            np.arange(len(labels)), test_size=0.2, random_state=0, stratify=labels
        )
    except ValueError as error:
        raise ValueError(
            "`source` must have a test part, or enough images in each class that a fifth of them "
            f"can be held out. Received: {name} with {len(labels)} images, the smallest class "
            f"with {min(np.bincount(labels)[np.unique(labels)], default=0)}"
        ) from error
    mask = np.zeros(len(labels), bool)
    mask[test] = True
    return mask


def _reader(
    images: object, image_size: tuple[int, int] | None
) -> Callable[[np.ndarray], Iterator[np.ndarray]]:
    def read(positions: np.ndarray) -> Iterator[np.ndarray]:
        for part in chunks(select(images, positions)):
            yield from part if image_size is None else (fit_image(one, image_size) for one in part)

    return read
