"""Errors for known formats that are not supported, with advice on how to convert them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from keras_isa.datasets.file_kinds import ARCHIVES, OTHER_ARCHIVES
from keras_isa.datasets.folder_tree import is_system
from keras_isa.datasets.image_formats import readable_suffixes
from keras_isa.datasets.remarks import shown_path

_AS_NPZ = "and save them with numpy.savez as x_train, y_train, x_test and y_test"
_AS_FOLDER = "to a folder as train/CLASS/FILE"
# By suffixes: what a file is, and what to read from it with which library.
_READ_WITH = {
    ".h5 .hdf5 .hdf": ("HDF5", "the arrays in it with h5py"),
    ".lmdb .mdb": ("an LMDB database", "the images in it with lmdb"),
    ".pt .pth": ("a file of PyTorch", "the tensors in it with torch.load and weights_only=True"),
    ".parquet .arrow .feather": (
        "a table without a column of image files",
        "the arrays in it with pyarrow",
    ),
    ".arff .xls .xlsx .json .jsonl .txt": (
        "a table or a text",
        "features (N, F) and labels (N,) from it",
    ),
    ".rec": ("RecordIO of MXNet", "the images in it with MXNet"),
    ".sqlite .sqlite3 .db": ("an SQLite database", "the images in it with sqlite3"),
}
# By suffixes: what a file is, and what to do.
_FORMATS = {ends: (what, f"read {how} {_AS_NPZ}") for ends, (what, how) in _READ_WITH.items()} | {
    ".tfrecord .tfrecords": (
        "TFRecord files",
        "give tfds:NAME and data_dir (--data-dir) if TensorFlow Datasets has prepared them; "
        f"otherwise read them with tf.data {_AS_NPZ}",
    ),
    ".pkl .pickle": (
        "a pickle, which can run any code when it is loaded",
        f"if you trust it, read the arrays in it with pickle {_AS_NPZ}",
    ),
    ".mat": (
        "a MATLAB file",
        "for SVHN pass the folder with train_32x32.mat and test_32x32.mat; for other sets read the "
        f"arrays with scipy.io.loadmat {_AS_NPZ}",
    ),
    ".npz.gz .npy.gz .npz.bz2 .npz.xz .csv.gz .tsv.gz .csv.bz2 .tsv.bz2 .csv.xz .tsv.xz": (
        "a compressed file",
        "unpack it, for instance with gunzip, and pass the file that was in it",
    ),
    ".csv .tsv": (
        "a table without a first column label and then a square number of pixels",
        "convert it to this form if it holds images; otherwise read its columns, features (N, F) "
        f"and labels (N,), with pandas or NumPy {_AS_NPZ}",
    ),
    ".beton": ("a file of FFCV", "pass the images that it was made of"),
    ".mp4 .avi .mov .mkv .webm .mpg .mpeg .m4v": ("a video", f"write its frames {_AS_FOLDER}"),
    ".ipynb .py": ("a notebook or a program", "pass the data that it reads"),
    ".yaml .yml": (
        "a text that describes a data set, as for YOLO",
        "pass a folder of images as train/CLASS/FILE",
    ),
    ".crdownload .part .partial .download .aria2": (
        "a download that has not finished",
        "finish it and pass the file",
    ),
    " ".join(OTHER_ARCHIVES): ("an archive of another kind", "unpack it and pass the folder"),
}
_ARCHIVE_PART = re.compile(r".*\.(zip|7z|rar|tar|tgz|tar\.\w+)\.(\d+|part-?\w*|a[a-z])|.*\.z\d\d")
_PART = (
    "a part or a copy of an archive",
    "join the parts or rename the copy, unpack it and pass the folder",
)
_SHARDS = ("WebDataset, images in .tar files", f"write them {_AS_FOLDER}")
_IMAGE = ("a single image", "pass the folder that contains the folders of the classes")
_ARRAYS = (
    "a folder of arrays",
    "pass the .npz file, or the unpacked folder with the .npy files, that holds x_train, y_train, "
    "x_test and y_test; save other arrays under these names with numpy.savez",
)
_ARCHIVED = ("a folder of archives", "pass one of them, or unpack it")
# Suffixes of files beside the data, which say nothing about the format of the data.
_BESIDE = (".txt", ".md", ".json", ".yaml", ".yml", ".pdf", ".html", ".lock", ".sha256", ".md5", "")
# Suffixes of files in a WebDataset that hold the class of an image.
_CLASSES = (".cls", ".cls.txt")


def check_other_formats(path: Path) -> None:
    """Raises a ValueError with advice for a file or a folder in a known unsupported format.

    A folder counts if it and its subfolders hold nearly nothing else.

    Args:
        path: The file or folder.

    Raises:
        ValueError: If the format is known. The message names it and says what the user can do.
    """
    found = _format(path)
    if found is not None:
        what, advice = found
        raise ValueError(
            "`source` must be images in a supported format. Received: "
            f"{shown_path(path)}, which is {what}; {advice}"
        )


def _format(path: Path) -> tuple[str, str] | None:
    if path.is_file():
        is_image = path.suffix.lower() in readable_suffixes()
        return _IMAGE if is_image else _format_of(path.name)
    if not path.is_dir():
        return None
    entries = sorted(one for one in path.iterdir() if not is_system(one.name))
    if path.suffix.lower() == ".lmdb" or any(one.name == "data.mdb" for one in entries):
        return _format_of("data.mdb")
    names = [one.name for one in entries if one.is_file()]
    if any(name.lower().endswith(_CLASSES) for name in names):
        return _SHARDS
    names = [name for name in names if Path(name).suffix.lower() not in _BESIDE]
    folders = [one for one in entries if one.is_dir()]
    archives = [name for name in names if name.lower().endswith(ARCHIVES)]
    if archives and not folders and len(archives) == len(names):
        is_sharded = len(archives) > 1 and all(name.endswith(".tar") for name in archives)
        return _SHARDS if is_sharded else _ARCHIVED
    kinds = _formats_in(path)
    first = next(kinds, None)
    return first if first and all(kind == first for kind in kinds) else None


def _formats_in(path: Path) -> Iterator[tuple[str, str] | None]:
    """Yields the format of each file in a folder and its subfolders that may be data."""
    for top, folders, files in os.walk(path):
        folders[:] = sorted(name for name in folders if not is_system(name))
        if any(os.path.islink(os.path.join(top, name)) for name in folders):
            yield None  # a link may lead to images
        for name in files:
            ends = Path(name.lower()).suffix
            if not (is_system(name) or ends in _BESIDE or name.lower().endswith(ARCHIVES)):
                yield _ARRAYS if ends in (".npy", ".npz") else _format_of(name)


def _format_of(name: str) -> tuple[str, str] | None:
    name = name.lower()
    if ".tfrecord-" in name:  # name.tfrecord-00000-of-00010
        name = ".tfrecord"
    for ends, found in _FORMATS.items():
        if name.endswith(tuple(ends.split())):
            return found
    return _PART if _ARCHIVE_PART.fullmatch(name) else None
