"""What a run holds in memory, counted from its shapes."""

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
from keras_isa.training.device_data import MOST_VALIDATION_IMAGES, VALIDATION_CHUNK, form_of

# Batches that lie ready or are being made where images are read one batch at a time.
_BATCHES_AHEAD = 6
# Results of single operations on a part of the images while it is preprocessed. Those too small for
# pages of their own stay with the allocator (measured: 200 MB for images of 32 x 32 x 3).
_RESULTS_AT_ONCE = 5
_RESULTS_KEPT = 16
_OWN_PAGES = 2**25
_FLOAT = 4


@dataclasses.dataclass(frozen=True)
class DataMemory:
    """Bytes of the data of a run and of their preprocessing.

    Args:
        settings: Config of the run.
        image_shape: `(height, width, channels)`, `(steps, features)` or `(features,)`.
        train_size: Training images, those held out included.
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
        """Images held out."""
        return round(self.settings.validation_split * self.train_size)

    @property
    def validation_chunk(self) -> int:
        """Images that one call of the validation looks at."""
        return (
            math.ceil(self._shown / math.ceil(self._shown / VALIDATION_CHUNK)) if self._shown else 0
        )

    @property
    def fit_size(self) -> int:
        """Images that batches are drawn from."""
        return self.train_size - self.validation_size

    @property
    def pixel_dtype(self) -> str:
        """Of the raw images; numbers other than uint8 are float32."""
        return "uint8" if self.pixel_bytes == 1 else "float32"

    @property
    def form(self) -> str:
        """Where the images will live, see `form_of`."""
        # Neither takes memory: one pixel stands for all.
        images = np.broadcast_to(np.zeros((), self.pixel_dtype), (self.fit_size, *self.image_shape))
        layer = preprocessing_layer(self.settings.preprocessing, self.image_shape)
        distilled = DistilledData(self.image_shape, 1, 1, preprocessing=layer)
        return form_of(distilled, StoredImages(images) if self.stored else images)

    @property
    def train_bytes(self) -> int:
        """The training images as they are loaded."""
        return 0 if self.stored else self.train_size * self._image

    @property
    def loaded(self) -> dict[str, int]:
        """Images in memory before training, with the copies of the part that is fitted and the part
        that is held out."""
        copies = self.train_bytes if self.validation_size else 0
        test = 0 if self.stored else self.test_size * self._image
        return {"images": self.train_bytes + test, "images, divided": copies}

    def on_device(self, form: str) -> dict[str, int]:
        """What the steps and the validation hold of the data in some form."""
        pixel = _FLOAT if form == "prepared" else self.pixel_bytes
        shown = 2 * self._shown  # on the host and on the device
        if form == "host":
            data = _BATCHES_AHEAD * min(self.settings.batch_size, self.fit_size) * self._image
        else:
            data = self.fit_size * self._pixels * pixel
        return {f"images, {form}": data, "validation": shown * self._pixels * pixel}

    @property
    def directions(self) -> int:
        """Directions that whitening keeps; 0 without whitening."""
        size, rows = self._whitening
        # With fewer images than pixels, those that they span about the mean of each block.
        return size if rows >= size else max(rows - self._blocks**2, 0)

    @property
    def statistics(self) -> int:
        """What preprocessing remembers."""
        size, _ = self._whitening
        return _FLOAT * (size * self.directions + self.directions + self._pixels if size else 0)

    @property
    def whitening(self) -> int:
        """What computing the whitening takes, as `zca_statistics.check_whitening_memory` counts."""
        size, rows = self._whitening
        return 40 * size**2 if rows >= size else 40 * rows**2 + 24 * rows * size

    def preparation(self, form: str) -> tuple[int, int]:
        """What there is beside `on_device` while the images come into their form, and after."""
        if form == "prepared":
            result = min(CHUNK, self.fit_size) * self._pixels * _FLOAT
            kept = _RESULTS_KEPT * result if result < _OWN_PAGES else 0
            return max(kept, _RESULTS_AT_ONCE * result), kept
        # Read as a whole, then placed on the device.
        return (self.fit_size * self._image if self.stored and form == "pixels" else 0), 0

    @property
    def _shown(self) -> int:
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
        """Pixels that are whitened together, and how many rows of them there are."""
        if not self._blocks:
            return 0, 0
        return self._pixels // self._blocks**2, self.fit_size * self._blocks**2


def bytes_of(variables: Iterable[keras.Variable]) -> int:
    """Bytes of variables.

    Args:
        variables: Keras variables.
    """
    return sum(math.prod(v.shape) * np.dtype(v.dtype).itemsize for v in variables)
