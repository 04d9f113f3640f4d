"""EuroSAT: 64x64 satellite images of land use in ten classes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from keras_isa.datasets.downloads.common import files_by_class, warn_not_used
from keras_isa.datasets.downloads.download import Download, folders_in
from keras_isa.datasets.folder import parts_from_files
from keras_isa.datasets.folder_parts import find_parts
from keras_isa.datasets.folder_tree import read_tree
from keras_isa.datasets.parts import Parts
from keras_isa.datasets.remarks import Remarks

CLASS_NAMES = (
    "AnnualCrop", "Forest", "HerbaceousVegetation", "Highway", "Industrial", "Pasture",
    "PermanentCrop", "Residential", "River", "SeaLake",
)  # fmt: skip
# EuroSATallBands.zip has the class folders in
# ds/images/remote_sensing/otherDatasets/sentinel_2/tif.
_MAX_DEPTH = 6


def recognise(path: Path) -> bool:
    """Returns whether a folder contains one with EuroSAT's ten classes, or has them with 13 bands.

    The folder with the class folders itself is not recognised, because it is read like any other
    folder of images. So is a folder with a training and a test part of EuroSAT.
    """
    tops = _tops(path)
    is_above = bool(tops) and (tops[0] != path or _is_multispectral(path))
    return is_above and not _is_divided(path)


def read(path: Path) -> Parts:
    """Returns the images; EuroSAT has no test part.

    Args:
        path: The folder of the ten classes (2750 or EuroSAT_RGB), or one that contains it.

    Raises:
        ValueError: If the images have 13 bands, or an image cannot be read.
    """
    top, *others = _tops(path) or [None]
    if top is None:
        raise ValueError(
            f"`source` must be a folder with {', '.join(CLASS_NAMES)}. Received: {path}"
        )
    if _is_divided(path):
        raise ValueError(
            "`source` must be EuroSAT as it is distributed, without a test part; use another name "
            f"than eurosat for this copy. Received: {path} with train and test"
        )
    if _is_multispectral(top):
        raise ValueError(
            "`source` must be EuroSAT's red, green and blue form (EuroSAT.zip or EuroSAT_RGB.zip). "
            f"Received: {top} with .tif files, which have 13 bands of 16 bits; convert three of "
            "them to 8 bits, or to float32 in an .npz file"
        )
    reason = "only one folder of the ten classes is read"
    warn_not_used("EuroSAT", [one.name for one in others], reason)
    tables = sorted(file.name for file in top.glob("*.csv"))
    reason = "the classes are those of the folders, and a share of the images is the test part"
    warn_not_used("EuroSAT", tables, reason)
    files = files_by_class(top / name for name in CLASS_NAMES)
    return parts_from_files(str(top), CLASS_NAMES, files)


def _tops(path: Path) -> list[Path]:
    """Returns the folders that have the ten class folders, those with RGB images first."""
    found = dict.fromkeys((*_chain(path), *folders_in(path)))
    tops = [one for one in found if all((one / name).is_dir() for name in CLASS_NAMES)]
    return sorted(tops, key=_is_multispectral)


def _is_divided(path: Path) -> bool:
    """Returns whether a folder has a training and a test part of the ten classes."""
    try:
        return find_parts(read_tree(path), Remarks(path))[1] is not None
    except ValueError:  # the set is left to `open_image_folder`, which raises this error again
        return True


def _chain(path: Path) -> Iterator[Path]:
    """Yields a folder and its only subfolder, the only subfolder of that, and so on."""
    for _ in range(_MAX_DEPTH + 1):
        yield path
        folders = folders_in(path)
        if len(folders) != 1:
            return
        path = folders[0]


def _is_multispectral(top: Path) -> bool:
    first = next((file for file in (top / CLASS_NAMES[0]).iterdir() if file.is_file()), None)
    return first is not None and first.suffix.lower() in (".tif", ".tiff")


DOWNLOADS = (
    Download(
        "eurosat",
        "EuroSAT.zip or EuroSAT_RGB.zip",
        read,
        finds=recognise,
        in_folders=True,
        contains=_tops,
    ),
)
