"""Per-channel standardisation that can be undone."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

# Images that adapt() converts to float64 at a time.
_CHUNK = 4096


@keras.saving.register_keras_serializable(package="keras_isa")
class Standardization(keras.layers.Layer):
    """Takes pixels to model space by `(x - mean) / std` per channel, and back.

    The statistics are variables, so they travel inside a saved `.keras` file.

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

    def __init__(self, channels: int, **kwargs: Any) -> None:
        kwargs.setdefault("dtype", "float32")
        super().__init__(trainable=False, **kwargs)
        if isinstance(channels, bool) or not isinstance(channels, int) or channels < 1:
            raise ValueError(
                f"`channels` must be a positive integer. Received: channels={channels!r}"
            )
        self.channels = channels
        self.mean = self.add_weight(
            shape=(channels,), initializer="zeros", trainable=False, name="mean"
        )
        self.std = self.add_weight(
            shape=(channels,), initializer="ones", trainable=False, name="std"
        )
        self.built = True

    def adapt(self, images: np.ndarray) -> Standardization:
        """Sets mean and standard deviation from images.

        Args:
            images: Array of shape `(N, H, W, channels)`, any real dtype, in pixel units.

        Returns:
            The layer itself. A constant channel gets the standard deviation 1.

        Raises:
            ValueError: If the last axis is not `channels` long or there is no image.
        """
        if images.ndim != 4 or images.shape[-1] != self.channels or images.size == 0:
            raise ValueError(
                f"`images` must have shape (N, H, W, {self.channels}) and not be empty. "
                f"Received: images.shape={images.shape}"
            )
        total = np.zeros(self.channels)
        squares = np.zeros(self.channels)
        shift = images[0].astype(np.float64).mean(axis=(0, 1))
        for start in range(0, len(images), _CHUNK):
            chunk = images[start : start + _CHUNK].astype(np.float64) - shift
            total += chunk.sum(axis=(0, 1, 2))
            squares += np.square(chunk).sum(axis=(0, 1, 2))
        count = images.size / self.channels
        mean = total / count
        std = np.sqrt(np.maximum(squares / count - mean**2, 0.0))
        self.mean.assign((mean + shift).astype(np.float32))
        self.std.assign(np.where(std > 0, std, 1.0).astype(np.float32))
        return self

    def call(self, images):
        """Pixels `(..., channels)` of any real dtype to model space, float32."""
        return (ops.cast(images, "float32") - self.mean) / self.std

    def inverse(self, images):
        """Model space `(..., channels)` to pixels, float32."""
        return images * self.std + self.mean

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["trainable"]
        return {**config, "channels": self.channels}
