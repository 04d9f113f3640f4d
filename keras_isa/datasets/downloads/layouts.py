"""The folders and files of Tiny ImageNet, Imagenette and Imagewoof."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from keras_isa.datasets.downloads.common import files_by_class, path_inside, warn_not_used
from keras_isa.datasets.downloads.download import Download, find_folders, folders_in, reading
from keras_isa.datasets.downloads.names import make_unique
from keras_isa.datasets.folder import parts_from_files
from keras_isa.datasets.parts import Parts

IMAGENETTE = {
    "n01440764": "tench", "n02102040": "English springer", "n02979186": "cassette player",
    "n03000684": "chain saw", "n03028079": "church", "n03394916": "French horn",
    "n03417042": "garbage truck", "n03425413": "gas pump", "n03445777": "golf ball",
    "n03888257": "parachute",
}  # fmt: skip
IMAGEWOOF = {
    "n02086240": "Shih-Tzu", "n02087394": "Rhodesian ridgeback", "n02088364": "beagle",
    "n02089973": "English foxhound", "n02093754": "Border terrier",
    "n02096294": "Australian terrier", "n02099601": "golden retriever",
    "n02105641": "Old English sheepdog", "n02111889": "Samoyed", "n02115641": "dingo",
}  # fmt: skip


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

    def has_set(self, top: Path) -> bool:
        """Returns whether a folder has the marker."""
        return (top / self.marker).exists()

    def recognise(self, path: Path) -> bool:
        """Returns whether the folders of the training part are exactly those of this set."""
        return any(
            not self.names
            or {one.name for one in (top / "train").iterdir() if one.is_dir()} == set(self.names)
            for top in find_folders(path, self.has_set)
        )

    def read(self, top: Path) -> Parts:
        """Returns the images in the folder with the marker.

        Raises:
            ValueError: If a file or folder is missing.
        """
        return (_read_classes if self.names else _read_tiny_imagenet)(self, top)


LAYOUTS = {
    "tiny_imagenet": Layout("tiny-imagenet-200.zip", "wnids.txt", (64, 64, 3)),
    "imagenette128": Layout("imagenette2-160.tgz", "train/n01440764", (128, 128, 3), IMAGENETTE),
    "imagewoof128": Layout("imagewoof2-160.tgz", "train/n02086240", (128, 128, 3), IMAGEWOOF),
}


def _download(name: str, layout: Layout, **options: Any) -> Download:
    needs = f"{layout.archive} or the folder it unpacks to, with {layout.marker} in it"
    about = name, layout.archive, layout.read, layout.has_set, needs, layout.recognise
    return Download(*about, in_folders=True, **options)


# A name with 128 means that size. The authors distribute archives of three sizes.
DOWNLOADS = (
    *(
        _download(
            name,
            layout,
            image_size=layout.image_shape[:2],
            resized_from=name.removesuffix("128") if layout.names else None,
        )
        for name, layout in LAYOUTS.items()
    ),
    *(_download(name, LAYOUTS[f"{name}128"]) for name in ("imagenette", "imagewoof")),
)


def _read_tiny_imagenet(layout: Layout, top: Path) -> Parts:
    classes = sorted(_lines(top / "wnids.txt"))
    numbers = {name: number for number, name in enumerate(classes)}
    train = files_by_class(top / "train" / name / "images" for name in classes)
    test, annotations = [], top / "val" / "val_annotations.txt"
    for line in _lines(annotations):
        file, name = line.split("\t")[:2] if "\t" in line else (line, "")
        if name not in numbers:
            raise ValueError(
                "`source` must have annotations FILE<tab>CLASS with classes out of wnids.txt. "
                f"Received: {line!r} in {annotations}"
            )
        test.append((path_inside(top / "val" / "images", file), numbers[name]))
    return parts_from_files(str(top), _words(top, classes), train, test, layout.image_shape)


def _words(top: Path, classes: Sequence[str]) -> tuple[str, ...]:
    """Returns the class names in words.txt; WordNet numbers replace or complete unclear names."""
    path = top / "words.txt"
    words = {}
    for line in _lines(path) if path.is_file() else ():
        number, _, name = line.partition("\t")
        words[number] = name.strip()
    return make_unique([words.get(number) or number for number in classes], classes)


def _read_classes(layout: Layout, top: Path) -> Parts:
    classes = sorted(layout.names)
    others = [one.name for one in folders_in(top) if one.name not in ("train", "val")]
    warn_not_used(top.name, others, "the parts of this set are train and val")
    parts = (files_by_class(top / part / name for name in classes) for part in ("train", "val"))
    return parts_from_files(str(top), [layout.names[name] for name in classes], *parts)


def _lines(path: Path) -> list[str]:
    with reading(path):
        return [line for line in path.read_text("utf-8").splitlines() if line.strip()]
