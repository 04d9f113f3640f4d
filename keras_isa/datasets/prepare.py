"""Turning a download, or anything that `load` reads, into a data set that is ready to use."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from keras_isa.datasets.npy import CLASS_NAMES
from keras_isa.datasets.options import NOT_FOR_DOWNLOADS, Options
from keras_isa.datasets.parts import Part, Parts
from keras_isa.datasets.sources import open_source
from keras_isa.datasets.tfds_folders import PREFIX
from keras_isa.files import atomic_path, check_writable, checked_path

KINDS = ("npz", "npy", "tfds")
VERSION = "1.0.0"


@dataclasses.dataclass(frozen=True)
class Prepared:
    """What `prepare` has written.

    Args:
        source: What `load` reads it by; "tfds:NAME" needs `data_dir` as well.
        data_dir: Of a TFDS set, else `None`.
        train: Training images.
        test: Test images.
        image_shape: `(H, W, C)`, or `(F,)`.
        num_classes: Classes.
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
    """Writes a data set once, so that `load` reads it quickly or without holding it in memory.

    One image after another is read and written, so that the set may be larger than memory. What is
    at `output` is whole: the set is written beside it and put in place at the end.

    Args:
        name: What the set is called. That of a download in `downloads.registry.DOWNLOADS` says
            what `source` must be if it is a download; any other name says nothing about it.
        source: What `load` reads, or such a download.
        output: The `.npz` file, the folder of arrays (a new one), or the folder where TFDS keeps
            its sets. It must lie in an existing folder.
        kind: "npz" for one compressed file; "npy" for a folder of arrays that are read row by row;
            "tfds" for a set of TensorFlow Datasets, then loaded as "tfds:name" with `output` as
            `data_dir`. By default "npz" where `output` ends in .npz, else "npy".
        image_size: As in `load`. The sets that `name` knows have a size of their own.
        data_dir: As in `load`.
        download: As in `load`.
        axes: As in `load`.
        split: As in `load`.
        key: As in `load`.
        progress: Whether to show a progress bar.

    Returns:
        What was written. uint8 pixels stay as they are; others are stored as float32.

    Raises:
        TypeError: As `load`, or `name` is no string or `output` neither a string nor a path.
        ValueError: As `load`, or an argument is not one of those above, `output` is there already,
            cannot be written or lies on a disk with too little space.

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
    checked_path(source, "source")
    output = checked_path(output, "output").absolute()
    kind = kind or ("npz" if output.suffix.lower() == ".npz" else "npy")
    target = _checked_target(name, output, kind)
    options = Options.checked(
        data_dir=data_dir,
        download=download,
        image_size=image_size,
        axes=axes,
        split=split,
        key=key,
    )
    with _opened(name, source, options, output.parent) as (parts, folder):
        parts.check()
        if kind == "tfds":
            _write_tfds(name, parts, folder, target, progress)
        elif kind == "npz":
            _write_npz(parts, target, progress)
        else:
            _write_npy_folder(parts, target, progress)
    return Prepared(
        f"tfds:{name}" if kind == "tfds" else str(output),
        str(output) if kind == "tfds" else None,
        len(parts.train),
        len(parts.test),
        parts.image_shape,
        len(parts.class_names),
    )


def _checked_target(name: str, output: Path, kind: str) -> Path:
    """The file or folder that is going to be put in place, found not to exist."""
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
        raise ValueError(f"`output` must be new, and there is already {target}")
    try:
        check_writable(output / VERSION if output.is_dir() else output)
    except ValueError as error:
        message = str(error).replace("`path`", "`output`", 1)
        raise ValueError(message.replace("Received: path=", "Received: output=")) from error
    return target


@contextlib.contextmanager
def _opened(
    name: str, source: str | os.PathLike[str], options: Options, workspace: Path
) -> Iterator[tuple[Parts, Path | None]]:
    """The images, and the folder they lie in if it is one that a builder of ours reads."""
    if not str(source).startswith(PREFIX):
        from keras_isa.datasets.downloads.registry import opened_by_name

        path, size = Path(source), options.image_size
        with opened_by_name(name, path, options.key, size, workspace, options.split) as opened:
            if opened is not None:
                options.refuse(source, *NOT_FOR_DOWNLOADS)
                yield opened.parts, opened.path
                return
    opened = open_source(source, options)
    yield opened if isinstance(opened, Parts) else Parts.from_datasets(*opened), None


def _write_npz(parts: Parts, target: Path, progress: bool) -> None:
    bar = _bar(parts, progress)
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


def _write_npy_folder(parts: Parts, target: Path, progress: bool) -> None:
    free = shutil.disk_usage(target.parent).free
    if parts.nbytes > free:
        raise ValueError(
            f"`output` must lie on a disk with {parts.nbytes / 1e9:.1f} GB to spare. Received: "
            f"output={target}, with {free / 1e9:.1f} GB free"
        )
    bar = _bar(parts, progress)
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
    """Images without loss: as PNG where it can hold them, else as numbers."""
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


def _bar(parts: Parts, progress: bool) -> Any:
    import keras

    return keras.utils.Progbar(len(parts.train) + len(parts.test)) if progress else None
