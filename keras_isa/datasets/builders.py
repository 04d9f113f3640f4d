"""TFDS builders for image sets that users must download by hand.

Importing this module registers them in TFDS under the names in `downloads.layouts.LAYOUTS`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from keras_isa.datasets.downloads.download import find_folders
from keras_isa.datasets.downloads.layouts import LAYOUTS
from keras_isa.datasets.downloads.registry import DOWNLOADS
from keras_isa.datasets.parts import Part, Parts


def examples(part: Part) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields keys and examples `{"image": (H, W, C), "label": int}`, as TFDS stores them."""
    for key, (image, label) in enumerate(zip(part, part.labels, strict=True)):
        yield key, {"image": image, "label": int(label)}


def _instructions(name: str) -> str:
    return (
        f"Download {LAYOUTS[name].archive} from its authors. The manual directory must be the "
        "folder that it unpacks to, or contain that folder or the archive."
    )


class _FromLayout(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """Images of one layout, stored without loss. Their test part is the split "validation"."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First version."}

    def _info(self) -> tfds.core.DatasetInfo:
        layout = LAYOUTS[self.name]
        label = tfds.features.ClassLabel(names=list(layout.names.values()) or None)
        image = tfds.features.Image(shape=layout.image_shape, encoding_format="png")
        return tfds.core.DatasetInfo(
            builder=self,
            description=type(self).__doc__,
            features=tfds.features.FeaturesDict({"image": image, "label": label}),
            supervised_keys=("image", "label"),
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Iterator[tuple[int, dict]]]:
        parts = self._parts(dl_manager)
        # For sets whose folder names are the class names, the names are known only now.
        self.info.features["label"].names = list(parts.class_names)
        return {
            "train": self._generate_examples(parts.train),
            "validation": self._generate_examples(parts.test),
        }

    def _generate_examples(self, part: Part) -> Iterator[tuple[int, dict]]:
        return examples(part)

    def _parts(self, dl_manager: Any) -> Parts:
        layout, folder = LAYOUTS[self.name], Path(dl_manager.manual_dir)
        if not find_folders(folder, layout.has_set) and (folder / layout.archive).is_file():
            folder = Path(dl_manager.extract(folder / layout.archive))
        return DOWNLOADS[self.name].open(folder).resized(layout.image_shape[:2])


class TinyImagenet(_FromLayout):
    """Tiny ImageNet: 64x64 images of 200 classes with the names in its words.txt."""

    MANUAL_DOWNLOAD_INSTRUCTIONS = _instructions("tiny_imagenet")


class Imagenette128(_FromLayout):
    """Imagenette at 128x128 pixels: the central square of each image, resized by area."""

    MANUAL_DOWNLOAD_INSTRUCTIONS = _instructions("imagenette128")


class Imagewoof128(_FromLayout):
    """Imagewoof at 128x128 pixels: the central square of each image, resized by area."""

    MANUAL_DOWNLOAD_INSTRUCTIONS = _instructions("imagewoof128")


BUILDERS = {
    "tiny_imagenet": TinyImagenet,
    "imagenette128": Imagenette128,
    "imagewoof128": Imagewoof128,
}
