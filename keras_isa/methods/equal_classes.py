"""What methods have in common whose batches hold as many images of each class as of any other."""

from __future__ import annotations

from typing import Any

from keras_isa.asset.distilled_data import DistilledData
from keras_isa.training.class_sampler import ClassSampler


class EqualClasses:
    """A method, as the first base class of its trainer, with batches of equal classes."""

    distilled: DistilledData
    seed: int

    def most_rows(self, batch_size: int, images: int) -> int:
        """The rows of a batch out of `images`: the same number of each class, at least one.

        Args:
            batch_size: The rows that were asked for.
            images: Training images.
        """
        classes = self.distilled.num_classes
        return batch_size if batch_size <= images else max(images - images % classes, classes)

    def batch_sampler(self, class_ids: Any, batch_size: int) -> ClassSampler:
        """What draws the batches.

        Args:
            class_ids: Class of each training image `(N,)`.
            batch_size: Rows of a batch.
        """
        return ClassSampler(class_ids, batch_size, self.seed)
