"""Where the image sets that have to be fetched by hand keep their images and labels."""

from __future__ import annotations

import dataclasses
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from keras_isa.datasets.folder import image_files, parts_of_files
from keras_isa.datasets.parts import Parts

ARCHIVES = (".zip", ".tgz", ".tar.gz")

IMAGENETTE = {
    "n01440764": "tench",
    "n02102040": "English springer",
    "n02979186": "cassette player",
    "n03000684": "chain saw",
    "n03028079": "church",
    "n03394916": "French horn",
    "n03417042": "garbage truck",
    "n03425413": "gas pump",
    "n03445777": "golf ball",
    "n03888257": "parachute",
}
IMAGEWOOF = {
    "n02086240": "Shih-Tzu",
    "n02087394": "Rhodesian ridgeback",
    "n02088364": "beagle",
    "n02089973": "English foxhound",
    "n02093754": "Border terrier",
    "n02096294": "Australian terrier",
    "n02099601": "golden retriever",
    "n02105641": "Old English sheepdog",
    "n02111889": "Samoyed",
    "n02115641": "dingo",
}


@dataclasses.dataclass(frozen=True)
class Layout:
    """One image set as its authors distribute it.

    Args:
        archive: The file they distribute, for messages.
        marker: A file or folder by which its top folder is known.
        image_shape: `(H, W, C)` that the images come to.
        names: Class names by folder name; empty where the folder names are the class names.
    """

    archive: str
    marker: str
    image_shape: tuple[int, int, int]
    names: dict[str, str] = dataclasses.field(default_factory=dict)

    def open(self, folder: Path) -> Parts:
        """Returns the images in `folder`, or in its subfolder with the marker, not yet read.

        Raises:
            ValueError: If they do not lie there as they should.
        """
        top = self.top(folder)
        if top is None:
            raise ValueError(
                f"`source` must be {self.archive} or the folder it unpacks to, with {self.marker} "
                f"in it. Received: {folder}"
            )
        classes, train, test = (_read_classes if self.names else _read_tiny_imagenet)(self, top)
        numbers = {name: number for number, name in enumerate(classes)}
        return parts_of_files(
            str(top),
            [self.names.get(name, name) for name in classes],
            [(path, numbers[name]) for path, name in train],
            [(path, numbers[name]) for path, name in test],
            self.image_shape,
            resize=bool(self.names),
        )

    def top(self, folder: Path) -> Path | None:
        """The folder with the marker: `folder`, or one directly in it."""
        places = [folder, *sorted(path for path in folder.iterdir() if path.is_dir())]
        return next((place for place in places if (place / self.marker).exists()), None)


LAYOUTS = {
    "tiny_imagenet": Layout("tiny-imagenet-200.zip", "wnids.txt", (64, 64, 3)),
    "imagenette128": Layout("imagenette2-160.tgz", "train/n01440764", (128, 128, 3), IMAGENETTE),
    "imagewoof128": Layout("imagewoof2-160.tgz", "train/n02086240", (128, 128, 3), IMAGEWOOF),
}


def is_archive(path: str | os.PathLike[str]) -> bool:
    """Whether `path` is a file of a kind that `unpacked` reads."""
    return os.fspath(path).lower().endswith(ARCHIVES) and os.path.isfile(path)


@contextmanager
def unpacked(source: Path, workspace: Path) -> Iterator[Path]:
    """Gives `source` if it is a folder, and otherwise a folder to which the archive is unpacked.

    Args:
        source: A folder, or an archive out of `ARCHIVES`.
        workspace: A folder in which there is space; nothing stays there.

    Raises:
        ValueError: If it is neither, or damaged.
    """
    if source.is_dir():
        yield source
        return
    if not is_archive(source):
        raise ValueError(
            f"`source` must be a folder or an archive ({', '.join(ARCHIVES)}). Received: {source}"
        )
    with tempfile.TemporaryDirectory(prefix=".unpacked-", dir=workspace) as folder:
        # Members of a tar file that would leave the folder are refused; of a zip file, brought in.
        options = {} if source.suffix.lower() == ".zip" else {"filter": "data"}
        try:
            shutil.unpack_archive(source, folder, **options)
        except Exception as error:  # zipfile and tarfile raise many kinds
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise ValueError(
                f"`source` must be an undamaged archive. Received: {source} ({reason})"
            ) from error
        yield Path(folder)


_Files = list[tuple[Path, str]]


def _read_tiny_imagenet(layout: Layout, top: Path) -> tuple[Sequence[str], _Files, _Files]:
    classes = sorted(_lines(top / "wnids.txt"))
    train = [
        (path, name)
        for name in classes
        for path in image_files(_folder(top / "train" / name / "images"))
    ]
    test = []
    for line in _lines(top / "val" / "val_annotations.txt"):
        file, name = line.split("\t")[:2] if "\t" in line else (line, "")
        if name not in classes:
            raise ValueError(
                "`source` must have annotations FILE<tab>CLASS with classes out of wnids.txt. "
                f"Received: {line!r} in {top / 'val' / 'val_annotations.txt'}"
            )
        test.append((top / "val" / "images" / file, name))
    return classes, train, test


def _read_classes(layout: Layout, top: Path) -> tuple[Sequence[str], _Files, _Files]:
    classes = sorted(layout.names)
    train, test = (
        [(path, name) for name in classes for path in image_files(_folder(top / part / name))]
        for part in ("train", "val")
    )
    return classes, train, test


def _folder(path: Path) -> Path:
    if not path.is_dir():
        raise ValueError(f"`source` must be complete. Received: no folder {path}")
    return path


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        raise ValueError(f"`source` must be complete. Received: no file {path}")
    return [line for line in path.read_text("utf-8").splitlines() if line.strip()]
