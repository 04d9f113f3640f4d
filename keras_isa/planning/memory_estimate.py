"""An estimate of the memory of a run's data, from their shapes."""

from __future__ import annotations

import math
from collections.abc import Iterable

import keras
import numpy as np

from keras_isa.asset.distilled_data import DistilledData
from keras_isa.inputs.arrays import CHUNK, StoredImages
from keras_isa.layers.preprocessing import preprocessing_layer
from keras_isa.presets.config import Config
from keras_isa.training.device_data import MOST_VALIDATION_IMAGES, VALIDATION_CHUNK, placement_of

# The number of batches that are ready or being made when images are read batch by batch.
_BATCHES_AHEAD = 6
# The number of results of single operations that are in memory while a part of the images is
# preprocessed, and of freed results whose memory the allocator keeps if they are below `_OWN_PAGES`
# bytes (measured: 200 MB for images of 32 x 32 x 3).
_RESULTS_AT_ONCE = 5
_RESULTS_KEPT = 16
_OWN_PAGES = 2**25
_FLOAT_BYTES = 4


class DataMemory:
    """The bytes that the data of a run and their preprocessing take.

    Attributes:
        validation_size: Images held out for validation.
        validation_chunk: Images in one call of the validation.
        fit_size: Images from which batches are drawn.
        pixel_dtype: Dtype of the raw images; numbers other than uint8 are float32.
        placement: Where the images will be kept during the run, see `placement_of`.
        train_bytes: Bytes of the training images as they are loaded.
        loaded: Bytes of the images in memory before training: as loaded, and copied into a part to
            fit and a part for validation.
        directions: Number of directions that are whitened; 0 without whitening.
        statistics: Bytes of the statistics of the preprocessing.
        whitening: Bytes for computing them, as in `pixel_statistics.check_whitening_memory`.

    Args:
        settings: Settings of the run.
        image_shape: `(height, width, channels)`, `(steps, features)` or `(features,)`.
        train_size: Training images, including those held out for validation.
        test_size: Test images.
        pixel_bytes: Bytes of a raw pixel.
        stored: Whether the images stay on disk.
    """

    def __init__(
        self,
        settings: Config,
        image_shape: tuple[int, ...],
        train_size: int,
        test_size: int,
        pixel_bytes: int,
        stored: bool,
    ) -> None:
        self.settings, self.image_shape = settings, image_shape
        self.stored, self._pixel_bytes = stored, pixel_bytes
        self._pixels = math.prod(image_shape)
        self._image = self._pixels * pixel_bytes
        self.pixel_dtype = "uint8" if pixel_bytes == 1 else "float32"
        self.validation_size = round(settings.validation_split * train_size)
        self.fit_size = train_size - self.validation_size
        self._validated = min(self.validation_size, MOST_VALIDATION_IMAGES)
        chunks = math.ceil(self._validated / VALIDATION_CHUNK)
        self.validation_chunk = math.ceil(self._validated / chunks) if chunks else 0
        self.train_bytes = 0 if stored else train_size * self._image
        test_bytes = 0 if stored else test_size * self._image
        copies = self.train_bytes if self.validation_size else 0
        self.loaded = {"images": self.train_bytes + test_bytes, "images, divided": copies}

        # The array takes no memory: all its pixels share one number.
        images = np.broadcast_to(np.zeros((), self.pixel_dtype), (self.fit_size, *image_shape))
        layer = preprocessing_layer(settings.preprocessing, image_shape)
        distilled = DistilledData(image_shape, 1, 1, preprocessing=layer)
        self.placement = placement_of(distilled, StoredImages(images) if stored else images)

        self.directions = self.statistics = self.whitening = 0
        blocks = {"zca": 1, "block_zca": 2}.get(settings.preprocessing)
        if blocks:
            size, rows = self._pixels // blocks**2, self.fit_size * blocks**2
            # Fewer rows than pixels span one direction less than rows for the mean of each block.
            few = rows < size
            self.directions = max(rows - blocks**2, 0) if few else size
            values = size * self.directions + self.directions + self._pixels
            self.statistics = _FLOAT_BYTES * values
            self.whitening = 40 * rows**2 + 24 * rows * size if few else 40 * size**2

    def on_device(self, placement: str) -> dict[str, int]:
        """Bytes of the data that the steps and the validation hold, by their placement."""
        pixel = _FLOAT_BYTES if placement == "prepared" else self._pixel_bytes
        validated = 2 * self._validated  # on the host and on the device
        if placement == "host":
            data = _BATCHES_AHEAD * min(self.settings.batch_size, self.fit_size) * self._image
        else:
            data = self.fit_size * self._pixels * pixel
        return {f"images, {placement}": data, "validation": validated * self._pixels * pixel}

    def preparation(self, placement: str) -> tuple[int, int]:
        """Bytes beside `on_device` while the images are brought to their placement, and after."""
        if placement == "prepared":
            result = min(CHUNK, self.fit_size) * self._pixels * _FLOAT_BYTES
            kept = _RESULTS_KEPT * result if result < _OWN_PAGES else 0
            return max(kept, _RESULTS_AT_ONCE * result), kept
        # The images are read as a whole and then placed on the device.
        return (self.fit_size * self._image if self.stored and placement == "pixels" else 0), 0


def bytes_of(variables: Iterable[keras.Variable]) -> int:
    """Returns the bytes of variables.

    Args:
        variables: Keras variables.
    """
    return sum(math.prod(v.shape) * np.dtype(v.dtype).itemsize for v in variables)
