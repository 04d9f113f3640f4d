"""A distilled set as arrays, as batches, and as what prepares other images for its networks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_isa.asset.stored_set import StoredSet
from keras_isa.global_settings import in_standard_settings
from keras_isa.inputs.arrays import CHUNK, chunks, empty_for_device, padded, to_numpy
from keras_isa.ops import arguments

SPACES = ("model", "pixels")


class SetViews(StoredSet):
    """Images and labels of a set in model space and in pixel units; see `DistilledData`."""

    # Takes pixels to model space and back; `None` where both are the same.
    preprocessing: keras.layers.Layer | None

    @in_standard_settings
    def call(self, images):
        """Pixels `(B, H, W, C)`, `(B, T, F)` or `(B, F)` to model space, float32."""
        if self.preprocessing is None:
            return keras.ops.cast(images, "float32")
        return self.preprocessing(images)

    @property
    def elementwise(self) -> bool:
        """Whether preprocessing is so cheap that batches can be preprocessed as they are drawn."""
        return self.preprocessing is None or getattr(self.preprocessing, "elementwise", False)

    @in_standard_settings
    def preprocess(self, images: Any) -> np.ndarray:
        """Takes any number of images to model space, a part at a time.

        Args:
            images: Array `(N, H, W, C)`, `(N, T, F)` or `(N, F)`, or `StoredImages`, in pixel
                units.

        Returns:
            Array of the same shape, float32.
        """
        result = empty_for_device(images.shape)
        start = 0
        for part in chunks(images):
            # Equal parts, so that nothing is compiled for a short last one.
            full = padded(part, min(CHUNK, len(images)))
            result[start : start + len(part)] = to_numpy(self(full))[: len(part)]
            start += len(part)
        return result

    @in_standard_settings
    def to_numpy(self, space: str = "model") -> tuple[np.ndarray, np.ndarray]:
        """Returns copies of images and labels.

        Args:
            space: `"model"` (what networks are trained on) or `"pixels"` (the units of the raw
                images; not clipped, so it goes back to model space without loss, and those of the
                targets of a regression).

        Returns:
            Images `(n, *image_shape)` and labels `(n, num_classes)`, both float32.

        Raises:
            ValueError: If `space` is unknown.
        """
        arguments.one_of("space", space, SPACES)
        images, labels = map(ops.convert_to_tensor, self.decode())
        if space == "pixels" and self.preprocessing is not None:
            images = self.preprocessing.inverse(images)
        labels = to_numpy(labels)
        if space == "pixels" and self.is_regression:
            labels = self.restore_targets(labels).astype("float32")
        return to_numpy(images), labels

    def batches(
        self, batch_size: int | None = None, space: str = "model"
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Iterates once over the set.

        Args:
            batch_size: Rows per batch; by default everything in one.
            space: As in `to_numpy`.

        Yields:
            Pairs of images `(b, *image_shape)` and labels `(b, num_classes)`.

        Raises:
            ValueError: If `batch_size` is not a positive integer or `space` is unknown.
        """
        images, labels = self.to_numpy(space)
        size = len(images) if batch_size is None else batch_size
        size = arguments.whole_number("batch_size", size)
        for start in range(0, len(images), size):
            yield images[start : start + size], labels[start : start + size]

    def to_tf(self, batch_size: int | None = None, space: str = "model"):
        """Returns the set as a `tf.data.Dataset` of (images, labels); needs tensorflow.

        Args:
            batch_size: Rows per batch; by default everything in one.
            space: As in `to_numpy`.

        Raises:
            ValueError: If `batch_size` is not a positive integer or `space` is unknown.
        """
        from keras_isa.backend.tf_data import from_arrays

        images, labels = self.to_numpy(space)
        size = len(images) if batch_size is None else batch_size
        return from_arrays(images, labels, arguments.whole_number("batch_size", size))
