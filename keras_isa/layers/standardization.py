"""Per-channel standardisation that can be undone."""

from typing import Any, Self

import keras
import numpy as np
from keras import ops

from keras_isa.global_settings import in_standard_settings
from keras_isa.inputs.arrays import to_numpy
from keras_isa.layers.pixel_statistics import channel_statistics, image_batches
from keras_isa.ops.arguments import whole_number
from keras_isa.types import Tensor


@keras.saving.register_keras_serializable(package="keras_isa")
class Standardization(keras.layers.Layer):
    """Brings pixels to model space by `(x - mean) / std` per channel, and back.

    The statistics are variables, so that a saved `.keras` file contains them. The last axis is that
    of the channels. In sequences `(N, T, F)` each feature has one mean and one deviation over all
    steps, and in flat features `(N, F)` each feature is a channel.

    Args:
        channels: Number of channels of the images.
        **kwargs: Further arguments of `keras.layers.Layer`.

    Raises:
        ValueError: If `channels` is not a positive integer.

    Example:

    >>> import numpy as np
    >>> from keras_isa.layers import Standardization
    >>> images = np.arange(32, dtype="float32").reshape(2, 4, 4, 1)
    >>> layer = Standardization(1).adapt(images)
    >>> bool(np.allclose(layer.inverse(layer(images)), images, atol=1e-4))
    True
    """

    # The layer is cheap enough to be applied to every batch anew.
    elementwise = True

    @in_standard_settings
    def __init__(self, channels: int, **kwargs: Any) -> None:
        kwargs.setdefault("dtype", "float32")
        super().__init__(trainable=False, **kwargs)
        self.channels = channels = whole_number("channels", channels)
        self.mean = self.add_weight(
            shape=(channels,), initializer="zeros", trainable=False, name="mean"
        )
        self.std = self.add_weight(
            shape=(channels,), initializer="ones", trainable=False, name="std"
        )
        self.built = True

    @in_standard_settings
    def adapt(self, images: Any) -> Self:
        """Sets mean and standard deviation from images, in one pass and bounded memory.

        Args:
            images: Array `(N, ..., channels)` of any real dtype, in pixel units, `StoredImages`, or
                an iterable of such arrays.

        Returns:
            The layer itself. A constant channel gets the standard deviation 1.

        Raises:
            TypeError: If the values are not real numbers.
            ValueError: If the last axis is not `channels` long, there is no image, or a pixel is
                not finite.
        """
        count, shift, total, squares = 0, None, 0.0, 0.0
        for batch in image_batches(images):
            if batch.shape[-1] != self.channels:
                raise ValueError(
                    f"`images` must have shape (N, ..., {self.channels}). Received: {batch.shape}"
                )
            # Differences from the first image keep a small spread on a large mean exact.
            shift = batch[0].astype(np.float64) if shift is None else shift
            differences = np.subtract(batch, shift, dtype=np.float64)
            count += len(batch)
            total = total + differences.sum(axis=0)
            squares = squares + np.square(differences, out=differences).sum(axis=0)
        mean = total / count
        mean, std = channel_statistics(mean + shift, squares / count - mean**2)
        self.mean.assign(mean.astype(np.float32))
        self.std.assign(std.astype(np.float32))
        return self

    @property
    def adapted(self) -> bool:
        """Whether the statistics are other than those that a new layer has."""
        return bool(np.any(to_numpy(self.mean)) or np.any(to_numpy(self.std) != 1))

    @in_standard_settings
    def call(self, images: Tensor) -> Tensor:
        """Brings pixels `(..., channels)` of any real dtype to model space, float32."""
        self._check_input(images)
        return (ops.cast(images, "float32") - self.mean) / self.std

    @in_standard_settings
    def inverse(self, images: Tensor) -> Tensor:
        """Brings images `(..., channels)` in model space back to pixels, float32."""
        self._check_input(images)
        return images * self.std + self.mean

    def _check_input(self, images: Tensor) -> None:
        # One channel would be broadcast to all channels of the layer without an error.
        if not len(images.shape) or images.shape[-1] not in (None, self.channels):
            raise ValueError(
                f"`images` must have shape (..., {self.channels}). Received: {tuple(images.shape)}"
            )

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["trainable"]
        return {**config, "channels": self.channels}
