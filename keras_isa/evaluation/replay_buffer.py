"""A memory of distilled sets of classes that came one after another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from keras_isa.asset.distilled_data import DistilledData
from keras_isa.ops.arguments import instance_of, seed_number, whole_number

# Losses of labels that are probabilities or logits.
_OTHER_LABELS = ("soft_cross_entropy", "logit_cross_entropy")


class DistilledReplayBuffer:
    """Keeps distilled sets of disjoint classes, and gives them as one set to train on.

    In class-incremental learning classes come in steps, and the data of earlier steps are gone. The
    buffer keeps a small set of each step, in pixel units, with labels over all classes that there
    are ever to be. Source: the use of distilled data as a replay memory in FRePo (Zhou et al. 2022)
    and DM (Zhao and Bilen 2023).

    Args:
        num_classes: All classes C.

    Example:

    >>> import keras_isa
    >>> train, test = keras_isa.datasets.load("digits")
    >>> memory = keras_isa.evaluation.DistilledReplayBuffer(10)
    >>> for classes in ((3, 5), (0, 8)):
    ...     part = train.select_classes([train.class_names[k] for k in classes])
    ...     memory.add(keras_isa.DistilledData.from_samples(part.x, part.y, 2), classes)
    >>> images, labels = memory.to_numpy()
    >>> images.shape, labels.shape, memory.classes
    ((8, 8, 8, 1), (8, 10), (3, 5, 0, 8))
    """

    def __init__(self, num_classes: int) -> None:
        self.num_classes = whole_number("num_classes", num_classes, 2)
        self._images: list[np.ndarray] = []
        self._labels: list[np.ndarray] = []
        self._ids: list[np.ndarray] = []
        self._classes: list[int] = []

    def add(self, distilled: DistilledData, classes: Sequence[int]) -> None:
        """Adds the set of a step.

        The labels of a set over K classes become labels over C classes that say the same of these,
        and of the others what a label says of a wrong class.

        Args:
            distilled: The set of the new classes.
            classes: For each class of the set its number among all classes.

        Raises:
            TypeError: If it is no set, or `classes` are no numbers.
            ValueError: If a class is out of range or there already, or the images have another
                shape than those that are there.
        """
        instance_of("distilled", distilled, DistilledData)
        if not isinstance(classes, Sequence) or isinstance(classes, str):
            raise TypeError(f"`classes` must be class numbers. Received: classes={classes!r}")
        classes = [whole_number("classes", one, 0) for one in classes]
        if distilled.recipe.get("loss") in _OTHER_LABELS:
            raise ValueError(
                "`distilled` must have labels of this library, one-hot less 1 / K and scaled, or "
                f"learned from those. Received: labels for loss={distilled.recipe['loss']!r}"
            )
        if distilled.is_regression or len(classes) != distilled.num_classes:
            raise ValueError(
                "`classes` must name the class of each class of the set. Received: "
                f"{len(classes)} for a set of {distilled.num_classes}, {distilled.task}"
            )
        if len({*classes, *self._classes}) < len(classes) + len(self._classes):
            raise ValueError(
                "`classes` must be new, each once. Received: "
                f"classes={classes}, where {sorted(self._classes)} are in the buffer"
            )
        if max(classes) >= self.num_classes:
            raise ValueError(
                f"`classes` must lie below num_classes={self.num_classes}. Received: {classes}"
            )
        images, labels = distilled.to_numpy(space="pixels")
        if self._images and images.shape[1:] != self._images[0].shape[1:]:
            raise ValueError(
                f"`distilled` must have images of shape {self._images[0].shape[1:]}, as those in "
                f"the buffer. Received: {images.shape[1:]}"
            )
        self._images.append(images)
        self._labels.append(widened_labels(labels, classes, self.num_classes))
        self._ids.append(np.asarray(classes)[np.asarray(distilled.class_ids)])
        self._classes += classes

    def __len__(self) -> int:
        return sum(map(len, self._images))

    @property
    def classes(self) -> tuple[int, ...]:
        """The classes so far, in the order in which they came."""
        return tuple(self._classes)

    @property
    def class_ids(self) -> np.ndarray:
        """The class of each image `(n,)`, int64."""
        return np.concatenate(self._ids) if self._ids else np.zeros(0, "int64")

    def to_numpy(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns images `(n, ...)` in pixel units and labels `(n, C)`, both float32.

        Raises:
            ValueError: If the buffer is empty.
        """
        if not self._images:
            raise ValueError("the buffer is empty: `add` puts a distilled set into it")
        return np.concatenate(self._images), np.concatenate(self._labels)

    def batches(self, batch_size: int, seed: int = 0) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Returns batches without end, drawn without replacement, to mix into those of a new task.

        Args:
            batch_size: Rows of a batch, at most the size of the buffer.
            seed: Seed of the order.

        Returns:
            An iterator over pairs of images in pixel units and labels.

        Raises:
            ValueError: If the buffer is empty, or a number is out of range.
        """
        images, labels = self.to_numpy()
        size = min(whole_number("batch_size", batch_size), len(images))
        rng = np.random.default_rng(seed_number(seed))

        def drawn() -> Iterator[tuple[np.ndarray, np.ndarray]]:
            order = np.zeros(0, int)
            while True:
                if len(order) < size:
                    order = rng.permutation(len(images))
                rows, order = order[:size], order[size:]
                yield images[rows], labels[rows]

        return drawn()


def widened_labels(labels: np.ndarray, classes: Sequence[int], num_classes: int) -> np.ndarray:
    """Returns labels over some classes as labels over all.

    A label over K classes is `(p - 1 / K) / sqrt(K / 10)`, with p one-hot where it was not learned;
    the same p over C classes is encoded in the same way.

    Args:
        labels: Labels `(n, K)` of a set.
        classes: K numbers of classes.
        num_classes: All classes C.

    Example:

    >>> import numpy as np
    >>> from keras_isa.evaluation.replay_buffer import widened_labels
    >>> label = (np.eye(2)[:1] - 1 / 2) / np.sqrt(2 / 10)
    >>> print(widened_labels(label, (7, 4), 10).round(2))
    [[-0.1 -0.1 -0.1 -0.1 -0.1 -0.1 -0.1  0.9 -0.1 -0.1]]
    """
    few = labels.shape[1]
    shares = np.zeros((len(labels), num_classes))
    shares[:, list(classes)] = labels * np.sqrt(few / 10) + 1 / few
    return ((shares - 1 / num_classes) / np.sqrt(num_classes / 10)).astype("float32")
