"""All image sets whose downloads are known, and opening one of them."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

from keras_isa.datasets.downloads import (
    cifar,
    eurosat,
    gtsrb,
    hugging_face,
    idx,
    imagenet,
    layouts,
    medmnist,
    pixel_csv,
    stl10,
    svhn,
)
from keras_isa.datasets.downloads.archives import is_archive, unpacked
from keras_isa.datasets.downloads.common import not_used
from keras_isa.datasets.downloads.download import Download, folders_in
from keras_isa.datasets.downloads.other_formats import check_other_formats
from keras_isa.datasets.folder import open_image_folder
from keras_isa.datasets.folder_tree import is_system
from keras_isa.datasets.image_formats import readable_suffixes
from keras_isa.datasets.npy import is_npy_folder
from keras_isa.datasets.options import Options
from keras_isa.datasets.parts import Parts
from keras_isa.datasets.remarks import shown_path
from keras_isa.files import checked_path

DOWNLOADS = {
    download.name: download
    for module in (
        layouts,
        cifar,
        imagenet,
        idx,
        svhn,
        stl10,
        medmnist,
        gtsrb,
        eurosat,
        hugging_face,
        pixel_csv,
    )
    for download in module.DOWNLOADS
}


@dataclasses.dataclass(frozen=True)
class Opened:
    """A download that is open.

    Args:
        path: Its file or folder, which is temporary where it came as an archive.
        parts: Its images.
    """

    path: Path
    parts: Parts


def recognised(path: Path, name: str = "") -> Download | None:
    """Returns the download whose content a folder or a file unmistakably is, or `None`.

    Args:
        path: The folder or file.
        name: Of the download that is meant where there are several in a folder.

    Raises:
        ValueError: If it is several of them, and none is meant.
    """
    found = [one for one in DOWNLOADS.values() if one.contents is None and one.recognise(path)]
    meant = DOWNLOADS.get(name)
    if meant is not None:
        found = [one for one in found if one.name in (name, meant.contents)] or found
    if len(found) > 1:
        raise ValueError(
            "`source` must be one image set. Received: "
            f"{shown_path(path)}, which holds {' and '.join(one.name for one in found)}; give the "
            "folder of one of them, or name it in `keras-isa prepare NAME`"
        )
    return found[0] if found else None


def _check_alone(path: Path, download: Download) -> None:
    """Says which data lie beside a download in a folder, or refuses them as another set.

    Args:
        path: The folder.
        download: What it is recognised as.

    Raises:
        ValueError: If the download lies in one of the folders in it, and data in another one.
    """
    places = download.places(path)
    is_above = places == [path]
    if is_above and download.in_folders:
        return
    others = [one for one in folders_in(path) if one not in places and _holds_data(one)]
    if others and not is_above:
        raise ValueError(
            "`source` must be one image set. Received: "
            f"{shown_path(path)}, which holds {download.name} in {places[0].name} and other data "
            f"in {others[0].name}; give the folder of one of them, or name it in "
            "`keras-isa prepare NAME`"
        )
    names = [one.name for one in others]
    not_used(shown_path(path), names, f"the files of {download.name} beside it are read")


def _holds_data(folder: Path) -> bool:
    """Whether a folder has a download, arrays, or an image in it or below."""
    if is_npy_folder(folder) or any(one.recognise(folder) for one in DOWNLOADS.values()):
        return True
    suffixes = {".npz", *readable_suffixes()}
    for _, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not is_system(name)]
        if any(Path(name).suffix.lower() in suffixes for name in files if not is_system(name)):
            return True
    return False


def is_download(path: str | os.PathLike[str]) -> bool:
    """Whether a folder or a file that exists is a download, or an archive of anything."""
    return is_archive(path) or recognised(Path(path)) is not None


@contextlib.contextmanager
def opened_by_name(
    name: str,
    source: Path,
    key: str | None = None,
    image_size: tuple[int, int] | None = None,
    workspace: Path | None = None,
    split: float | None = None,
) -> Iterator[Opened | None]:
    """Gives the download that `source` is, packed or not, or `None` where it is none.

    Args:
        name: If it is that of a download, `source` may be no other one.
        source: File, folder or archive.
        key: As in `Download.open`.
        image_size: Height and width that the images are brought to.
        workspace: As in `archives.unpacked`.
        split: Share of the images that becomes the test part where there is none.

    Raises:
        ValueError: If it is another set than `name` or damaged, or an archive that holds neither a
            set that is known nor a folder of images.
    """
    source = checked_path(source, "source")
    packed_up = is_archive(source)
    with unpacked(source, workspace) if packed_up else contextlib.nullcontext(source) as path:
        download = recognised(path, name) if path.exists() else None
        if download is None:
            check_other_formats(path)
        if download is None and packed_up:
            if name not in DOWNLOADS:
                parts = open_image_folder(path, image_size, split)
                yield Opened(path, dataclasses.replace(parts, name=str(source.resolve())))
                return
            download = DOWNLOADS[name]  # which says what is missing
        if download is None:
            yield None
            return
        wanted = DOWNLOADS.get(name, download)
        if download.name not in (wanted.name, wanted.contents):
            raise ValueError(
                f"`source` must be {name}. Received: {source}, which is {download.name}"
            )
        if name not in DOWNLOADS:
            _check_alone(path, download)
        download = wanted
        own = download.image_size
        if own is not None and image_size not in (None, own):
            raise ValueError(
                f"`image_size` must be None for {download.name}, which is {own[0]}x{own[1]}. "
                f"Received: image_size={image_size!r}"
            )
        parts = download.open(path, key=key)
        # What it is loaded by again; a folder that an archive is unpacked to is temporary.
        parts = dataclasses.replace(parts, name=str(source.resolve()))
        if parts.test is not None:
            Options(split=split).refuse(source, "split")
        yield Opened(path, parts.with_test(split).fitted(own or image_size))


@contextlib.contextmanager
def opened_download(
    source: str | os.PathLike[str],
    key: str | None = None,
    image_size: tuple[int, int] | None = None,
    split: float | None = None,
) -> Iterator[Parts | None]:
    """Gives the images of a download whatever its name, or `None` where `source` is none.

    Those of an archive are read into memory, so that they can be used after the context.

    Args:
        source: File, folder or archive.
        key: As in `Download.open`.
        image_size: Height and width that the images are brought to.
        split: As in `opened_by_name`.

    Raises:
        ValueError: As `opened_by_name`, or the memory does not suffice.
    """
    with opened_by_name("", Path(source), key, image_size, split=split) as opened:
        if opened is not None and is_archive(source):
            yield Parts.from_datasets(*opened.parts.to_datasets())
        else:
            yield None if opened is None else opened.parts
