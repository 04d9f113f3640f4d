"""Images and labels out of what a pipeline or a file calls by its own names."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import Any

from keras_isa.inputs.class_names import first_names

# Names of the images and of the labels, in files and in examples of a pipeline.
IMAGE_NAMES = ("x", "image", "images", "img", "imgs", "data", "pixels", "pixel_values", "inputs")
LABEL_NAMES = ("y", "label", "labels", "target", "targets", "class", "classes", "class_id")
_WEIGHT_NAMES = ("sample_weight", "sample_weights", "weight", "weights")

_NEEDED = "`{argument}` must give pairs (images, labels)"
_NO_WEIGHTS = (
    "sample weights are not supported, leave them out and repeat the images that are to count more"
)


def pair_of(batch: Any, argument: str) -> tuple[Any, Any]:
    """Returns the images and the labels of one batch, or says why it has none or too many.

    Other entries of a dictionary are not used, except that weights are refused; `warn_of_unused`
    names them.

    Args:
        batch: A pair, or a dictionary with one of `IMAGE_NAMES` and one of `LABEL_NAMES`.
        argument: The name the caller knows the pipeline by, used in errors.

    Raises:
        ValueError: `batch` is something else.

    Example:

    >>> from keras_isa.inputs.pairs import pair_of
    >>> pair_of({"image": [[0.0]], "label": [1], "id": [7]}, "x")
    ([[0.0]], [1])
    """
    needed = _NEEDED.format(argument=argument)
    if isinstance(batch, Mapping):
        keys = keys_of(batch)
        if keys is None:
            raise ValueError(
                f"{needed}, or dictionaries with one key out of {', '.join(IMAGE_NAMES)} and one "
                f"out of {', '.join(LABEL_NAMES)}. Received: the keys "
                f"{', '.join(map(str, list(batch)[:20])) or 'of none'}"
            )
        weights = next((key for key in _unused(batch) if str(key).lower() in _WEIGHT_NAMES), None)
        if weights is not None:
            raise ValueError(f"{needed}; {_NO_WEIGHTS}. Received: the key {weights}")
        return batch[keys[0]], batch[keys[1]]
    if not isinstance(batch, tuple | list) or not 2 <= len(batch) <= 3:
        length = f" of {len(batch)}" if isinstance(batch, tuple | list) else ""
        hint = _without_labels(batch)
        raise ValueError(f"{needed}{hint}. Received: a {type(batch).__name__}{length}")
    if len(batch) == 3:
        if batch[2] is not None:
            raise ValueError(f"{needed}; {_NO_WEIGHTS}. Received: a {type(batch).__name__} of 3")
        batch = batch[:2]
    if isinstance(batch[0], Mapping) or (
        isinstance(batch[0], tuple | list)
        and len(batch[0])
        and hasattr(batch[0][0], "shape")
        and len(batch[0][0].shape) > 1
    ):
        raise ValueError(
            f"{needed}; several inputs are not supported, give one array of images. Received: a "
            f"{type(batch[0]).__name__} of {len(batch[0])} in the place of the images"
        )
    return batch[0], batch[1]


def warn_of_unused(batch: Any, argument: str) -> None:
    """Warns of the entries of a dictionary that `pair_of` does not use; for the first batch.

    Args:
        batch: As `pair_of` has taken it.
        argument: The name the caller knows the pipeline by.
    """
    unused = _unused(batch) if isinstance(batch, Mapping) else []
    if unused:
        images, labels = keys_of(batch)
        warnings.warn(
            f"`{argument}` gives dictionaries, of which {images!r} and {labels!r} are used, and "
            f"not {first_names([repr(key) for key in unused])}",
            stacklevel=2,
        )


def _unused(batch: Mapping) -> list[Any]:
    """Keys of what is neither images nor labels, nor nothing."""
    used = keys_of(batch)
    return [key for key, value in batch.items() if key not in used and value is not None]


def keys_of(names: Iterable[Any]) -> tuple[Any, Any] | None:
    """Returns the only name of images and the only name of labels; `None` where there is no such.

    Example:

    >>> from keras_isa.inputs.pairs import keys_of
    >>> keys_of(["label", "id", "image"]), keys_of(["image", "mask"])
    (('image', 'label'), None)
    """
    names = list(names)
    images = [name for name in names if str(name).lower() in IMAGE_NAMES]
    labels = [name for name in names if str(name).lower() in LABEL_NAMES]
    return (images[0], labels[0]) if len(images) == len(labels) == 1 else None


def check_batched(images: Any, labels: Any, argument: str) -> None:
    """Refuses a single image with a single label, which is no batch.

    Args:
        images: Array, of any shape.
        labels: Array, of any shape.
        argument: The name the caller knows the pipeline by, used in errors.

    Raises:
        ValueError: There is one label, and no axis for more.
    """
    if labels.ndim == 0:
        raise ValueError(
            f"`{argument}` must give batches of images with one label each, and seems to give "
            "single images; batch them first, as with `.batch(32)`. Received: images of shape "
            f"{images.shape}, a label of shape ()"
        )


def _without_labels(batch: Any) -> str:
    return " and not images alone" if hasattr(batch, "shape") else ""
