"""The images and the labels of a batch, whatever names a pipeline or a file gives them."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import Any

from keras_isa.inputs.class_names import first_ten
from keras_isa.inputs.text import one_line

# Names that images and labels usually have in files and in batches.
IMAGE_NAMES = ("x", "image", "images", "img", "imgs", "data", "pixels", "pixel_values", "inputs")
LABEL_NAMES = ("y", "label", "labels", "target", "targets", "class", "classes", "class_id")
_WEIGHT_NAMES = ("sample_weight", "sample_weights", "weight", "weights")


def unpack_batch(batch: Any, argument: str) -> tuple[Any, Any]:
    """Returns the images and the labels of one batch, or raises an error.

    Sample weights raise an error. Other entries of a dictionary are not used; `warn_of_unused`
    names them.

    Args:
        batch: A pair, or a dictionary with one of `IMAGE_NAMES` and one of `LABEL_NAMES`.
        argument: The caller's name for the pipeline, used in errors.

    Raises:
        ValueError: `batch` is something else.

    Example:

    >>> from keras_isa.inputs.pairs import unpack_batch
    >>> unpack_batch({"image": [[0.0]], "label": [1], "id": [7]}, "x")
    ([[0.0]], [1])
    """
    needed = f"`{argument}` must give pairs (images, labels)"
    kind = type(batch).__name__
    weights = None
    if isinstance(batch, Mapping):
        keys = find_keys(batch)
        if keys is None:
            raise ValueError(
                f"{needed}, or dictionaries with one key out of {', '.join(IMAGE_NAMES)} and one "
                f"out of {', '.join(LABEL_NAMES)}. Received: the keys "
                f"{', '.join(map(str, list(batch)[:20])) or 'of an empty dictionary'}"
            )
        images, labels = (batch[key] for key in keys)
        named = (key for key in _unused(batch) if str(key).lower() in _WEIGHT_NAMES)
        weights = next((f"the key {key}" for key in named), None)
    elif isinstance(batch, str):
        raise ValueError(
            f"{needed}; pass one part of a dictionary of parts, and two arrays to "
            f"`keras_isa.datasets.Dataset.from_arrays`. Received: the text {one_line(batch)!r}"
        )
    elif not isinstance(batch, tuple | list) or not 2 <= len(batch) <= 3:
        length = f" of {len(batch)}" if isinstance(batch, tuple | list) else ""
        hint = " and not images alone" if hasattr(batch, "shape") else ""
        raise ValueError(f"{needed}{hint}. Received: a {kind}{length}")
    else:
        images, labels, *others = batch
        if any(one is not None for one in others):
            weights = f"a {kind} of 3"
    if weights is not None:
        raise ValueError(
            f"{needed}; sample weights are not supported; remove them, and repeat the images that "
            f"should count more. Received: {weights}"
        )
    if hasattr(images, "getbands"):  # an image of PIL
        raise ValueError(
            f"{needed}, but it seems to give single images; convert them to arrays and batch them, "
            "as a torch DataLoader with a transform does. Received: one image of mode "
            f"{images.mode!r} and size {images.size}"
        )
    listed = isinstance(images, tuple | list) and len(images)
    if isinstance(images, Mapping) or (listed and len(getattr(images[0], "shape", ())) > 1):
        raise ValueError(
            f"{needed}; several inputs are not supported; pass one array of images. Received: a "
            f"{type(images).__name__} of {len(images)} in place of the images"
        )
    _check_labels(images, labels, needed)
    return images, labels


def _check_labels(images: Any, labels: Any, needed: str) -> None:
    """Raises a ValueError for a whole batch, or for several arrays, in place of the labels."""
    nested = isinstance(labels, tuple | list | Mapping)
    shape = () if isinstance(images, int) else tuple(getattr(images, "shape", (0,)))
    if nested and shape == ():
        raise ValueError(
            f"{needed} without the numbers of the batches; leave out `enumerate`. Received: a "
            f"number and a {type(labels).__name__} of {len(labels)}"
        )
    is_list = isinstance(labels, tuple | list) and len(labels) not in (0, shape[0])
    first = labels[0] if is_list else None
    length = (len(first),) if isinstance(first, tuple | list) else getattr(first, "shape", ())[:1]
    if isinstance(labels, Mapping) or (length and tuple(length) == shape[:1]):
        raise ValueError(
            f"{needed}; several labels per image are not supported; choose one array of labels. "
            f"Received: a {type(labels).__name__} of {len(labels)} in place of the labels"
        )


def warn_of_unused(batch: Any, argument: str) -> None:
    """Warns of the entries of a dictionary that `unpack_batch` does not use.

    Args:
        batch: A batch, usually the first one, that `unpack_batch` has accepted.
        argument: The caller's name for the pipeline.
    """
    if isinstance(batch, Mapping) and (unused := _unused(batch)):
        images, labels = find_keys(batch)
        warnings.warn(
            f"`{argument}` gives dictionaries, of which {images!r} and {labels!r} are used, and "
            f"not {first_ten(list(map(repr, unused)))}",
            stacklevel=2,
        )


def _unused(batch: Mapping) -> list[Any]:
    """Returns the keys of values that are neither images nor labels nor `None`."""
    used = find_keys(batch)
    return [key for key, value in batch.items() if key not in used and value is not None]


def find_keys(names: Iterable[Any]) -> tuple[Any, Any] | None:
    """Returns the name of the images and the name of the labels, or `None` if it is not clear.

    Args:
        names: All names. One must be out of `IMAGE_NAMES` and one out of `LABEL_NAMES`.

    Example:

    >>> from keras_isa.inputs.pairs import find_keys
    >>> find_keys(["label", "id", "image"]), find_keys(["image", "mask"])
    (('image', 'label'), None)
    """
    names = list(names)
    images = [name for name in names if str(name).lower() in IMAGE_NAMES]
    labels = [name for name in names if str(name).lower() in LABEL_NAMES]
    return (images[0], labels[0]) if len(images) == len(labels) == 1 else None


def check_batched(images: Any, labels: Any, argument: str) -> None:
    """Raises a ValueError for a single image with a single label in place of a batch.

    Args:
        images: Array of any shape.
        labels: Array of any shape.
        argument: The caller's name for the pipeline, used in errors.

    Raises:
        ValueError: The labels are a single number without an axis.
    """
    if labels.ndim == 0:
        raise ValueError(
            f"`{argument}` must give batches of images with one label each, but it seems to give "
            "single images; batch them first, for instance with `.batch(32)` or a torch "
            f"DataLoader. Received: images of shape {images.shape}, a label of shape ()"
        )
