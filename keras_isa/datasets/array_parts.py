"""Arrays whose names say whether they are a training part, a test part or the whole data set."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from keras_isa.datasets.dataset import Dataset, subset, train_test_from_arrays
from keras_isa.datasets.options import Options
from keras_isa.datasets.part_names import PART_NAMES, TEST_NAMES
from keras_isa.datasets.parts import held_out_mask
from keras_isa.inputs.axes import axes_of
from keras_isa.inputs.checks import check_images
from keras_isa.inputs.class_labels import check_labels
from keras_isa.inputs.pairs import IMAGE_NAMES, LABEL_NAMES, find_keys
from keras_isa.inputs.targets import group_ids

KEYS = ("x_train", "y_train", "x_test", "y_test")
CLASS_NAMES = "class_names"


def find_array_keys(names: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Returns the names of the images and of the labels for "train" and "test", or for "whole".

    The result is empty if there are no such arrays, or if the training or the test part has only
    images or only labels, or two arrays of one kind.

    Args:
        names: The names of all arrays.

    Example:

    >>> from keras_isa.datasets.array_parts import find_array_keys
    >>> find_array_keys(["train_images", "train_labels", "note"])
    {'train': ('train_images', 'train_labels')}
    """
    names = [name for name in names if name != CLASS_NAMES]
    for part in (*PART_NAMES["train"], *PART_NAMES["test"]):
        images, labels = _images_and_labels(names, part)
        if len(images) != len(labels) or len(images) > 1:
            return {}
    kinds = {"train": PART_NAMES["train"], "test": TEST_NAMES}
    keys = {kind: _find_part(names, parts) for kind, parts in kinds.items()}
    if not any(keys.values()):
        keys = {"whole": find_keys(names)}
    return {kind: found for kind, found in keys.items() if found}


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
        arrays: Images and labels of "train" and "test", or of "whole" if no name says which part
            it is.
        class_names: Class names in the order of the class numbers, if they are given.
    """

    name: str
    arrays: dict[str, tuple[Any, Any]]
    class_names: tuple[str, ...] | None

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
        keys = find_array_keys(names)
        if not keys:
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
        used = [key for pair in keys.values() for key in pair]
        left = [one for one in names if one not in (*used, CLASS_NAMES)]
        if left:
            warnings.warn(
                f"{name}: {', '.join(used)} are read, but not {', '.join(left[:20])}", stacklevel=4
            )
        arrays = {part: (read(x, True), read(y, False)) for part, (x, y) in keys.items()}
        return cls(name, arrays, class_names)

    def to_datasets(self, options: Options) -> tuple[Dataset, Dataset]:
        """Returns `(train, test)`; without a test part, a share of the images becomes one.

        Args:
            options: `axes`, `split` and `task` are used.

        Raises:
            TypeError, ValueError: There is no training part, or `Dataset` refuses the arrays.
        """
        about = {"class_names": self.class_names, "name": self.name, "axes": options.axes}
        about["task"] = options.task
        if len(self.arrays) == 2:
            options.refuse(self.name, "split")
            return train_test_from_arrays(*self.arrays["train"], *self.arrays["test"], **about)
        ((part, (x, y)),) = self.arrays.items()
        if part == "test" and options.split is None:
            raise ValueError(
                "`source` must have a training part, unless the command is `keras-isa evaluate`; "
                "or pass a `split` (--split 0.2), the share that becomes the test part. Received: "
                f"{self.name} with a test part only"
            )
        whole = Dataset.from_arrays(x, y, **about)
        mask = held_out_mask(group_ids(whole.y), self.name, options.split)
        return subset(whole, ~mask, "train"), subset(whole, mask, "test")

    def to_test(
        self, class_names: Sequence[str], axes: str | None = None, task: str = "classification"
    ) -> Dataset | None:
        """Returns all images as a test part, or `None` if some are a training part.

        Args:
            class_names: Class names of the distilled set that is tested. They are used if the
                arrays have no class names.
            axes: As in `Dataset`.
            task: As in `Dataset`.

        Raises:
            TypeError, ValueError: `Dataset` refuses the arrays.
        """
        if "train" in self.arrays:
            return None
        ((x, y),) = self.arrays.values()
        x = check_images(x, "x_test", axes)
        if self.class_names is None and task == "classification":
            y = check_labels(y, len(x), "y_test", class_names, by_value=True)
        names = self.class_names or tuple(class_names)
        about = names, self.name, "test", (0.0, 255.0), axes_of(x.shape[1:])
        return Dataset(x, y, *about, checked=True, task=task)
