"""An estimate of the memory of a run's data, from their shapes."""

from __future__ import annotations

import dataclasses
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


@dataclasses.dataclass(frozen=True)
class DataMemory:
    """The bytes that the data of a run and their preprocessing take.

    Args:
        settings: Settings of the run.
        image_shape: `(height, width, channels)`, `(steps, features)` or `(features,)`.
        train_size: Training images, including those held out for validation.
        test_size: Test images.
        pixel_bytes: Bytes of a raw pixel.
        stored: Whether the images stay on disk.
    """

    settings: Config
    image_shape: tuple[int, ...]
    train_size: int
    test_size: int
    pixel_bytes: int
    stored: bool

    @property
    def validation_size(self) -> int:
        """Number of images held out for validation."""
        return round(self.settings.validation_split * self.train_size)

    @property
    def validation_chunk(self) -> int:
        """Number of images in one call of the validation."""
        count = self._validated
        return math.ceil(count / math.ceil(count / VALIDATION_CHUNK)) if count else 0

    @property
    def fit_size(self) -> int:
        """Number of images from which batches are drawn."""
        return self.train_size - self.validation_size

    @property
    def pixel_dtype(self) -> str:
        """Dtype of the raw images; numbers other than uint8 are float32."""
        return "uint8" if self.pixel_bytes == 1 else "float32"

    @property
    def placement(self) -> str:
        """Where the images will be kept during the run, see `placement_of`."""
        # The array takes no memory: all its pixels share one number.
        images = np.broadcast_to(np.zeros((), self.pixel_dtype), (self.fit_size, *self.image_shape))
        layer = preprocessing_layer(self.settings.preprocessing, self.image_shape)
        distilled = DistilledData(self.image_shape, 1, 1, preprocessing=layer)
        return placement_of(distilled, StoredImages(images) if self.stored else images)

    @property
    def train_bytes(self) -> int:
        """Bytes of the training images as they are loaded."""
        return 0 if self.stored else self.train_size * self._image

    @property
    def loaded(self) -> dict[str, int]:
        """Bytes of the images in memory before training: as loaded, and copied into a part to fit
        and a part for validation."""
        copies = self.train_bytes if self.validation_size else 0
        test = 0 if self.stored else self.test_size * self._image
        return {"images": self.train_bytes + test, "images, divided": copies}

    def on_device(self, placement: str) -> dict[str, int]:
        """Bytes of the data that the steps and the validation hold, by their placement."""
        pixel = _FLOAT_BYTES if placement == "prepared" else self.pixel_bytes
        validated = 2 * self._validated  # on the host and on the device
        if placement == "host":
            data = _BATCHES_AHEAD * min(self.settings.batch_size, self.fit_size) * self._image
        else:
            data = self.fit_size * self._pixels * pixel
        return {f"images, {placement}": data, "validation": validated * self._pixels * pixel}

    @property
    def directions(self) -> int:
        """Number of directions that are whitened; 0 without whitening."""
        size, rows = self._whitening
        # Fewer rows than pixels span one direction less than rows for the mean of each block.
        return size if rows >= size else max(rows - self._blocks**2, 0)

    @property
    def statistics(self) -> int:
        """Bytes of the statistics of the preprocessing."""
        size, _ = self._whitening
        values = size * self.directions + self.directions + self._pixels
        return _FLOAT_BYTES * values if size else 0

    @property
    def whitening(self) -> int:
        """Bytes for computing the whitening, as in `pixel_statistics.check_whitening_memory`."""
        size, rows = self._whitening
        return 40 * size**2 if rows >= size else 40 * rows**2 + 24 * rows * size

    def preparation(self, placement: str) -> tuple[int, int]:
        """Bytes beside `on_device` while the images are brought to their placement, and after."""
        if placement == "prepared":
            result = min(CHUNK, self.fit_size) * self._pixels * _FLOAT_BYTES
            kept = _RESULTS_KEPT * result if result < _OWN_PAGES else 0
            return max(kept, _RESULTS_AT_ONCE * result), kept
        # The images are read as a whole and then placed on the device.
        return (self.fit_size * self._image if self.stored and placement == "pixels" else 0), 0

    @property
    def _validated(self) -> int:
        return min(self.validation_size, MOST_VALIDATION_IMAGES)

    @property
    def _pixels(self) -> int:
        return math.prod(self.image_shape)

    @property
    def _image(self) -> int:
        return self._pixels * self.pixel_bytes

    @property
    def _blocks(self) -> int:
        return {"zca": 1, "block_zca": 2}.get(self.settings.preprocessing, 0)

    @property
    def _whitening(self) -> tuple[int, int]:
        """Number of pixels in a row that is whitened, and number of such rows."""
        if not self._blocks:
            return 0, 0
        return self._pixels // self._blocks**2, self.fit_size * self._blocks**2


def bytes_of(variables: Iterable[keras.Variable]) -> int:
    """Returns the bytes of variables.

    Args:
        variables: Keras variables.
    """
    return sum(math.prod(v.shape) * np.dtype(v.dtype).itemsize for v in variables)
