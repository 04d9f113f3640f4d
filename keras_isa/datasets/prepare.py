"""`prepare`, which converts a download or any other source to a data set that loads quickly."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import keras
import numpy as np

from keras_isa.datasets.npy import CLASS_NAMES
from keras_isa.datasets.options import Options
from keras_isa.datasets.parts import Part, Parts
from keras_isa.datasets.sources import open_source
from keras_isa.files import atomic_path, check_writable, checked_path

KINDS = ("npz", "npy", "tfds")
VERSION = "1.0.0"


@dataclasses.dataclass(frozen=True)
class Prepared:
    """What `prepare` has written.

    Args:
        source: The argument with which `load` reads it; "tfds:NAME" needs `data_dir` as well.
        data_dir: The folder of a TFDS data set, otherwise `None`.
        train: Number of training images.
        test: Number of test images.
        image_shape: Shape `(H, W, C)` or `(F,)` of an image.
        num_classes: Number of classes.
    """

    source: str
    data_dir: str | None
    train: int
    test: int
    image_shape: tuple[int, ...]
    num_classes: int

    def __str__(self) -> str:
        place = f"{self.source} in {self.data_dir}" if self.data_dir else self.source
        shape = "x".join(map(str, self.image_shape))
        return (
            f"{place}: {self.train} training and {self.test} test images of {shape}, "
            f"{self.num_classes} classes"
        )


def prepare(
    name: str,
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    kind: str | None = None,
    image_size: int | tuple[int, int] | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    download: bool = False,
    axes: str | None = None,
    split: float | None = None,
    key: str | None = None,
    progress: bool = False,
) -> Prepared:
    """Writes a data set to disk in a form that `load` reads quickly or image by image.

    It reads and writes one image at a time, so the data set may be larger than memory. It writes to
    a temporary place and renames that to `output` at the end, so `output` is always complete.

    Args:
        name: The name of the data set. If it is the name of a download in
            `downloads.registry.DOWNLOADS`, `source` must be this download or no download. Any other
            name may be chosen freely.
        source: What `load` reads, or such a download.
        output: The `.npz` file, the new folder of arrays, or the folder in which TFDS keeps its
            data sets. It must be in an existing folder.
        kind: "npz" for one compressed file; "npy" for a folder of arrays that are read row by row;
            "tfds" for a data set of TensorFlow Datasets, which is then loaded as "tfds:NAME" with
            `output` as `data_dir`. By default "npz" if `output` ends in .npz, otherwise "npy".
        image_size: As in `load`. Some downloads have a fixed size, such as "imagenette128".
        data_dir: As in `load`.
        download: As in `load`.
        axes: As in `load`.
        split: As in `load`.
        key: As in `load`.
        progress: Whether to show a progress bar.

    Returns:
        A summary of what was written. uint8 pixels stay uint8; others are stored as float32.

    Raises:
        TypeError: As `load`, or `name` is no string, or `output` is neither a string nor a path.
        ValueError: As `load`, or an argument has another value than those above, `output` already
            exists or cannot be written, or its disk has too little space.

    Example:

    >>> import pathlib, tempfile
    >>> import keras_isa
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     output = pathlib.Path(folder, "digits")
    ...     prepared = keras_isa.datasets.prepare("digits", "digits", output)
    ...     train, test = keras_isa.datasets.load(output)
    >>> prepared.train, prepared.test, type(train.x).__name__
    (1437, 360, 'StoredImages')
    """
    if not isinstance(name, str):
        raise TypeError(f"`name` must be a string. Received: name={name!r}")
    output = checked_path(output, "output").absolute()
    kind = kind or ("npz" if output.suffix.lower() == ".npz" else "npy")
    target = _checked_target(name, output, kind)
    options = Options(data_dir, download, image_size, axes, split, key)
    with open_source(source, options, name, output.parent) as (opened, folder):
        parts = opened if isinstance(opened, Parts) else Parts.from_datasets(*opened)
        parts.check()
        if kind == "tfds":
            _write_tfds(name, parts, folder, target, progress)
        else:
            count = len(parts.train) + len(parts.test)
            bar = keras.utils.Progbar(count) if progress else None
            (_write_npz if kind == "npz" else _write_npy_folder)(parts, target, bar)
    return Prepared(
        f"tfds:{name}" if kind == "tfds" else str(output),
        str(output) if kind == "tfds" else None,
        len(parts.train),
        len(parts.test),
        parts.image_shape,
        len(parts.class_names),
    )


def _checked_target(name: str, output: Path, kind: str) -> Path:
    """Returns the file or folder that will be written, or raises an error if it already exists."""
    if kind not in KINDS:
        raise ValueError(f"`kind` must be one of {', '.join(KINDS)}. Received: kind={kind!r}")
    target = output
    if kind == "tfds":
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            raise ValueError(
                "`name` must be lower-case letters, digits and underscores for TFDS. Received: "
                f"name={name!r}"
            )
        if output.exists() and not output.is_dir():
            raise ValueError(f"`output` must be a folder for TFDS. Received: output={output}")
        target = output / name / VERSION
    elif kind == "npz" and output.suffix.lower() != ".npz":
        raise ValueError(f"`output` must end in .npz for that kind. Received: output={output}")
    if target.exists():
        raise ValueError(f"`output` must be new. Received: {target}, which already exists")
    try:
        check_writable(output / VERSION if output.is_dir() else output)
    except ValueError as error:
        message = str(error).replace("`path`", "`output`", 1)
        raise ValueError(message.replace("Received: path=", "Received: output=")) from error
    return target


def _write_npz(parts: Parts, target: Path, bar: keras.utils.Progbar | None) -> None:
    with (
        atomic_path(target) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive,
    ):

        def member(key: str) -> BinaryIO:
            return archive.open(f"{key}.npy", "w", force_zip64=True)

        for key, part in (("train", parts.train), ("test", parts.test)):
            with member(f"x_{key}") as file:
                _write_images(file, parts, part, bar)
            with member(f"y_{key}") as file:
                np.lib.format.write_array(file, part.labels)
        with member("class_names") as file:
            np.lib.format.write_array(file, np.array(parts.class_names))


def _write_npy_folder(parts: Parts, target: Path, bar: keras.utils.Progbar | None) -> None:
    free = shutil.disk_usage(target.parent).free
    if parts.nbytes > free:
        raise ValueError(
            f"`output` must be on a disk with {parts.nbytes / 1e9:.1f} GB of free space. Received: "
            f"output={target}, with {free / 1e9:.1f} GB free"
        )
    with tempfile.TemporaryDirectory(prefix=".prepare-", dir=target.parent) as workspace:
        folder = Path(workspace, target.name)
        folder.mkdir()
        for key, part in (("train", parts.train), ("test", parts.test)):
            with open(folder / f"x_{key}.npy", "wb") as file:
                _write_images(file, parts, part, bar)
                file.flush()
                os.fsync(file.fileno())
            np.save(folder / f"y_{key}.npy", part.labels)
        (folder / CLASS_NAMES).write_text(json.dumps(parts.class_names), "utf-8")
        os.replace(folder, target)


def _write_tfds(name: str, parts: Parts, folder: Path | None, target: Path, progress: bool) -> None:
    import tensorflow_datasets as tfds

    from keras_isa.datasets.builders import BUILDERS, examples
    from keras_isa.datasets.tfds import quiet

    root = target.parents[1]
    beside = root if root.exists() else root.parent
    with tempfile.TemporaryDirectory(prefix=".prepare-", dir=beside) as workspace, quiet(progress):
        if folder is not None and name in BUILDERS:
            BUILDERS[name](data_dir=workspace).download_and_prepare(
                download_config=tfds.download.DownloadConfig(manual_dir=folder)
            )
        else:
            tfds.dataset_builders.store_as_tfds_dataset(
                name=name,
                version=VERSION,
                features=_features(parts),
                split_datasets={"train": examples(parts.train), "test": examples(parts.test)},
                data_dir=workspace,
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(Path(workspace, name, VERSION), target)


def _features(parts: Parts) -> Any:
    """Returns the features of the set: images as PNG if it can hold them, otherwise as numbers."""
    from tensorflow_datasets import features

    shape, dtype = parts.image_shape, parts.dtype
    as_png = dtype == np.uint8 and len(shape) == 3 and shape[2] in (1, 2, 3, 4)
    image = (
        features.Image(shape=shape, encoding_format="png")
        if as_png
        else features.Tensor(shape=shape, dtype=dtype)
    )
    label = features.ClassLabel(names=list(parts.class_names))
    return features.FeaturesDict({"image": image, "label": label})


def _write_images(file: BinaryIO, parts: Parts, part: Part, bar: Any) -> None:
    """Writes an array in NumPy's format, one image after another."""
    header = {
        "descr": np.lib.format.dtype_to_descr(parts.dtype),
        "fortran_order": False,
        "shape": (len(part), *parts.image_shape),
    }
    np.lib.format.write_array_header_1_0(file, header)
    for image in part:
        file.write(np.ascontiguousarray(image, parts.dtype).data)
        if bar is not None:
            bar.add(1)
