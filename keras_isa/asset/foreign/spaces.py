"""The spaces that others publish images in, each fitted to the training images of its data set."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_isa.inputs.arrays import chunks, to_numpy
from keras_isa.layers.pixel_statistics import BlockMoments, check_whitening_memory
from keras_isa.layers.preprocessing import ZCA_REGULARIZATION
from keras_isa.layers.standardization import Standardization
from keras_isa.layers.zca_whitening import ZCAWhitening

# Mean and deviation of each channel, from 0 to 1, that DC and its successors have in their code.
# Some of the deviations are those of single images and not of the data. Source: utils.py of
# VICO-UoE/DatasetCondensation.
_CONSTANTS = {
    "MNIST": ((0.1307,), (0.3081,)),
    "Fashion-MNIST": ((0.2861,), (0.3530,)),
    "SVHN": ((0.4377, 0.4438, 0.4728), (0.1980, 0.2010, 0.1970)),
    "CIFAR-10": ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),
    "CIFAR-100": ((0.5071, 0.4866, 0.4409), (0.2673, 0.2564, 0.2762)),
    "Tiny ImageNet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}
# Means of a data set differ so much at most from those in the code for it.
_NEAR = 0.01
# What kornia's ZCA adds to the variances, of pixels from 0 to 1.
_KORNIA_EPSILON = 0.1
Bounds = tuple[float, float]


class Fitted(NamedTuple):
    """A space fitted to a data set."""

    layer: keras.layers.Layer
    """Takes pixels to the space, and back."""
    words: str
    """What it is, for the record."""


def standardized(x: Any, bounds: Bounds) -> Fitted:
    """Mean and deviation of each channel, measured."""
    return Fitted(Standardization(x.shape[-1]).adapt(x), "standardised per channel")


def mean_and_deviation(x: Any, bounds: Bounds) -> Fitted:
    """Mean and deviation of each channel as DC has them; measured for data that it does not know.

    Args:
        x: Training images `(N, H, W, C)` in pixel units.
        bounds: Lowest and highest pixel value.
    """
    layer, low = Standardization(x.shape[-1]).adapt(x), bounds[0]
    scale = bounds[1] - low
    measured = (to_numpy(layer.mean) - low) / scale
    for name, (mean, deviation) in _CONSTANTS.items():
        if len(mean) == len(measured) and np.abs(measured - mean).max() < _NEAR:
            layer.mean.assign(np.array(mean, "float32") * scale + low)
            layer.std.assign(np.array(deviation, "float32") * scale)
            return Fitted(layer, f"standardised by DC's constants for {name}")
    return Fitted(layer, "standardised per channel, measured: DC has no constants for such data")


def whitened_by_frepo(x: Any, bounds: Bounds) -> Fitted:
    """FRePo's space, which RCIG has too: whitened colour images, standardised grey ones."""
    if x.shape[-1] == 1:
        return standardized(x, bounds)
    return Fitted(ZCAWhitening(ZCA_REGULARIZATION).adapt(x), "whitened as by FRePo and RCIG")


def whitened_by_rfad(x: Any, bounds: Bounds) -> Fitted:
    """RFAD's space: standardised channels, whitened by second moments about zero.

    Channels are divided by deviations of N - 1, and no mean of a pixel is subtracted. Source: its
    data.py and eval_distilled_set.py.
    """
    layer = Standardization(x.shape[-1]).adapt(x)
    count = len(x) * math.prod(x.shape[1:-1])
    mean = to_numpy(layer.mean).astype("float64")
    deviation = to_numpy(layer.std).astype("float64") * math.sqrt(count / (count - 1))

    def both_signs(part: np.ndarray) -> np.ndarray:
        # The covariance of images and their negatives is the second moment about zero.
        part = (part - mean) / deviation
        return np.concatenate([part, -part])

    found = _moments(x, both_signs).whitening(ZCA_REGULARIZATION, False)
    found |= {"mean": np.zeros(x.shape[1:]), "channel_mean": mean, "channel_std": deviation}
    return Fitted(_whitening(found), "whitened as by RFAD, by second moments about zero")


def whitened_by_kornia(x: Any, bounds: Bounds) -> Fitted:
    """The space of kornia's ZCA, which MTT and its successors take: pixels from 0 to 1, eps 0.1."""
    low, scale = bounds[0], bounds[1] - bounds[0]
    found = _moments(x, lambda part: (part - low) / scale).whitening(0.0, False)
    variances = found["scale"] ** -2 * (len(x) / (len(x) - 1))
    # Directions without variance are divided by the root of epsilon too: it goes into the channels.
    common = 1 / math.sqrt(_KORNIA_EPSILON)
    channels = np.ones(x.shape[-1])
    found |= {
        "scale": 1 / np.sqrt(variances + _KORNIA_EPSILON) / common,
        "mean": found["mean"] * common,
        "channel_mean": low * channels,
        "channel_std": scale / common * channels,
    }
    return Fitted(_whitening(found), "whitened as by kornia with eps=0.1, from pixels of 0 to 1")


SPACES: dict[str, Callable[[Any, Bounds], Fitted]] = {
    "mean_std": mean_and_deviation,
    "standardize": standardized,
    "frepo": whitened_by_frepo,
    "rfad": whitened_by_rfad,
    "kornia": whitened_by_kornia,
}
# Images that are stored as pixels, for which networks take standardised ones.
PIXELS = "pixels"


def _moments(x: Any, change: Callable[[np.ndarray], np.ndarray]) -> BlockMoments:
    shape = tuple(x.shape[1:])
    check_whitening_memory(len(x), shape, 1)
    moments = BlockMoments(shape, 1)
    for part in chunks(x):
        moments.add(change(part.astype("float64")))
    return moments


def _whitening(values: dict[str, np.ndarray]) -> ZCAWhitening:
    layer = ZCAWhitening(ZCA_REGULARIZATION)
    layer.build_from_config(
        {"image_shape": list(values["mean"].shape), "directions": len(values["scale"])}
    )
    for name, value in values.items():
        getattr(layer, name).assign(value.astype("float32"))
    return layer
