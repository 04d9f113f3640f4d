"""`Dataset`, the type in which every source returns its images."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from keras_isa.datasets.classes import class_numbers, renumber
from keras_isa.inputs import class_labels
from keras_isa.inputs.arrays import StoredImages, select
from keras_isa.inputs.axes import axes_of, kind_of
from keras_isa.inputs.checks import check_images
from keras_isa.inputs.class_names import check_class_names
from keras_isa.inputs.pixel_range import check_pixel_range, pixel_range_of
from keras_isa.inputs.pixel_units import check_same_unit
from keras_isa.inputs.targets import TASKS, check_targets, target_names
from keras_isa.inputs.values import columns_of, match_columns
from keras_isa.ops.arguments import one_of

SPLITS = ("train", "validation", "test")


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Labelled images in their own pixel units, checked when the object is made.

    Pixels are not normalised. `pixel_range` says in which unit they are. Preprocessing belongs to
    the distilled set, so that it is stored with it. `from_arrays` infers class names and pixel
    range from the arrays. Errors call the arrays `x_<split>` and `y_<split>`.

    Args:
        x: images of shape `(N, H, W, C)`, `(N, H, W)` (a channel axis is added) or `(N, C, H, W)`
            (the channels become the last axis), sequences `(N, T, F)`, or flat features `(N, F)`;
            an array, or `StoredImages`, which stay on disk. uint8 stays uint8; other numbers become
            float32.
        y: labels of shape `(N,)`: class numbers of any integer dtype, or class names; they become
            int32 class numbers.
        class_names: one name per class, in the order of the class numbers.
        name: where the images come from: "digits", the absolute path of a file or folder,
            "tfds:NAME", "arrays" or "batches".
        split: "train", "validation" or "test". In "train" every class must have an image.
        pixel_range: `(low, high)`, the values of black and white.
        axes: what each axis of `x` means, such as `"NCHW"`; by default inferred from its shape. The
            attribute is what the axes of the attribute `x` mean: "NHWC", "NTF" or "NF".
        checked: whether `x` comes from another dataset or from `check_images`, so that its pixels
            need not be checked again.
        task: "classification", or "regression" where the labels are targets: numbers `(N,)` or
            `(N, K)`, which become `(N, K)` float64, and `class_names` are their names.

    Raises:
        TypeError: the images are not numbers, or the labels are neither of an integer dtype nor
            names.
        ValueError: the arrays have unequal lengths or wrong shapes, there are no images, a pixel is
            NaN or infinite, a label is outside of `0 .. len(class_names) - 1` or not in
            `class_names`, or a training class has no images.

    Example:

    >>> import numpy as np
    >>> import keras_isa
    >>> x = np.zeros((4, 8, 8), "uint8")
    >>> keras_isa.datasets.Dataset.from_arrays(x, [0, 1, 1, 0], class_names=["cat", "dog"])
    Dataset('arrays', 'train': 4 uint8 images (8, 8, 1), 2 classes, pixels 0 to 255)
    """

    x: np.ndarray | StoredImages
    y: np.ndarray
    class_names: tuple[str, ...]
    name: str
    split: str
    pixel_range: tuple[float, float]
    axes: str | None = None
    checked: dataclasses.InitVar[bool] = False
    task: str = "classification"

    def __post_init__(self, checked: bool) -> None:
        one_of("split", self.split, SPLITS)
        if not isinstance(self.name, str):
            raise TypeError(f"`name` must be a string. Received: name={self.name!r}")
        x_argument, y_argument = f"x_{self.split}", f"y_{self.split}"
        x = self.x if checked else check_images(self.x, x_argument, self.axes)
        class_names = check_class_names(self.class_names)
        if one_of("task", self.task, TASKS) == "regression":
            y = check_targets(self.y, len(x), y_argument, len(class_names))
        else:
            y = class_labels.check_labels(self.y, len(x), y_argument, class_names)
            class_labels.check_classes(y, len(class_names), y_argument)
        if self.split == "train" and self.task == "classification":
            class_labels.check_every_class_present(y, len(class_names), y_argument)
        # The dataclass is frozen, so its values are replaced in this way.
        vars(self).update(
            x=x,
            y=y,
            class_names=class_names,
            pixel_range=check_pixel_range(self.pixel_range),
            axes=axes_of(x.shape[1:]),
        )

    @classmethod
    def from_arrays(
        cls,
        x: np.ndarray | StoredImages,
        y: np.ndarray | Sequence[int] | Sequence[str],
        *,
        class_names: Sequence[str] | None = None,
        name: str = "arrays",
        split: str = "train",
        pixel_range: tuple[float, float] | None = None,
        axes: str | None = None,
        task: str = "classification",
    ) -> Dataset:
        """Returns a dataset of `x` and `y`; class names and pixel range are inferred if not given.

        Args:
            x: images of shape `(N, H, W)`, `(N, H, W, C)` or `(N, C, H, W)`, sequences
                `(N, T, F)`, or flat features `(N, F)`; an array or `StoredImages`.
            y: labels of shape `(N,)`: class numbers of an integer dtype, or class names.
            class_names: one name per class; by default the names among the labels, sorted, or the
                class numbers that occur, which are renumbered if they have gaps.
            name: where the images come from.
            split: "train", "validation" or "test".
            pixel_range: `(low, high)`; by default inferred from the pixels, see
                `keras_isa.inputs.pixel_range.pixel_range_of`.
            axes: as in `Dataset`.
            task: "classification" or "regression", as in `Dataset`. Targets have the names of the
                columns of a data frame, or their numbers, if `class_names` are not given.

        Raises:
            TypeError, ValueError: as `Dataset` itself.
        """
        one_of("split", split, SPLITS)
        x = check_images(x, f"x_{split}", axes)
        if one_of("task", task, TASKS) == "regression":
            names = target_names(y) if class_names is None else class_names
            y = check_targets(y, len(x), f"y_{split}")
            class_names = tuple(map(str, range(y.shape[1]))) if names is None else names
        elif class_names is None:
            class_names, y = class_labels.infer_classes(y, len(x), f"y_{split}")
        else:
            class_names = check_class_names(class_names)
            y = class_labels.to_class_numbers(y, len(x), f"y_{split}", class_names)
        if pixel_range is None:
            pixel_range = pixel_range_of(x, f"x_{split}")
        axes = axes_of(x.shape[1:])
        about = x, y, class_names, name, split, pixel_range, axes
        return cls(*about, checked=True, task=task)

    @property
    def num_classes(self) -> int:
        """The number of classes, or of targets."""
        return len(self.class_names)

    @property
    def image_shape(self) -> tuple[int, ...]:
        """The shape `(H, W, C)` of an image, `(T, F)` of a sequence, or `(F,)` of features."""
        return tuple(self.x.shape[1:])

    def select_classes(self, classes: Sequence[str | int]) -> Dataset:
        """Returns the images of these classes only; the classes are renumbered in this order.

        Args:
            classes: names or numbers of the classes to keep, each once.

        Raises:
            TypeError: `classes` is no sequence of names and numbers.
            ValueError: no class is given, or a class is unknown, given twice or without images.

        Example:

        >>> import keras_isa
        >>> train, test = keras_isa.datasets.load("digits")
        >>> train.select_classes(["7", "1"])
        Dataset('digits', 'train': 289 float32 images (8, 8, 1), 2 classes, pixels 0 to 16)
        """
        if self.task == "regression":
            raise ValueError(
                "`classes` must not be given for task='regression', which has none. Received: "
                f"{classes!r}"
            )
        numbers = class_numbers(classes, self.class_names)
        rows, y = renumber(self.y, numbers)
        names = tuple(self.class_names[number] for number in numbers)
        x = select(self.x, rows)
        return dataclasses.replace(self, x=x, y=y, class_names=names, checked=True)

    def __len__(self) -> int:
        return len(self.x)

    def __repr__(self) -> str:
        low, high = self.pixel_range
        number, kind = self.num_classes, "classes"
        if self.task == "regression":
            kind = "target" if number == 1 else "targets"
        return (
            f"Dataset({self.name!r}, {self.split!r}: {len(self)} {self.x.dtype} "
            f"{kind_of(self.image_shape)} {self.image_shape}, {number} {kind}, "
            f"{'pixels' if len(self.image_shape) == 3 else 'values'} {low:g} to {high:g})"
        )


