"""Features of several random networks side by side, whose products are a kernel."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from keras_isa.models.ensemble import Ensemble, Member
from keras_isa.models.recorded_network import RecordedNetwork
from keras_isa.ops.arguments import whole_number
from keras_isa.ops.infinite_width import BIAS_VARIANCE, WEIGHT_VARIANCE


@keras.saving.register_keras_serializable(package="keras_isa")
class RandomFeatures(keras.layers.Layer):
    """Features of random networks, whose products estimate the kernel of infinitely wide ones.

    With the features `f_k` `(d,)` of N networks, the kernel of two images is
    `2 / (N d) * sum_k f_k(x) f_k(x') + 0.01`: the covariance of the outputs of a dense layer after
    them, whose weights have variance 2 / d and whose biases have variance 0.01. It is the product
    of two vectors, those that `features` returns. As N grows it becomes the NNGP kernel of the
    architecture. Source: RFAD (Loo et al., "Efficient Dataset Distillation Using Random Feature
    Approximation", 2022).

    Args:
        network: Description of the networks.
        networks: Number N of the networks that `fresh` draws.
        judges: Number of the networks that are kept, which look at held-out images.
        seed: Seed of the networks that are kept.
        **kwargs: Further arguments of `keras.layers.Layer`.

    Raises:
        ValueError: If a number is out of range.

    Example:

    >>> import numpy as np
    >>> from keras_isa.models import ConvNet
    >>> from keras_isa.models.random_features import RandomFeatures
    >>> from keras_isa.models.recorded_network import RecordedNetwork
    >>> network = RecordedNetwork(lambda: ConvNet((8, 8, 1), 10, width=4), (8, 8, 1), 10)
    >>> features = RandomFeatures(network, networks=3, judges=2)
    >>> features.features(features.read(0), np.zeros((5, 8, 8, 1), "float32")).shape
    (5, 33)
    """

    size = 1  # all that are kept look at an image together

    def __init__(
        self,
        network: RecordedNetwork,
        *,
        networks: int,
        judges: int = 16,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(trainable=False, dtype="float32", **kwargs)
        self.networks = whole_number("networks", networks)
        self.ensemble = Ensemble(network, size=whole_number("judges", judges), seed=seed)
        self.built = True

    @property
    def length(self) -> int:
        """Length of the vectors of an image in `fresh` networks."""
        features = self.ensemble.network.network.outputs[1].shape[1:]
        return self.networks * math.prod(features) + 1

    def fresh(self, generator: keras.random.SeedGenerator) -> list[Member]:
        """Draws networks.

        Args:
            generator: Draws their weights; it moves on by one draw for each.
        """
        return [self.ensemble.fresh(generator.next()) for _ in range(self.networks)]

    def read(self, index: Any) -> list[Member]:
        """Returns the networks that are kept; `index` is 0."""
        del index
        return [self.ensemble.read(number) for number in range(self.ensemble.size)]

    def features(self, networks: list[Member], images: Any) -> Any:
        """Returns vectors whose products are the kernel, `(B, N * d + 1)`.

        Args:
            networks: What `fresh` or `read` gave.
            images: `(B, H, W, C)`, `(B, T, F)` or `(B, F)` in model space.
        """
        images = ops.convert_to_tensor(images)
        parts = [self.ensemble.features(network, images) for network in networks]
        parts = [ops.reshape(one, (ops.shape(one)[0], -1)) for one in parts]
        scale = math.sqrt(WEIGHT_VARIANCE / (len(parts) * parts[0].shape[1]))
        bias = ops.full((ops.shape(images)[0], 1), math.sqrt(BIAS_VARIANCE), dtype="float32")
        return ops.concatenate([*(scale * one for one in parts), bias], axis=1)
