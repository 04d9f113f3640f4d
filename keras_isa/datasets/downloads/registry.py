"""All known downloads, and functions that recognise and open one."""

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
from keras_isa.datasets.downloads.common import warn_not_used
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
        path: Its file or folder, which is temporary if the download is an archive.
        parts: Its images.
    """

    path: Path
    parts: Parts


def recognise_download(path: Path, name: str = "") -> Download | None:
    """Returns the download that a folder or a file certainly is, or `None`.

    Args:
        path: The folder or file.
        name: Name of the download to choose if the folder holds several.

    Raises:
        ValueError: If there are several downloads, and `name` is none of them.
    """
    found = [one for one in DOWNLOADS.values() if not one.resized_from and one.recognise(path)]
    meant = DOWNLOADS.get(name)
    if meant is not None:
        found = [one for one in found if one.name in (name, meant.resized_from)] or found
    if len(found) > 1:
        raise ValueError(
            "`source` must be one image set. Received: "
            f"{shown_path(path)}, which holds {' and '.join(one.name for one in found)}; pass the "
            "folder of one of them, or choose one with `keras-isa prepare NAME`"
        )
    return found[0] if found else None


def _check_alone(path: Path, download: Download) -> None:
    """Warns of other data beside the files of a download, or raises an error.

    Args:
        path: The folder.
        download: The download that the folder holds.

    Raises:
        ValueError: If the download is in a subfolder, and other data are in another subfolder.
    """
    folders = download.folders(path)
    is_directly_in = folders == [path]
    if is_directly_in and download.in_folders:
        return
    others = [one for one in folders_in(path) if one not in folders and _has_data(one)]
    if others and not is_directly_in:
        raise ValueError(
            "`source` must be one image set. Received: "
            f"{shown_path(path)}, which holds {download.name} in {folders[0].name} and other data "
            f"in {others[0].name}; pass the folder of one of them, or choose one with "
            "`keras-isa prepare NAME`"
        )
    names = [one.name for one in others]
    warn_not_used(shown_path(path), names, f"only the files of {download.name} beside it are read")


def _has_data(folder: Path) -> bool:
    """Returns whether a folder holds a download or arrays, or an image at any depth."""
    if is_npy_folder(folder) or any(one.recognise(folder) for one in DOWNLOADS.values()):
        return True
    suffixes = {".npz", *readable_suffixes()}
    for _, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not is_system(name)]
        if any(Path(name).suffix.lower() in suffixes for name in files if not is_system(name)):
            return True
    return False


def is_download(path: str | os.PathLike[str]) -> bool:
    """Returns whether an existing folder or file is a download or any archive."""
    return is_archive(path) or recognise_download(Path(path)) is not None


@contextlib.contextmanager
def open_by_name(
    name: str,
    source: Path,
    key: str | None = None,
    image_size: tuple[int, int] | None = None,
    workspace: Path | None = None,
    split: float | None = None,
) -> Iterator[Opened | None]:
    """Gives the download that `source` is, packed or not, or `None` if it is no download.

    Args:
        name: The name of the data set. If it is the name of a download, `source` must not be
            another one.
        source: File, folder or archive.
        key: As in `Download.open`.
        image_size: Height and width to which the images are resized.
        workspace: As in `archives.unpacked`.
        split: Share of the images that becomes the test part if there is none.

    Raises:
        ValueError: If `source` is another download than `name`, is damaged, or is an archive with
            neither a known download nor a folder of images in it.
    """
    source = checked_path(source, "source")
    from_archive = is_archive(source)
    with unpacked(source, workspace) if from_archive else contextlib.nullcontext(source) as path:
        download = recognise_download(path, name) if path.exists() else None
        if download is None:
            check_other_formats(path)
        if download is None and from_archive:
            if name not in DOWNLOADS:
                parts = open_image_folder(path, image_size, split)
                yield Opened(path, dataclasses.replace(parts, name=str(source.resolve())))
                return
            download = DOWNLOADS[name]  # its `open` raises an error that says what is missing
        if download is None:
            yield None
            return
        wanted = DOWNLOADS.get(name, download)
        if download.name not in (wanted.name, wanted.resized_from):
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
        # The data set gets the name of the archive, because the unpacked folder is temporary.
        parts = dataclasses.replace(parts, name=str(source.resolve()))
        if parts.test is not None:
            Options(split=split).refuse(source, "split")
        yield Opened(path, parts.with_test(split).resized(own or image_size))


@contextlib.contextmanager
def open_download(
    source: str | os.PathLike[str],
    key: str | None = None,
    image_size: tuple[int, int] | None = None,
    split: float | None = None,
) -> Iterator[Parts | None]:
    """Gives the images of any download, or `None` if `source` is no download.

    Images from an archive are read into memory, so that they can be used after the context.

    Args:
        source: File, folder or archive.
        key: As in `Download.open`.
        image_size: Height and width to which the images are resized.
        split: As in `open_by_name`.

    Raises:
        ValueError: As `open_by_name`, or the memory does not suffice.
    """
    with open_by_name("", Path(source), key, image_size, split=split) as opened:
        if opened is not None and is_archive(source):
            yield Parts.from_datasets(*opened.parts.to_datasets())
        else:
            yield None if opened is None else opened.parts