def subset(dataset: Dataset, mask: np.ndarray, split: str) -> Dataset:
    """Returns the images that `mask`, `(N,)` bool, chooses, as a dataset of that split."""
    x, y = select(dataset.x, mask), dataset.y[mask]
    return dataclasses.replace(dataset, x=x, y=y, split=split, checked=True)


def train_test_from_arrays(
    x_train: np.ndarray | StoredImages,
    y_train: np.ndarray | Sequence[int] | Sequence[str],
    x_test: np.ndarray | StoredImages,
    y_test: np.ndarray | Sequence[int] | Sequence[str],
    *,
    class_names: Sequence[str] | None = None,
    name: str = "arrays",
    pixel_range: tuple[float, float] | None = None,
    axes: str | None = None,
    task: str = "classification",
) -> tuple[Dataset, Dataset]:
    """Returns `(train, test)`; the classes and the pixel range are those of the training part.

    Args:
        x_train: training images of shape `(N, H, W)`, `(N, H, W, C)` or `(N, C, H, W)`, sequences
            `(N, T, F)`, or flat features `(N, F)`; an array or `StoredImages`.
        y_train: training labels of shape `(N,)`: class numbers of an integer dtype, or class names.
        x_test: test images of the same height, width, channels and pixel unit. The columns of a
            data frame are brought into the order of those of `x_train`.
        y_test: test labels; each must be a training class. They must be names if those of the
            training part are.
        class_names: one name per class; by default as in `Dataset.from_arrays`.
        name: where the images come from.
        pixel_range: `(low, high)`; by default inferred from `x_train` as in `Dataset.from_arrays`.
        axes: what each axis of the images means, as in `Dataset`.
        task: "classification" or "regression", as in `Dataset.from_arrays`.

    Raises:
        TypeError, ValueError: as `Dataset`, or the two parts differ in shape, columns, pixel unit
            or classes.

    Example:

    >>> import numpy as np
    >>> import keras_isa
    >>> x = np.linspace(0.0, 1.0, 4 * 64).reshape(4, 8, 8)
    >>> train, test = keras_isa.datasets.train_test_from_arrays(x, [0, 1, 1, 0], x[:1], [1])
    >>> train.num_classes, test.num_classes, test.pixel_range
    (2, 2, (0.0, 1.0))
    """
    columns = columns_of(x_train), columns_of(x_test)
    x_train = check_images(x_train, "x_train", axes)
    shape = tuple(getattr(y_train, "shape", ()))
    if shape[1:] == x_train.shape[1:] and shape[0] != len(x_train):
        raise ValueError(
            "`y_train` must be labels (N,): the order is x_train, y_train, x_test, y_test. "
            f"Received: y_train of shape {shape}, which is that of images"
        )
    inferred = class_names is None and task == "classification"
    if inferred:
        class_names, y_train = class_labels.infer_classes(y_train, len(x_train), "y_train")
    if pixel_range is None:
        pixel_range = pixel_range_of(x_train, "x_train")
    axes_now = axes_of(x_train.shape[1:])
    about = {"class_names": class_names, "name": name, "pixel_range": pixel_range}
    if task == "classification":
        train = Dataset(x_train, y_train, split="train", axes=axes_now, checked=True, **about)
    else:
        train = Dataset.from_arrays(x_train, y_train, axes=axes_now, task=task, **about)
    order = match_columns(*columns, "x_train", "x_test")
    x_test = check_images(x_test, "x_test", axes, train.image_shape)
    if order is not None:
        x_test = x_test[:, order]
    if inferred:  # if training classes were renumbered, the test labels must be too
        class_labels.refuse_positions(y_test, train.class_names, "y_test", "y_train")
        y_test = class_labels.check_labels(
            y_test, len(x_test), "y_test", train.class_names, by_value=True, warn=False
        )
    test = dataclasses.replace(
        train, x=x_test, y=y_test, split="test", axes=axes_of(x_test.shape[1:]), checked=True
    )
    if test.image_shape != train.image_shape:
        raise ValueError(
            f"`x_test` must hold images of the shape of `x_train`, {train.image_shape}. "
            f"Received: {test.image_shape}"
        )
    check_same_unit(train.x, test.x)
    return train, test
