"""The folders and files of Tiny ImageNet, Imagenette and Imagewoof."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from keras_isa.datasets.downloads.common import parts_from_listed_files, path_inside, warn_not_used
from keras_isa.datasets.downloads.download import (
    Download,
    find_folders,
    find_only_folder,
    folders_in,
    reading,
    refuse_key,
)
from keras_isa.datasets.downloads.names import make_unique
from keras_isa.datasets.folder import image_files, parts_from_files
from keras_isa.datasets.parts import Parts

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
        marker: A file or folder that only the top folder of the set has.
        image_shape: Shape `(H, W, C)` to which `prepare` resizes the images.
        names: Class names by folder name. It is empty for a set that has a words.txt with the names
            and images of this shape.
    """

    archive: str
    marker: str
    image_shape: tuple[int, int, int]
    names: dict[str, str] = dataclasses.field(default_factory=dict)

    def open(self, folder: Path, key: str | None = None) -> Parts:
        """Returns the images in `folder`, or in its subfolder with the marker.

        Raises:
            ValueError: If a file or folder is missing, or a key is given.
        """
        refuse_key(key, self.archive)
        top = self.top(folder)
        if top is None:
            raise ValueError(
                f"`source` must be {self.archive} or the folder it unpacks to, with {self.marker} "
                f"in it. Received: {folder}"
            )
        classes, train, test = (_read_classes if self.names else _read_tiny_imagenet)(self, top)
        numbers = {name: number for number, name in enumerate(classes)}
        train, test = ([(path, numbers[name]) for path, name in part] for part in (train, test))
        if not self.names:
            return parts_from_files(str(top), _words(top, classes), train, test, self.image_shape)
        class_names = [self.names[name] for name in classes]
        return parts_from_listed_files(str(top), class_names, train, test)

    def top(self, folder: Path) -> Path | None:
        """Returns the folder with the marker: `folder` itself or the only one directly in it.

        Raises:
            ValueError: If several folders have the marker.
        """
        return find_only_folder(folder, self._is_set_folder)

    def recognise(self, path: Path) -> bool:
        """Returns whether the folders of the training part are exactly those of this set."""
        return any(
            not self.names
            or {one.name for one in (top / "train").iterdir() if one.is_dir()} == set(self.names)
            for top in find_folders(path, self._is_set_folder)
        )

    def _is_set_folder(self, top: Path) -> bool:
        return (top / self.marker).exists()


LAYOUTS = {
    "tiny_imagenet": Layout("tiny-imagenet-200.zip", "wnids.txt", (64, 64, 3)),
    "imagenette128": Layout("imagenette2-160.tgz", "train/n01440764", (128, 128, 3), IMAGENETTE),
    "imagewoof128": Layout("imagewoof2-160.tgz", "train/n02086240", (128, 128, 3), IMAGEWOOF),
}


def _download(name: str) -> Download:
    """Returns the set, resized to the size that its name means."""
    layout, size = LAYOUTS[name], LAYOUTS[name].image_shape[:2]
    resized_from = name.removesuffix("128") if layout.names else None
    return Download(name, layout.archive, layout.recognise, layout.open, size, resized_from, True)


def _of_any_size(name: str) -> Download:
    """Returns the set without a fixed size; its authors distribute archives of three sizes."""
    layout = LAYOUTS[f"{name}128"]
    return Download(name, layout.archive, layout.recognise, layout.open, in_folders=True)


DOWNLOADS = (*map(_download, LAYOUTS), *map(_of_any_size, ("imagenette", "imagewoof")))

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
        test.append((path_inside(top / "val" / "images", file), name))
    return classes, train, test


def _words(top: Path, classes: Sequence[str]) -> tuple[str, ...]:
    """Returns the class names in words.txt; WordNet numbers replace or complete unclear names."""
    path = top / "words.txt"
    words = {}
    for line in _lines(path) if path.is_file() else ():
        number, _, name = line.partition("\t")
        words[number] = name.strip()
    return make_unique([words.get(number) or number for number in classes], classes)


def _read_classes(layout: Layout, top: Path) -> tuple[Sequence[str], _Files, _Files]:
    classes = sorted(layout.names)
    others = [one.name for one in folders_in(top) if one.name not in ("train", "val")]
    warn_not_used(top.name, others, "the parts of this set are train and val")
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
    with reading(path):
        return [line for line in path.read_text("utf-8").splitlines() if line.strip()]
