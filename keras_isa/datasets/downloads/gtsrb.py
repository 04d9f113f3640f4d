"""GTSRB, German traffic signs of 43 classes, as its authors and as Kaggle distribute it.

Whole images are read. The columns Roi of the tables, which give the position of the sign in an
image, are not used.
"""

from __future__ import annotations

from pathlib import Path

from keras_isa.datasets.downloads.common import (
    check_exists,
    parts_from_listed_files,
    path_inside,
    read_table,
    warn_not_used,
)
from keras_isa.datasets.downloads.download import (
    Download,
    find_folders,
    find_only_folder,
    refuse_key,
)
from keras_isa.datasets.folder import image_files
from keras_isa.datasets.parts import Parts

CLASSES = 43
# The second folder is that of GTSRB-Training_fixed.zip, which torchvision downloads.
_TRAINING = (Path("Final_Training", "Images"), Path("Training"))
_TESTING = Path("Final_Test", "Images")
_LABELS = "GT-final_test.csv"

_Files = list[tuple[Path, int]]


def recognise(path: Path) -> bool:
    """Returns whether a folder, or one in it, has the training part of GTSRB in either form."""
    return bool(find_folders(path, _is_set_folder))


def open_parts(path: Path, key: str | None = None) -> Parts:
    """Returns the images, whose sizes differ, with class names "0" to "42".

    Args:
        path: A folder with Final_Training/Images/00000 to 00042 (or Training/00000 to 00042) and
            Final_Test/Images, or, as on Kaggle, with Train, Test, Train.csv and Test.csv; or a
            folder that contains it. The authors distribute the labels of the test part separately,
            in GT-final_test.csv. Without this file there is no test part, and a warning says so.
        key: Must be `None`.

    Raises:
        ValueError: If a file is missing or cannot be read, or a key is given.
    """
    refuse_key(key, "GTSRB")
    top = find_only_folder(path, _is_set_folder)
    if top is None:
        raise ValueError(
            f"`source` must be a folder with {_TRAINING[0]}, or with Train and Train.csv. "
            f"Received: {path}"
        )
    if _is_kaggles(top):
        train, test = (_kaggle_files(top, part) for part in ("Train", "Test"))
    else:
        train, test = _authors_files(top, path)
    return parts_from_listed_files(str(top), map(str, range(CLASSES)), train, test)


def _is_set_folder(top: Path) -> bool:
    return _is_kaggles(top) or _training(top) is not None


def _training(top: Path) -> Path | None:
    """Returns the folder with the 43 training classes, or `None`; Belgium's similar set has 62."""
    for folder in (top / one for one in _TRAINING):
        found = [(folder / f"{number:05d}").is_dir() for number in (0, CLASSES - 1, CLASSES)]
        if found == [True, True, False]:
            return folder
    return None


def _is_kaggles(top: Path) -> bool:
    return (top / "Train.csv").is_file() and (top / "Train" / "0").is_dir()


def _authors_files(top: Path, path: Path) -> tuple[_Files, _Files | None]:
    train = [
        (file, number)
        for number in range(CLASSES)
        for file in image_files(check_exists(_training(top) / f"{number:05d}"))
    ]
    folder = top / _TESTING
    labels = next((one / _LABELS for one in (folder, top, path) if (one / _LABELS).is_file()), None)
    if labels is not None:
        rows = read_table(labels, ("Filename", "ClassId"), delimiter=";")
        return train, [(_file(folder, name), _number(text, labels)) for name, text in rows]
    if folder.is_dir():
        reason = f"the file {_LABELS} with their classes (from GTSRB_Final_Test_GT.zip) is missing"
        warn_not_used("GTSRB", [str(_TESTING)], reason)
    return train, None


def _kaggle_files(top: Path, part: str) -> _Files:
    path = top / f"{part}.csv"
    rows = read_table(path, ("Path", "ClassId"))
    return [(_file(top, name), _number(text, path)) for name, text in rows]


def _file(folder: Path, name: str) -> Path:
    return check_exists(path_inside(folder, name))


def _number(text: str, path: Path) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 2 or int(text) >= CLASSES:
        raise ValueError(
            f"`source` must have class numbers from 0 to {CLASSES - 1}. Received: "
            f"{text[:20]!r} in {path}"
        )
    return int(text)


DOWNLOADS = (
    Download(
        "gtsrb",
        "the folder with GTSRB's training and test images (and GT-final_test.csv), or Kaggle's",
        recognise,
        open_parts,
        in_folders=True,
    ),
)
