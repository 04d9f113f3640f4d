"""Preset or derived settings, whichever a data set has."""

from __future__ import annotations

from typing import Any

from keras_isa.presets.derive import derive_settings
from keras_isa.presets.named import preset_names, read_preset
from keras_isa.presets.settings import Settings


def settings_for(dataset: Any, images_per_class: int, accelerated: bool) -> Settings:
    """Returns the preset of a data set, or settings derived from its shape, size and the hardware.

    Args:
        dataset: Training data with `.name`, `.image_shape`, `.num_classes` and a length.
        images_per_class: Images per class of the distilled set.
        accelerated: Whether a GPU or TPU computes.

    Returns:
        The settings.

    Raises:
        ValueError: If `images_per_class` is not a positive integer.

    Example:

    >>> import keras_isa
    >>> train, test = keras_isa.datasets.load("digits")
    >>> keras_isa.presets.settings_for(train, 1, accelerated=False).batch_size
    256
    """
    if dataset.name in preset_names():
        return read_preset(dataset.name, images_per_class)[0]
    return derive_settings(
        dataset.image_shape, dataset.num_classes, len(dataset), images_per_class, accelerated
    )
