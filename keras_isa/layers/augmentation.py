"""What the two augmentations have in common: one drawn operation, for one batch or several."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_isa.ops.affine import as_images
from keras_isa.ops.arguments import seed_number, words_of
from keras_isa.ops.random import KeySequence
from keras_isa.types import Tensor


class Augmentation(keras.layers.Layer):
    """A layer that changes images by one of several operations, drawn anew in every call.

    Args:
        operations: names out of `known`, each once, or a single name.
        seed: integer, for the layer's own `keras.random.SeedGenerator`; None for a random one.
        **kwargs: other arguments of `keras.layers.Layer`.

    Raises:
        ValueError: when `operations` is empty, repeats itself, or has an unknown name.

    Example:
        >>> import numpy as np
        >>> from keras_isa.layers.augmentation import Augmentation
        >>> class Darker(Augmentation):
        ...     known = ("darker",)
        ...     def _transform(self, images, unit, active):
        ...         return images * 0.5
        >>> images = Darker(("darker",))(np.ones((1, 1, 2, 1), "float32"), training=True)
        >>> np.asarray(images).ravel().tolist()
        [0.5, 0.5]
    """

    known: Sequence[str] = ()
    # Whether each image has random parameters of its own.
    per_image = True

    def __init__(self, operations: Sequence[str], seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        several = [operations] if isinstance(operations, str) else operations
        self.operations = words_of("operations", several, self.known)
        if not self.operations:
            raise ValueError(
                f"`operations` must name one or more of {', '.join(self.known)}. Received: none"
            )
        self.seed = None if seed is None else seed_number(seed)
        self.seed_generator = keras.random.SeedGenerator(self.seed)
        self.built = True  # it has no weights

    def call(self, batches: Any, training: bool = False) -> Any:
        """Return the batches augmented when `training` is true, else unchanged."""
        if not training:
            return batches
        return self.augment(batches, self.seed_generator.next())

    def augment(self, batches: Any, key: Tensor) -> Any:
        """Augment with random numbers from a key: pure, for compiled loops and vectorised maps.

        Args:
            batches: float tensor (B, H, W, C), or a tuple, list or dict of such tensors, of one
                height and width.
            key: tensor of shape (2,), as `keras.random.SeedGenerator.next()` returns.

        Returns:
            The structure, shapes and dtypes of `batches` (integers become the layer's compute
            dtype).
        """
        leaves = [as_images(images, self.compute_dtype) for images in keras.tree.flatten(batches)]
        sizes = {tuple(images.shape[1:3]) for images in leaves}
        if len(sizes) != 1:
            raise ValueError(
                "`batches` must hold images of one height and width. Received: "
                f"{', '.join(f'{height} x {width}' for height, width in sorted(sizes)) or 'none'}"
            )
        seeds = KeySequence(key)
        active = draw_operation(self.operations, seeds)
        if self.per_image:
            units = [_units(ops.shape(images)[0], seeds) for images in leaves]
        else:
            units = [_units(1, seeds)] * len(leaves)
        augmented = [
            self._transform(images, unit, active)
            for images, unit in zip(leaves, units, strict=True)
        ]
        return keras.tree.pack_sequence_as(batches, augmented)

    def draw(self, count: int, key: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """Draw the random numbers of one call on one batch, for `transform`.

        Args:
            count: number of images B.
            key: as in `augment`.

        Returns:
            1.0 for the operation that was drawn and 0.0 for the others, by name, and uniform
            numbers of shape (3, B), or (3, 1) where all images share them; all float32.
        """
        seeds = KeySequence(key)
        active = draw_operation(self.operations, seeds)
        return active, _units(count if self.per_image else 1, seeds)

    def transform(self, images: Tensor, drawn: tuple[dict[str, Tensor], Tensor]) -> Tensor:
        """Augment one batch with numbers that `draw` has drawn; nothing in it is random.

        PyTorch's vectorised maps need this, because no numbers can be drawn from a key inside them.

        Args:
            images: float tensor (B, H, W, C).
            drawn: what `draw` returned.

        Returns:
            As `augment`.
        """
        active, unit = drawn
        return self._transform(as_images(images, self.compute_dtype), unit, active)

    def _transform(self, images: Tensor, unit: Tensor, active: dict[str, Tensor]) -> Tensor:
        """Apply the drawn operation; the others get parameters with which they change nothing.

        Args:
            images: (B, H, W, C).
            unit: (3, B) or (3, 1) numbers in [0, 1).
            active: 1.0 or 0.0 per operation in use.
        """
        raise TypeError(f"{type(self).__name__} does not define `_transform`")

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shapes do not change."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild the layer."""
        return {**super().get_config(), "operations": list(self.operations), "seed": self.seed}


def draw_operation(operations: Sequence[str], seeds: KeySequence) -> dict[str, Tensor]:
    """Draw one of the names uniformly: 1.0 for the drawn, 0.0 for the others (float32 scalars)."""
    pick = keras.random.uniform((), seed=seeds, dtype="float32") * len(operations)
    pick = ops.minimum(ops.cast(pick, "int32"), len(operations) - 1)
    return {
        name: ops.cast(ops.equal(pick, place), "float32") for place, name in enumerate(operations)
    }


def to_integer(unit: Tensor, count: int) -> Tensor:
    """Turn numbers in [0, 1) into ones of 0, ..., count - 1."""
    # The product may be rounded up to `count`.
    return ops.minimum(ops.floor(unit * count), count - 1.0)


def _units(count: int | Tensor, seeds: KeySequence) -> Tensor:
    """Draw three numbers in [0, 1) per image; one operation acts per call, so all use the same."""
    return keras.random.uniform((3, count), seed=seeds, dtype="float32")
