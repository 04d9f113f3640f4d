"""The features of a TensorFlow Datasets set that hold the image and the class."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from keras_isa.inputs.class_labels import check_classes, check_labels, infer_classes

# Where the features of TFDS are defined.
_OWN_KINDS = "tensorflow_datasets.core.features."


def check_feature_kinds(folder: Path) -> None:
    """Raises a ValueError if a set has a feature of a type that TFDS does not define.

    TFDS imports the module that features.json names. A forged file could name any module, and so
    execute code.

    Args:
        folder: The folder of a prepared set.

    Raises:
        ValueError: If there is such a feature, or features.json is no JSON file.
    """
    file = folder / "features.json"
    if not file.is_file():
        return
    for kind in _kinds(json.loads(file.read_text(encoding="utf-8"))):
        if not kind.startswith(_OWN_KINDS):
            raise ValueError(
                "`source` must only have features that TensorFlow Datasets defines, because a "
                f"feature of another module could run any code. Received: {file} with "
                f"{kind[:100]!r}"
            )


def _kinds(value: Any) -> Iterator[str]:
    """Yields all feature types in the content of features.json, also in nested JSON texts."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return
        yield from _kinds(value)
    elif isinstance(value, dict):
        # The field has two spellings. Old versions of TFDS wrote "type" instead.
        keys = ["pythonClassName", "python_class_name", *(["type"] if "content" in value else [])]
        yield from (value[key] for key in keys if isinstance(value.get(key), str))
        yield from itertools.chain.from_iterable(map(_kinds, value.values()))
    elif isinstance(value, list):
        yield from itertools.chain.from_iterable(map(_kinds, value))


def find_features(info: Any, source: str) -> tuple[str, str]:
    """Returns the names of the features that hold the image and the class.

    They are the supervised keys of the set, or else its only image and its only class. A class is a
    `ClassLabel`. If there is none, it is a whole number or a text.

    Args:
        info: `tfds.core.DatasetInfo`.
        source: The source that the caller has named.

    Raises:
        ValueError: If the set has no image, no class, or several of them.
    """
    from tensorflow_datasets import features as kinds

    features = dict(info.features) if isinstance(info.features, kinds.FeaturesDict) else {}

    def named(fits: Any) -> list[str]:
        return [name for name, feature in features.items() if fits(feature)]

    labels = named(lambda one: isinstance(one, kinds.ClassLabel))
    labels = labels or named(
        lambda one: (
            isinstance(one, kinds.Text)
            or (isinstance(one, kinds.Tensor) and one.shape == () and _kind(one) in "ui")
        )
    )
    images = named(
        lambda one: isinstance(one, kinds.Image) and not isinstance(one, kinds.LabeledImage)
    )
    # TFDS has no image format for float pixels and flat features, so they are stored as numbers.
    images = images or named(
        lambda one: (
            type(one) is kinds.Tensor and len(one.shape) in (1, 2, 3) and _kind(one) in "uif"
        )
    )
    keys = info.supervised_keys
    if keys and len(keys) == 2 and keys[0] in images and keys[1] in labels:
        return keys[0], keys[1]
    if len(labels) > 1 and "label" in labels:
        labels = ["label"]
    if len(images) != 1 or len(labels) != 1:
        raise ValueError(
            "`source` must be a set for image classification, with one image and one class label "
            f"per example. Received: {source!r} with {', '.join(sorted(features)) or 'neither'}"
        )
    return images[0], labels[0]


def to_classes(
    feature: Any, values: np.ndarray, name: str, names: tuple[str, ...] | None = None
) -> tuple[tuple[str, ...], np.ndarray]:
    """Returns class names and class numbers `(N,)` int32.

    Args:
        feature: The feature that holds the class.
        values: The labels `(N,)`, whole numbers or bytes, none of them missing.
        name: The caller's name for the labels.
        names: The class names, if they are known from the training part. By default those of the
            feature, or the values that occur.

    Raises:
        ValueError: If a value is no class, or none of the classes.
    """
    if getattr(feature, "names", None) is not None:
        return tuple(feature.names), values.astype(np.int32)
    labels = values if values.dtype.kind in "iu" else values.astype("S")
    if names is None:
        return infer_classes(labels, len(labels), name)
    numbers = check_labels(labels, len(labels), name, names, by_value=True, warn=False)
    check_classes(numbers, len(names), name)
    return names, numbers


def has_class(values: np.ndarray) -> np.ndarray:
    """Returns which labels are a class; negative ones are secret or missing."""
    return values >= 0 if values.dtype.kind in "iu" else np.ones(len(values), bool)


def _kind(feature: Any) -> str:
    return np.dtype(feature.np_dtype).kind
