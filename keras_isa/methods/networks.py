"""The networks that a method's settings describe."""

from __future__ import annotations

from collections.abc import Callable

import keras

from keras_isa.asset.distilled_data import DistilledData
from keras_isa.models.default import default_network
from keras_isa.models.recorded_network import RecordedNetwork
from keras_isa.presets.config import Config


def extractor_of(
    config: Config,
    distilled: DistilledData,
    constant_width: bool = False,
    activation: str = "relu",
    initialization: str = "lecun",
) -> Callable[[], keras.Model]:
    """Returns a function that builds the network of some settings, see `default_network`.

    Args:
        config: Settings of a method.
        distilled: The set, for the shape of images and the number of classes.
        constant_width: As in `default_network`.
        activation: As in `default_network`.
        initialization: As in `default_network`.
    """
    return lambda: default_network(
        distilled.image_shape,
        distilled.num_classes,
        width=config.width,
        depth=config.depth,
        normalization=config.normalization,
        constant_width=constant_width,
        activation=activation,
        initialization=initialization,
        dtype=config.dtype_policy,
    )


def check_no_statistics(network: RecordedNetwork, reason: str) -> None:
    """Raises an error if a network has statistics of batches.

    Args:
        network: Description of the network.
        reason: Why the method cannot have them, for the message.

    Raises:
        ValueError: If it has a state beside its weights.
    """
    if network.state:
        raise ValueError(
            "`feature_extractor` must build a network without statistics, such as those of "
            f"batch normalisation: {reason}. Received: {len(network.state)} of them"
        )
