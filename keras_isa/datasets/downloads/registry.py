"""All known downloads, and functions that recognise and open one."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
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
from keras_isa.datasets.folder_tree import DEPTH, is_system
from keras_isa.datasets.image_formats import readable_suffixes
from keras_isa.datasets.npy import is_npy_folder
from keras_isa.datasets.options import Options
from keras_isa.datasets.parts import Parts
from keras_isa.datasets.remarks import shown_path

_READERS = (
    layouts, cifar, imagenet, idx, svhn, stl10, medmnist, gtsrb, eurosat, hugging_face, pixel_csv,
)  # fmt: skip
DOWNLOADS = {one.name: one for reader in _READERS for one in reader.DOWNLOADS}


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
    contains = download.contains or download.recognise
    folders = [one for one in folders_in(path) if contains(one)]
    is_directly_in = not folders
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
    known = any(one.recognise(folder) for one in DOWNLOADS.values())
    return known or is_npy_folder(folder) or _has_images(folder)


def _has_images(folder: Path) -> bool:
    """Returns whether a folder holds an image or an .npz file at any depth."""
    suffixes = {".npz", *readable_suffixes()}
    for _, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not is_system(name)]
        if any(Path(name).suffix.lower() in suffixes for name in files if not is_system(name)):
            return True
    return False


def is_download(path: str | os.PathLike[str]) -> bool:
    """Returns whether an existing folder or file is a download or any archive."""
    return is_archive(path) or recognise_download(Path(path)) is not None


@contextmanager
def open_by_name(
    name: str, source: Path, options: Options, workspace: Path | None = None
) -> Iterator[tuple[Parts, Path] | None]:
    """Gives the download that `source` is, packed or not, or `None` if it is no download.

    Args:
        name: The name of the data set. If it is the name of a download, `source` must not be
            another one.
        source: File, folder or archive.
        options: How it is read.
        workspace: As in `archives.unpacked`.

    Returns:
        The images, and the file or folder of the download, which is temporary if the download is
        an archive.

    Raises:
        ValueError: If `source` is another download than `name`, is damaged, or is an archive with
            neither a known download nor a folder of images in it, or a download does not have one
            of the options.
    """
    with unpacked(source, workspace) if is_archive(source) else nullcontext(source) as path:
        inner, found = _inner_download(path, name)
        if found is not None:
            path = inner
        elif path != source or not is_npy_folder(path):
            _check_single(inner)
            check_other_formats(path)
        if found is None and path == source:
            yield None
            return
        options.refuse(source, "data_dir", "download", "axes")
        download = DOWNLOADS.get(name, found)
        if download is None:
            parts = open_image_folder(path, options)
        else:
            # If the archive holds no known download, `open` raises an error about what is missing.
            _check_is(source, path, found or download, name, options)
            parts = download.open(path, options.key)
        # The data set gets the name of the archive, because the unpacked folder is temporary.
        parts = dataclasses.replace(parts, name=str(source.resolve())).with_test(options)
        size = download.image_size if download else None
        yield parts.resized(size or options.image_size), path


def _check_single(path: Path) -> None:
    """Raises a ValueError if there are downloads deeper in a folder, and no images."""
    if _has_images(path):
        return
    inner = {one.name: _inner_download(one, "")[1] for one in folders_in(path)}
    found = [f"{download.name} in {folder}" for folder, download in inner.items() if download]
    if found:
        raise ValueError(
            "`source` must be one image set; pass the folder of one of them. Received: "
            f"{shown_path(path)}, which holds {' and '.join(found)}"
        )


def _inner_download(path: Path, name: str) -> tuple[Path, Download | None]:
    """Returns the download in a folder, looking through folders that only contain one folder.

    Args:
        path: The folder or file.
        name: As in `recognise_download`.

    Returns:
        The innermost folder that was searched, and the download or `None`.
    """
    found = recognise_download(path, name) if path.exists() else None
    for _ in range(DEPTH):
        if found is not None or len(folders := folders_in(path)) != 1:
            break
        (path,) = folders
        found = recognise_download(path, name)
    return path, found


def _check_is(source: Path, path: Path, found: Download, name: str, options: Options) -> None:
    """Raises a ValueError if the download that was found does not fit what the caller has named."""
    if name not in DOWNLOADS:
        _check_alone(path, found)
        return
    wanted = DOWNLOADS[name]
    if found.name not in (wanted.name, wanted.resized_from):
        raise ValueError(f"`source` must be {name}. Received: {source}, which is {found.name}")
    own = wanted.image_size
    if own is not None and options.image_size not in (None, own):
        raise ValueError(
            f"`image_size` must be None for {name}, which is {own[0]}x{own[1]}. Received: "
            f"image_size={options.image_size!r}"
        )
