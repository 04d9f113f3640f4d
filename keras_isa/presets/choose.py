"""The choice between a preset and derived settings for a data set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from keras_isa.presets.config import Config
from keras_isa.presets.preset_file import CPU, file_names, read_file, read_preset
from keras_isa.presets.settings import Settings

C = TypeVar("C", bound=Config)

_TFDS = "tfds:"


def derive_settings(
    image_shape: Sequence[int],
    num_classes: int,
    train_size: int,
    images_per_class: int | Sequence[int],
    accelerated: bool,
    config: type[C] = Settings,
    task: str = "classification",
) -> C:
    """Chooses settings from shape, size and hardware.

    For FRePo, on an accelerator these are the published settings with 20,000 steps. On a CPU the
    networks are narrower, the batch is smaller, the learning rate is higher and the number of steps
    follows from their cost. Only images of three channels are mirrored: they are most likely
    pictures, others may be letters. Sequences and flat features are neither mirrored nor augmented.

    Args:
        image_shape: `(height, width, channels)` of images, `(steps, features)` of sequences, or
            `(features,)` of flat features.
        num_classes: Number of classes.
        train_size: Training images.
        images_per_class: Images per class of the distilled set, one number or one for each class.
        accelerated: Whether a GPU or TPU computes.
        config: Settings of the method, by default FRePo's.
        task: `"classification"`, or `"regression"`: then `num_classes` is the number of targets and
            `images_per_class` the number of rows of the set.

    Returns:
        The settings.

    Raises:
        ValueError: If the shape is not one of these, or a number is not a positive integer.

    Example:

    >>> from keras_isa.presets import derive_settings
    >>> derive_settings((28, 28, 1), 10, 60000, 1, accelerated=False).width
    32
    >>> derive_settings((48, 3), 3, 1000, [1, 2, 2], accelerated=False).recipe["augmentation"]
    []
    """
    config.check_task(task)
    about = image_shape, num_classes, train_size, images_per_class, accelerated
    return config.derived(*about, **({"task": task} if task != "classification" else {}))


def settings_for(
    dataset: Any,
    images_per_class: int | Sequence[int],
    accelerated: bool,
    preset: str | None = None,
    config: type[C] = Settings,
) -> C:
    """Returns the preset of a data set, or settings derived from its shape, size and the hardware.

    Some data sets of the paper have no preset for CPUs. On a CPU they get derived settings too, but
    with the published preprocessing, flip and kinds of augmentation.

    Args:
        dataset: Training data with `.name`, `.image_shape`, `.num_classes` and a length.
        images_per_class: Images per class of the distilled set, one number or one for each class.
        accelerated: Whether a GPU or TPU computes.
        preset: Name of the preset to take, whatever the name of the data set and the hardware are.
        config: Settings of the method, by default FRePo's.

    Returns:
        The settings.

    Raises:
        ValueError: If a number of images is not a positive integer, or `preset` is unknown or made
            for other images or classes.

    Example:

    >>> import keras_isa
    >>> train, test = keras_isa.datasets.load("digits")
    >>> keras_isa.presets.settings_for(train, 1, accelerated=False).batch_size
    256
    """
    task = getattr(dataset, "task", "classification")
    config.check_task(task)
    if preset is not None:
        settings, about = read_preset(preset, images_per_class, config)
        if not _fits(about, dataset):
            raise ValueError(
                f"`preset` must fit the data; {preset} is for images of shape "
                f"{tuple(about['image_shape'])} and {about['num_classes']} classes. "
                f"Received: shape {tuple(dataset.image_shape)} and {dataset.num_classes} "
                f"{'classes' if _has_classes(dataset) else 'targets of a regression'}"
            )
        return settings
    name, file = _names(dataset, accelerated, config)
    if name is not None:
        return read_preset(name, images_per_class, config)[0]
    shape, classes, size = dataset.image_shape, dataset.num_classes, len(dataset)
    about = shape, classes, size, images_per_class, accelerated, config
    settings = derive_settings(*about, task)
    if file is None:
        return settings
    published = read_preset(file, images_per_class, config)[0]
    recipe = {name: published.recipe[name] for name in ("augmentation", "strategy")}
    of_data = {name: getattr(published, name, None) for name in config.of_data}
    return settings.with_changes(**of_data, recipe=recipe)


def preset_for(dataset: Any, accelerated: bool, config: type[Config] = Settings) -> str | None:
    """Returns the name of the preset of a data set on this hardware.

    The file of presets must have the name of the data set, of its file without the ending, or of
    the set in TensorFlow Datasets. Shape and number of classes must agree too.

    Args:
        dataset: Data with `.name`, `.image_shape` and `.num_classes`.
        accelerated: Whether a GPU or TPU computes; a CPU needs settings of its own.
        config: Settings of the method, by default FRePo's.

    Returns:
        One of `preset_names()`, or `None`.

    Example:

    >>> import keras_isa
    >>> train, test = keras_isa.datasets.load("digits")
    >>> keras_isa.presets.preset_for(train, accelerated=False)
    'digits'
    """
    return _names(dataset, accelerated, config)[0]


def source_of(dataset: Any, accelerated: bool, preset: str | None, config: type[Config]) -> str:
    """Says where the settings of `settings_for` come from.

    Args:
        dataset: As for `settings_for`.
        accelerated: As for `settings_for`.
        preset: As for `settings_for`.
        config: As for `settings_for`.

    Returns:
        A few words with the name of the preset, or that the settings are derived.

    Example:

    >>> import keras_isa
    >>> from keras_isa.presets.choose import source_of
    >>> train, test = keras_isa.datasets.load("digits")
    >>> source_of(train, accelerated=False, preset=None, config=keras_isa.presets.Settings)
    'preset digits'
    """
    if preset is not None:
        return f"preset {preset}"
    name, file = _names(dataset, accelerated, config)
    if name is not None:
        return f"preset {name}"
    published = f"; {', '.join(config.of_data)} and augmentation of preset {file}" if file else ""
    return f"derived from shape, size and hardware{published}"


def _names(dataset: Any, accelerated: bool, config: type[Config]) -> tuple[str | None, str | None]:
    """Returns the preset for data and hardware, and the file of presets for the data, by name."""
    if not all(hasattr(dataset, part) for part in ("name", "image_shape", "num_classes")):
        raise TypeError(
            "`dataset` must have a name, an image_shape and num_classes. "
            f"Received: {type(dataset).__name__}"
        )
    for file in file_names(config):
        tables = read_file(file, config)
        about = tables["dataset"]
        if _is_named(dataset.name, file, about.get("tfds")) and _fits(about, dataset):
            if accelerated or tables.get("any_hardware", False):
                return file, file
            return (file + CPU if "cpu" in tables else None), file
    return None, None


def _is_named(name: str, file: str, tfds: str | None) -> bool:
    if not name.startswith(_TFDS):
        return Path(name).stem == file
    # TensorFlow Datasets' own names may end in a version: "mnist:3.0.1".
    return name.removeprefix(_TFDS).partition(":")[0] in (file, tfds)


def _has_classes(dataset: Any) -> bool:
    return getattr(dataset, "task", "classification") == "classification"


def _fits(about: dict[str, Any], dataset: Any) -> bool:
    if not _has_classes(dataset):
        return False
    shape = tuple(about["image_shape"])
    return (shape, about["num_classes"]) == (tuple(dataset.image_shape), dataset.num_classes)
