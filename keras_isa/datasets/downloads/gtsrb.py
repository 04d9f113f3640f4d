"""GTSRB, German traffic signs of 43 classes, as its authors and as Kaggle distribute it.

Whole images are read. The columns Roi of the tables, which give the position of the sign in an
image, are not used.
"""

from __future__ import annotations

from pathlib import Path

from keras_isa.datasets.downloads.common import (
    check_exists,
    files_by_class,
    path_inside,
    read_table,
    warn_not_used,
)
from keras_isa.datasets.downloads.download import Download
from keras_isa.datasets.folder import parts_from_files
from keras_isa.datasets.parts import Parts

CLASSES = 43
# The second folder is that of GTSRB-Training_fixed.zip, which torchvision downloads.
_TRAINING = (Path("Final_Training", "Images"), Path("Training"))
_TESTING = Path("Final_Test", "Images")
_LABELS = "GT-final_test.csv"

_Files = list[tuple[Path, int]]


def has_set(top: Path) -> bool:
    """Returns whether a folder has the training part of GTSRB in either form."""
    return _is_kaggles(top) or _training(top) is not None


def read(top: Path) -> Parts:
    """Returns the images, whose sizes differ, with class names "0" to "42".

    Args:
        top: A folder with Final_Training/Images/00000 to 00042 (or Training/00000 to 00042) and
            Final_Test/Images, or, as on Kaggle, with Train, Test, Train.csv and Test.csv. The
            authors distribute the labels of the test part separately, in GT-final_test.csv, which
            may lie beside the folder too. Without this file there is no test part, and a warning
            says so.

    Raises:
        ValueError: If a file is missing or cannot be read.
    """
    if _is_kaggles(top):
        train, test = (
            _listed(top / f"{part}.csv", top, ("Path", "ClassId")) for part in ("Train", "Test")
        )
    else:
        train, test = _authors_files(top)
    return parts_from_files(str(top), map(str, range(CLASSES)), train, test)


def _training(top: Path) -> Path | None:
    """Returns the folder with the 43 training classes, or `None`; Belgium's similar set has 62."""
    for folder in (top / one for one in _TRAINING):
        found = [(folder / f"{number:05d}").is_dir() for number in (0, CLASSES - 1, CLASSES)]
        if found == [True, True, False]:
            return folder
    return None


def _is_kaggles(top: Path) -> bool:
    return (top / "Train.csv").is_file() and (top / "Train" / "0").is_dir()


def _authors_files(top: Path) -> tuple[_Files, _Files | None]:
    train = files_by_class(_training(top) / f"{number:05d}" for number in range(CLASSES))
    folder = top / _TESTING
    for labels in (one / _LABELS for one in (folder, top, top.parent)):
        if labels.is_file():
            return train, _listed(labels, folder, ("Filename", "ClassId"), delimiter=";")
    if folder.is_dir():
        reason = f"the file {_LABELS} with their classes (from GTSRB_Final_Test_GT.zip) is missing"
        warn_not_used("GTSRB", [str(_TESTING)], reason)
    return train, None


def _listed(table: Path, folder: Path, columns: tuple[str, str], delimiter: str = ",") -> _Files:
    """Returns the files in a folder that a table lists, and their class numbers."""
    return [
        (check_exists(path_inside(folder, name)), _number(text, table))
        for name, text in read_table(table, columns, delimiter)
    ]


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
        read,
        has_set,
        f"a folder with {_TRAINING[0]}, or with Train and Train.csv",
        in_folders=True,
    ),
)
