"""What methods have in common whose batches hold as many images of each class as of any other."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from keras_isa.asset.distilled_data import DistilledData
from keras_isa.asset.recipe import dc_recipe
from keras_isa.ops.arguments import whole_number
from keras_isa.presets.config import Config, recipe_by, setting, words
from keras_isa.training.class_sampler import ClassSampler


@dataclasses.dataclass(frozen=True)
class EqualClassesConfig(Config):
    """Settings of such a method; the recipe is that of the code released with DC and DM."""

    normalization: str = setting(
        "instance", words("instance", "identity"), "Normalisation of the networks."
    )
    batch_size: int = setting(
        2560, whole_number, "Real images per step, the same number of each class."
    )
    recipe: Mapping[str, Any] = setting(
        {},
        recipe_by(dc_recipe),
        "How networks are trained on the set; what is missing is as `dc_recipe` has it.",
    )


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
