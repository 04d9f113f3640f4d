"""Published sets become sets of this library, which carry their preprocessing and protocol."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from keras_isa.asset.distilled_data import DistilledData
from keras_isa.asset.foreign import checks
from keras_isa.asset.foreign.formats import FORMATS, Format
from keras_isa.asset.foreign.found import Found
from keras_isa.asset.foreign.spaces import PIXELS, SPACES, standardized
from keras_isa.datasets.dataset import Dataset
from keras_isa.files import checked_path
from keras_isa.global_settings import in_standard_settings
from keras_isa.ops.arguments import one_of, whole_number

# Pixels of a set may lie so far outside of those of the data, as a share of their range.
_BEYOND = 0.5
_LONGEST_REASON = 400
# Formats that say nothing of the method.
_ANY = ("arrays", "folder")


@in_standard_settings
def import_set(
    path: str | os.PathLike,
    format: str,  # noqa: A002 - the word of the command line
    train: Any,
    *,
    space: str | None = None,
    index: int = 0,
    sha256: str | None = None,
) -> DistilledData:
    """Makes a set of this library of one that others have published.

    Images and labels stay as they are. The preprocessing of the authors' own code, which their
    files do not hold, is fitted to the training data, and the recipe is the protocol by which they
    train networks on the set. What the file holds beside one set is named in a warning. Nothing in
    a file is executed.

    Args:
        path: The file, or the folder of pictures.
        format: One of `keras_isa.asset.foreign.formats.FORMATS`: `"frepo"`, `"rcig"`, `"rfad"`,
            `"dc"` (also DSA, DM, DataDAM and DREAM), `"mtt"` and `"mtt_zca"` (also TESLA),
            `"datm"`, `"arrays"` or `"folder"`.
        train: The training data from which the set was made, a `keras_isa.datasets.Dataset`.
        space: The space of the images, where it is not that of the format: `"pixels"`,
            `"mean_std"`, `"standardize"`, `"frepo"`, `"rfad"` or `"kornia"`.
        index: Which set, where a file has several.
        sha256: The fingerprint that the file must have, in hexadecimal digits, as `sha256sum`
            prints it; most formats hold no checksum of their own, so that a damaged number is read
            as another one. Labels in a file of their own are not part of it. Of a folder it is the
            fingerprint that an earlier import has recorded, of the names and contents of its files.

    Returns:
        A `DistilledData`, ordered by class.

    Raises:
        TypeError: If `train` is no data set of images with classes.
        ValueError: If a word is unknown, the file is damaged, has another fingerprint or holds
            something else, or its images are not those of such data: of another shape, of other
            classes, or in another space.
        ImportError: If the package that reads the file is not installed.

    Example:

    >>> import tempfile, pathlib
    >>> import numpy as np
    >>> import keras_isa
    >>> train, test = keras_isa.datasets.load("digits")
    >>> rows = [int(np.flatnonzero(train.y == k)[0]) for k in range(10)]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "set.npz"
    ...     np.savez(path, images=train.x[rows], labels=np.arange(10))
    ...     distilled = keras_isa.asset.import_set(path, "arrays", train)
    >>> distilled.images_per_class, distilled.provenance["imported"]["space"]
    (1, 'pixels')
    """
    path = checked_path(path)
    kind: Format = FORMATS[one_of("format", format, tuple(FORMATS))]
    space = one_of("space", space or kind.space, (PIXELS, *SPACES))
    index = whole_number("index", index, 0)
    expected = None if sha256 is None else _fingerprint(sha256)
    _check_data(train)
    with _naming(path, format):
        _check_kind(path, format)
    digest = _digest(path)
    if expected not in (None, digest):
        raise ValueError(
            f"`sha256` (--sha256) must be that of {path.name}, which is {digest}: download it "
            f"again, or check the fingerprint. Received: {sha256}"
        )
    with _naming(path, format):
        if index and not kind.several:
            raise ValueError("`index` (--index) must be 0: such a file holds one set")
        found = kind.read(path, train, index)
        images, axes = checks.in_library_axes(np.asarray(found.images), train.image_shape)
        labels, are_classes = checks.label_rows(
            np.asarray(found.labels), len(images), train.num_classes
        )
        classes = checks.class_of_rows(labels)
        order = np.argsort(classes, kind="stable")
        images, labels, classes = images[order], labels[order], classes[order]
        if are_classes:
            labels = labels - 1 / train.num_classes
        layer, words, images = _in_model_space(images, train, space)
    recipe = kind.protocol(train.image_shape[-1], len(images))
    distilled = DistilledData.from_arrays(
        images,
        labels,
        images_per_class=tuple(np.bincount(classes).tolist()),
        preprocessing=layer,
        class_names=train.class_names,
        pixel_range=train.pixel_range,
        learn_labels=not are_classes,
        recipe={**recipe.to_dict(), "steps": recipe.steps_for(len(images))},
        provenance={
            "method": kind.methods.partition(",")[0] if format not in _ANY else "not known",
            "dataset": train.name,
            "imported": {
                "file": path.name,
                "format": format,
                "sha256": digest,
                "axes": axes,
                "space": space,
                "preprocessing": words,
            },
        },
    )
    _warn(path, kind, found, order)
    if " brought to " in words:
        warnings.warn(f"the values of {path.name} were taken as {words}", stacklevel=2)
    real, y = checks.sample_of(train)
    if checks.order_doubt(images, classes, checks.in_space(layer, real), y):
        warnings.warn(
            f"the images of {path.name} do not look like the classes that their labels say: a "
            "linear probe on the data agrees with the order of the classes no more than with a "
            "random order. Compare the order of the classes in the file and in the data.",
            stacklevel=2,
        )
    return distilled


def _check_data(train: Any) -> None:
    if not isinstance(train, Dataset):
        raise TypeError(
            f"`train` must be a keras_isa.datasets.Dataset. Received: {type(train).__name__}"
        )
    if train.task != "classification" or len(train.image_shape) != 3:
        raise TypeError(f"`train` must hold images with classes. Received: {train!r}")


def _check_kind(path: Path, format: str) -> None:  # noqa: A002
    if format == "folder" and not path.is_dir():
        raise ValueError("it is no folder" if path.exists() else "there is no such folder")
    if format != "folder" and not path.is_file():
        raise ValueError("it is a folder" if path.exists() else "there is no such file")


def _in_model_space(images: np.ndarray, train: Any, space: str) -> tuple[Any, str, np.ndarray]:
    """The fitted layer, what it is in words, and the images in its space."""
    bounds = train.pixel_range
    real, _ = checks.sample_of(train)
    if space == PIXELS:
        layer, words = standardized(train.x, bounds)
        images, scale = _as_pixels(images, bounds)
        return layer, f"pixels{scale}, then {words}", checks.in_space(layer, images)
    layer, words = SPACES[space](train.x, bounds)
    images = images.astype("float32")
    problem = checks.range_problem(images, checks.in_space(layer, real))
    if problem is not None:
        raise ValueError(f"{problem} ({words}); `space` (--space) names another one")
    return layer, words, images


def _as_pixels(images: np.ndarray, bounds: tuple[float, float]) -> tuple[np.ndarray, str]:
    """Images in the pixel units of the data, and in words how they were stored if in others."""
    images, (low, high) = images.astype("float32"), bounds
    for lowest, highest in dict.fromkeys((bounds, (0.0, 1.0), (0.0, 255.0))):
        slack = _BEYOND * (highest - lowest)
        if images.min() < lowest - slack or not highest / 4 < images.max() <= highest + slack:
            continue
        if (lowest, highest) == bounds:
            return images, ""
        shares = (images - lowest) / (highest - lowest)
        scale = f" of {lowest:g} to {highest:g} brought to {low:g} to {high:g}"
        return shares * (high - low) + low, scale
    raise ValueError(
        f"its values, from {images.min():.3g} to {images.max():.3g}, are pixels neither of the "
        f"data, {low:g} to {high:g}, nor of 0 to 1 or 0 to 255; `space` (--space) names another one"
    )


def _warn(path: Path, kind: Format, found: Found, order: np.ndarray) -> None:
    if found.unused:
        warnings.warn(f"not used of {path.name}: {'; '.join(found.unused)}", stacklevel=3)
    if (np.diff(order) < 0).any():
        warnings.warn(f"the images of {path.name} were put in the order of classes", stacklevel=3)
    if kind.remark is not None:
        warnings.warn(kind.remark, stacklevel=3)


def _fingerprint(sha256: Any) -> str:
    """The fingerprint that a file must have, in small letters."""
    if not (isinstance(sha256, str) and re.fullmatch("[0-9a-fA-F]{64}", sha256)):
        raise ValueError(
            "`sha256` (--sha256) must be 64 hexadecimal digits, as sha256sum prints them. "
            f"Received: {sha256!r}"
        )
    return sha256.lower()


def _digest(path: Path) -> str:
    """The fingerprint of a file, or of the names and contents of the visible files of a folder."""
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    digest = hashlib.sha256()
    for one in sorted(path.rglob("*")):
        name = one.relative_to(path).as_posix()
        if one.is_file() and not any(part.startswith(".") for part in name.split("/")):
            digest.update(name.encode() + b"\0" + hashlib.sha256(one.read_bytes()).digest())
    return digest.hexdigest()


@contextlib.contextmanager
def _naming(path: Path, format: str) -> Iterator[None]:  # noqa: A002
    """Turns whatever goes wrong with a file into one line that names it."""
    try:
        yield
    except ImportError:
        raise
    except Exception as error:
        raise ValueError(
            f"`path` must be a set in the format {format!r}: {FORMATS[format].methods}; this one "
            f"cannot be read: {_reason(error)}; download it again, or name its own `format` "
            f"(--format). Received: path={path}"
        ) from error


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())[:_LONGEST_REASON] or type(error).__name__
    return "".join(c if c.isprintable() else "?" for c in text).rstrip(".")
