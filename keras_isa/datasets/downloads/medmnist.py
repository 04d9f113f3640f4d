"""The MedMNIST sets of 2D images: an .npz file with a training, validation and test part."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from keras_isa.archive import open_archive
from keras_isa.datasets.downloads.common import drop_unused_classes, part_from_arrays, warn_not_used
from keras_isa.datasets.downloads.download import Download, reading
from keras_isa.datasets.npz import checked_array, open_npz
from keras_isa.datasets.parts import Parts
from keras_isa.memory import check_memory

_PARTS = ("train", "val", "test")
_MEMBERS = frozenset(f"{part}_{kind}.npy" for part in _PARTS for kind in ("images", "labels"))

_MAX_LABEL = 255

_ORGANS = (
    "bladder", "femur-left", "femur-right", "heart", "kidney-left", "kidney-right", "liver",
    "lung-left", "lung-right", "pancreas", "spleen",
)  # fmt: skip
# Class names by the name of the file. For sizes other than 28 the size follows the name.
CLASS_NAMES = {
    "pathmnist": (
        "adipose", "background", "debris", "lymphocytes", "mucus", "smooth muscle",
        "normal colon mucosa", "cancer-associated stroma", "colorectal adenocarcinoma epithelium",
    ),
    "dermamnist": (
        "actinic keratoses and intraepithelial carcinoma", "basal cell carcinoma",
        "benign keratosis-like lesions", "dermatofibroma", "melanoma", "melanocytic nevi",
        "vascular lesions",
    ),
    "octmnist": ("choroidal neovascularization", "diabetic macular edema", "drusen", "normal"),
    "pneumoniamnist": ("normal", "pneumonia"),
    "breastmnist": ("malignant", "normal or benign"),
    "bloodmnist": (
        "basophil", "eosinophil", "erythroblast", "immature granulocyte", "lymphocyte", "monocyte",
        "neutrophil", "platelet",
    ),
    "tissuemnist": (
        "collecting duct or connecting tubule", "distal convoluted tubule",
        "glomerular endothelial cells", "interstitial endothelial cells", "leukocytes", "podocytes",
        "proximal tubule segments", "thick ascending limb",
    ),
    **dict.fromkeys(("organamnist", "organcmnist", "organsmnist"), _ORGANS),
}  # fmt: skip
CHEST_FINDINGS = (
    "atelectasis", "cardiomegaly", "effusion", "infiltration", "mass", "nodule", "pneumonia",
    "pneumothorax", "consolidation", "edema", "emphysema", "fibrosis", "pleural", "hernia",
)  # fmt: skip


def read(path: Path, key: str | None) -> Parts:
    """Returns the training and the test part, uint8 images of one or three channels.

    The validation part is not used, and a warning says so. The classes have names if the name of
    the file shows which set it is. Otherwise, and if the labels are grades, they are "0", "1", ...

    Args:
        path: The .npz file, or a folder in which it is the only one.
        key: The label to use in a set with several labels per image, such as ChestMNIST: the number
            of a column, from 0, or the name of a finding. The classes are then "0" for images
            without it and "1" for images with it.

    Raises:
        ValueError: If the file cannot be read, its images are volumes, or `key` does not fit its
            labels.
    """
    file = _file(path)
    if file is None:
        raise ValueError(
            f"`source` must be an .npz file with {', '.join(sorted(_MEMBERS))}. Received: {path}"
        )
    name = re.sub(r"_\d+$", "", file.stem.lower())
    with reading(file), open_npz(file) as archive:
        members = [archive.zip.getinfo(f"{part}_images.npy") for part in ("train", "test")]
        needed = sum(member.file_size for member in members)
        check_memory(needed, f"{file.name} in memory", "free memory, or use a smaller image size")
        x_train, x_test = (_images(archive, f"{part}_images") for part in ("train", "test"))
        y_train, y_test = (_labels(archive, f"{part}_labels") for part in ("train", "test"))
        if x_train.shape[1:] != x_test.shape[1:] or y_train.shape[1:] != y_test.shape[1:]:
            raise ValueError("its training and test part differ in shape")
        if len(x_train) != len(y_train) or len(x_test) != len(y_test):
            raise ValueError("the number of its labels differs from the number of its images")
    if x_train.ndim == 5 or (x_train.ndim == 4 and x_train.shape[3] not in (1, 3)):
        raise ValueError(
            "`source` must hold 2D images; a data set of volumes cannot be distilled. Received: "
            f"{file} with images of shape {x_train.shape[1:]}"
        )
    y_train, y_test = _one_label(y_train, y_test, name, key, file)
    most = int(max(y_train.max(initial=0), y_test.max(initial=0)))
    names = CLASS_NAMES.get(name, ()) if key is None else ()
    if len(names) <= most:
        names = tuple(str(number) for number in range(most + 1))
    if x_train.ndim == 3:
        x_train, x_test = x_train[..., np.newaxis], x_test[..., np.newaxis]
    train, test = part_from_arrays(x_train, y_train), part_from_arrays(x_test, y_test)
    warn_not_used(file.name, ["val_images"], "a distilled set is tested on the test part")
    return drop_unused_classes(Parts(str(file), names, x_train.shape[1:], train, test))


def _file(path: Path) -> Path | None:
    files = sorted(path.glob("*.npz")) if path.is_dir() else [path]
    if len(files) != 1 or files[0].suffix.lower() != ".npz" or not files[0].is_file():
        return None
    try:
        with open_archive(files[0]) as archive:
            return files[0] if _MEMBERS.issubset(archive.namelist()) else None
    except Exception:  # damaged files raise errors of many types
        return None


def _images(archive: np.lib.npyio.NpzFile, key: str) -> np.ndarray:
    images = checked_array(archive, key)
    if images.dtype != np.uint8 or images.ndim not in (3, 4, 5) or not images.size:
        raise ValueError(f"{key} is {images.dtype} of shape {images.shape}")
    return images


def _labels(archive: np.lib.npyio.NpzFile, key: str) -> np.ndarray:
    """Returns labels `(N, L)`, with L labels per image."""
    labels = checked_array(archive, key)
    if labels.ndim == 1:
        labels = labels[:, np.newaxis]
    if labels.ndim != 2 or labels.dtype.kind not in "ui" or not labels.size:
        raise ValueError(f"{key} is {labels.dtype} of shape {labels.shape}")
    if labels.min() < 0 or labels.max() > _MAX_LABEL:
        raise ValueError(f"{key} has labels outside of 0 to {_MAX_LABEL}")
    return labels


def _one_label(
    y_train: np.ndarray, y_test: np.ndarray, name: str, key: str | None, file: Path
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the column of labels that `key` names, or the only one, for both parts."""
    count = y_train.shape[1]
    if count == 1:
        if key is not None:
            raise ValueError(
                f"`key` must be None for {file.name}, which has one label per image. Received: "
                f"key={key!r}"
            )
        return y_train[:, 0], y_test[:, 0]
    findings = CHEST_FINDINGS if name == "chestmnist" and count == len(CHEST_FINDINGS) else ()
    columns = {str(number): number for number in range(count)}
    columns.update((finding, number) for number, finding in enumerate(findings))
    if key not in columns:
        also = f", or {', '.join(findings)}" if findings else ""
        raise ValueError(
            f"`key` (--key) must be one of the {count} labels that each image has, 0 to "
            f"{count - 1}{also}; the two classes are images without and with it. Received: "
            f"key={key!r}"
        )
    return y_train[:, columns[key]], y_test[:, columns[key]]


DOWNLOADS = (Download("medmnist", "an .npz file of MedMNIST", read, finds=_file, has_keys=True),)
