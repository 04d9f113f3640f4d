"""Arrays whose names say whether they are a training part, a test part or the whole data set."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from keras_isa.datasets.dataset import Dataset, train_test_from_arrays
from keras_isa.datasets.options import Options
from keras_isa.datasets.part_names import PART_NAMES, TEST_NAMES
from keras_isa.datasets.parts import held_out_mask
from keras_isa.inputs.arrays import select
from keras_isa.inputs.axes import axes_of
from keras_isa.inputs.checks import check_images
from keras_isa.inputs.class_labels import check_labels
from keras_isa.inputs.pairs import IMAGE_NAMES, LABEL_NAMES, find_keys

KEYS = ("x_train", "y_train", "x_test", "y_test")
CLASS_NAMES = "class_names"


@dataclasses.dataclass(frozen=True)
class ArrayKeys:
    """The names of the images and of the labels, for each part that exists.

    Args:
        train: Names for the training part.
        test: Names for the test part.
        whole: Names for the whole data set, if no name says which part it is.
    """

    train: tuple[str, str] | None = None
    test: tuple[str, str] | None = None
    whole: tuple[str, str] | None = None

    @classmethod
    def find(cls, names: Iterable[str]) -> ArrayKeys | None:
        """Returns the keys among the names of all arrays, or `None` if there are none.

        The result is also `None` if the training or the test part has only images or only labels,
        or two arrays of one kind.

        Example:

        >>> from keras_isa.datasets.array_parts import ArrayKeys
        >>> ArrayKeys.find(["train_images", "train_labels", "note"])
        ArrayKeys(train=('train_images', 'train_labels'), test=None, whole=None)
        """
        names = [name for name in names if name != CLASS_NAMES]
        for part in (*PART_NAMES["train"], *PART_NAMES["test"]):
            images, labels = _images_and_labels(names, part)
            if len(images) != len(labels) or len(images) > 1:
                return None
        train, test = (_find_part(names, parts) for parts in (PART_NAMES["train"], TEST_NAMES))
        if train or test:
            return cls(train, test)
        whole = find_keys(names)
        return None if whole is None else cls(whole=whole)

    @property
    def names(self) -> list[str]:
        """The names of all arrays that are read."""
        return [name for keys in (self.train, self.test, self.whole) if keys for name in keys]


def _find_part(names: Sequence[str], parts: Sequence[str]) -> tuple[str, str] | None:
    """Returns the keys of the first of `parts` that has one array of images and one of labels."""
    found = (_images_and_labels(names, part) for part in parts)
    return next(((x[0], y[0]) for x, y in found if len(x) == len(y) == 1), None)


def _same_meaning(names: Sequence[str]) -> list[str]:
    """Returns names of several arrays of one kind for one part, such as x and X."""
    names = [name for name in names if name != CLASS_NAMES]
    parts = [_images_and_labels(names, one) for one in (*PART_NAMES["train"], *PART_NAMES["test"])]
    if not any(kind for part in parts for kind in part):  # the whole set
        lists = (IMAGE_NAMES, LABEL_NAMES)
        parts = [[[name for name in names if name.lower() in kinds] for kinds in lists]]
    return next((kind for part in parts for kind in part if len(kind) > 1), [])


def _images_and_labels(names: Sequence[str], part: str) -> list[list[str]]:
    """Returns the names of the images and of the labels of a part, such as train_x and x_train."""
    found = []
    for kinds in (IMAGE_NAMES, LABEL_NAMES):
        known = {f"{kind}{join}{part}" for kind in kinds for join in ("_", "")}
        known |= {f"{part}{join}{kind}" for kind in kinds for join in ("_", "")}
        found.append([name for name in names if name.lower() in known])
    return found


@dataclasses.dataclass(frozen=True)
class ArrayParts:
    """Images and labels of each part, not checked yet.

    Args:
        name: The `Dataset.name` of the result.
        train: Images and labels of the training part.
        test: Images and labels of the test part.
        whole: Images and labels of the whole data set, if no name says which part it is.
        class_names: Class names in the order of the class numbers, if they are given.
    """

    name: str
    train: tuple[Any, Any] | None = None
    test: tuple[Any, Any] | None = None
    whole: tuple[Any, Any] | None = None
    class_names: tuple[str, ...] | None = None

    @classmethod
    def read(
        cls,
        names: Sequence[str],
        read: Callable[[str, bool], Any],
        name: str,
        class_names: tuple[str, ...] | None,
        received: str,
    ) -> ArrayParts:
        """Returns the arrays whose names say what they are; a warning names the others.

        Args:
            names: Names of all arrays.
            read: Function `read(name, images)` that returns an array; `images` says whether it
                holds images.
            name: The `Dataset.name` of the result.
            class_names: Class names in the order of the class numbers, if they are given.
            received: The source and what it holds, for the error.

        Raises:
            ValueError: There are no images with labels.
        """
        keys = ArrayKeys.find(names)
        if keys is None:
            if same := _same_meaning(names):
                raise ValueError(
                    "`source` must hold one array of images and one of labels for each part; keep "
                    f"one of {' and '.join(same)}, which mean the same. Received: {received}"
                )
            missing = [key for key in KEYS if key not in names]
            raise ValueError(
                f"`source` must hold the arrays {', '.join(KEYS)}, or only the two of one part, or "
                f"only x and y. Missing: {', '.join(missing)}. Received: {received}"
            )
        left = [one for one in names if one not in (*keys.names, CLASS_NAMES)]
        if left:
            warnings.warn(
                f"{name}: {', '.join(keys.names)} are read, but not {', '.join(left[:20])}",
                stacklevel=4,
            )
        arrays = {
            part: None if pair is None else (read(pair[0], True), read(pair[1], False))
            for part, pair in dataclasses.asdict(keys).items()
        }
        return cls(name, class_names=class_names, **arrays)

    def to_datasets(
        self, axes: str | None = None, share: float | None = None
    ) -> tuple[Dataset, Dataset]:
        """Returns `(train, test)`; without a test part, a share of the images becomes one.

        Args:
            axes: As in `Dataset`.
            share: Share of the images that becomes the test part if there is none.

        Raises:
            TypeError, ValueError: There is no training part, or `Dataset` refuses the arrays.
        """
        names = {"class_names": self.class_names, "name": self.name}
        if self.train and self.test:
            Options(split=share).refuse(self.name, "split")
            return train_test_from_arrays(*self.train, *self.test, **names, axes=axes)
        if self.test and share is None:
            raise ValueError(
                "`source` must have a training part, unless the command is `keras-isa evaluate`; "
                "or pass a `split` (--split 0.2), the share that becomes the test part. Received: "
                f"{self.name} with a test part only"
            )
        arrays = self.train or self.whole or self.test
        whole = Dataset.from_arrays(*arrays, **names, axes=axes)
        mask = held_out_mask(whole.y, self.name, share)
        train, test = (
            dataclasses.replace(
                whole, x=select(whole.x, rows), y=whole.y[rows], split=split, checked=True
            )
            for rows, split in ((~mask, "train"), (mask, "test"))
        )
        return train, test

    def to_test(self, class_names: Sequence[str], axes: str | None = None) -> Dataset | None:
        """Returns all images as a test part, or `None` if some are a training part.

        Args:
            class_names: Class names of the distilled set that is tested. They are used if the
                arrays have no class names.
            axes: As in `Dataset`.

        Raises:
            TypeError, ValueError: `Dataset` refuses the arrays.
        """
        if self.train or not (self.test or self.whole):
            return None
        x, y = self.test or self.whole
        x = check_images(x, "x_test", axes)
        if self.class_names is None:
            y = check_labels(y, len(x), "y_test", class_names, by_value=True)
        names = self.class_names or tuple(class_names)
        about = names, self.name, "test", (0.0, 255.0), axes_of(x.shape[1:])
        return Dataset(x, y, *about, checked=True)
