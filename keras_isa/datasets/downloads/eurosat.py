"""EuroSAT: land use in ten classes, 64x64 pictures from satellites."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from keras_isa.datasets.downloads.common import listed_parts, not_used
from keras_isa.datasets.downloads.download import Download, folders_in, no_key
from keras_isa.datasets.folder import image_files
from keras_isa.datasets.folder_parts import find_parts
from keras_isa.datasets.folder_tree import read_tree
from keras_isa.datasets.parts import Parts
from keras_isa.datasets.remarks import Remarks

CLASS_NAMES = (
    "AnnualCrop",
    "Forest",
    "HerbaceousVegetation",
    "Highway",
    "Industrial",
    "Pasture",
    "PermanentCrop",
    "Residential",
    "River",
    "SeaLake",
)
# EuroSATallBands.zip hides them in ds/images/remote_sensing/otherDatasets/sentinel_2/tif.
_DEEPEST = 6


def recognise(path: Path) -> bool:
    """Whether a folder leads to one with EuroSAT's ten classes, or has them with 13 bands.

    The folder of the classes itself is a folder of images like any other, and so is one in which
    they are already divided into a training and a test part.
    """
    tops = _tops(path)
    is_above = bool(tops) and (tops[0] != path or _is_multispectral(path))
    return is_above and not _is_divided(path)


def open_parts(path: Path, key: str | None = None) -> Parts:
    """Returns the pictures, of which there is no test part.

    Args:
        path: The folder of the ten classes (2750 or EuroSAT_RGB), or one that holds it.
        key: None.

    Raises:
        ValueError: If it is the form with 13 bands, an image cannot be read, or there is a key.
    """
    no_key(key, "EuroSAT")
    top, *others = _tops(path) or [None]
    if top is None:
        raise ValueError(
            f"`source` must be a folder with {', '.join(CLASS_NAMES)}. Received: {path}"
        )
    if _is_divided(path):
        raise ValueError(
            "`source` must be EuroSAT as it is distributed, without a test part; give it a name "
            f"of its own in place of eurosat. Received: {path} with train and test"
        )
    if _is_multispectral(top):
        raise ValueError(
            "`source` must be EuroSAT's red, green and blue form (EuroSAT.zip or EuroSAT_RGB.zip). "
            f"Received: {top} with .tif files, its form of 13 bands of 16 bits; bring three of "
            "them to 8 bits, or to float32 in an .npz file"
        )
    not_used("EuroSAT", [one.name for one in others], "one folder of the ten classes is read")
    tables = sorted(file.name for file in top.glob("*.csv"))
    not_used("EuroSAT", tables, "the folders say the classes, and the test part is held out")
    files = [
        (file, number)
        for number, name in enumerate(CLASS_NAMES)
        for file in image_files(top / name)
    ]
    return listed_parts(str(top), CLASS_NAMES, files)


def _tops(path: Path) -> list[Path]:
    """The folders of the ten classes, those with pictures first."""
    found = dict.fromkeys((*_chain(path), *folders_in(path)))
    tops = [one for one in found if all((one / name).is_dir() for name in CLASS_NAMES)]
    return sorted(tops, key=_is_multispectral)


def _is_divided(path: Path) -> bool:
    """Whether folders of the ten classes are a training and a test part."""
    try:
        return find_parts(read_tree(path), Remarks(path))[1] is not None
    except ValueError:  # which `open_image_folder` is to raise again
        return True


def _chain(path: Path) -> Iterator[Path]:
    """A folder, and those below it as long as each has a single one."""
    for _ in range(_DEEPEST + 1):
        if not path.is_dir():
            return
        yield path
        folders = folders_in(path)
        if len(folders) != 1:
            return
        path = folders[0]


def _is_multispectral(top: Path) -> bool:
    first = next((file for file in (top / CLASS_NAMES[0]).iterdir() if file.is_file()), None)
    return first is not None and first.suffix.lower() in (".tif", ".tiff")


def _inside(path: Path) -> bool:
    return bool(_tops(path))


DOWNLOADS = (
    Download(
        "eurosat",
        "EuroSAT.zip or EuroSAT_RGB.zip",
        recognise,
        open_parts,
        in_folders=True,
        inside=_inside,
    ),
)
