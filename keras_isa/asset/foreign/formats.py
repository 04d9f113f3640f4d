"""The formats of published sets: how a file is read, its space, and its authors' protocol."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from keras_isa.asset.foreign import protocols
from keras_isa.asset.foreign.array_files import read_arrays
from keras_isa.asset.foreign.flax_files import read_flax
from keras_isa.asset.foreign.found import Found
from keras_isa.asset.foreign.image_folders import read_folder
from keras_isa.asset.foreign.spaces import PIXELS
from keras_isa.asset.foreign.tensor_files import read_pair, read_results
from keras_isa.asset.recipe import Recipe


@dataclasses.dataclass(frozen=True)
class Format:
    """A format of published sets.

    Args:
        read: Takes the path, the data and the index of the set, and returns what is in the file.
        space: The space of the images, one of `keras_isa.asset.foreign.spaces.SPACES` or "pixels".
        protocol: The recipe of the authors, for a number of channels and of images.
        methods: Whose sets these are.
        several: Whether a file may hold several sets.
        remark: What of the authors' protocol a recipe cannot say; `None` if it says all.
    """

    read: Callable[[Path, Any, int], Found]
    space: str
    protocol: Callable[[int, int], Recipe]
    methods: str
    remark: str | None = None
    several: bool = False


def _folder(path: Path, train: Any, index: int) -> Found:
    return read_folder(path, train.class_names, train.image_shape)


FORMATS = {
    "frepo": Format(
        lambda path, train, index: read_flax(path, ("params",)),
        "frepo",
        protocols.frepo,
        "FRePo, a checkpoint of flax",
    ),
    "rcig": Format(
        lambda path, train, index: read_flax(path, ("ema_average",)),
        "frepo",
        protocols.rcig,
        "RCIG, a checkpoint of flax",
    ),
    "rfad": Format(
        lambda path, train, index: read_arrays(path),
        "rfad",
        protocols.rfad,
        "RFAD, an .npz file",
        "RFAD's networks stop when held-out images say so; the recipe has a fixed number of steps. "
        "They are 1,024 wide, which takes a CPU very long",
    ),
    "dc": Format(
        lambda path, train, index: read_results(path, index),
        "mean_std",
        protocols.dc,
        "DC, DSA, DM, DataDAM and DREAM, a .pt file",
        several=True,
    ),
    "mtt": Format(
        lambda path, train, index: read_pair(path),
        "mean_std",
        protocols.dc,
        "MTT and TESLA without --zca, .pt files of images and labels",
    ),
    "mtt_zca": Format(
        lambda path, train, index: read_pair(path),
        "kornia",
        protocols.dc,
        "MTT and TESLA with --zca, .pt files of images and labels",
    ),
    "datm": Format(
        lambda path, train, index: read_pair(path),
        "kornia",
        protocols.datm,
        "DATM, .pt files of images and of logits as labels",
        "DATM trains with a learned rate in a file of its own; the recipe has DC's rate",
    ),
    "arrays": Format(
        lambda path, train, index: read_arrays(path),
        PIXELS,
        protocols.frepo,
        "an .npz file with images and labels, or two .npy files",
    ),
    "folder": Format(
        _folder,
        PIXELS,
        protocols.dc,
        "SRe2L, RDED and others, a folder of pictures for each class",
        "labels of a teacher at the time of training are not stored with such sets; the recipe "
        "takes the classes",
    ),
}
