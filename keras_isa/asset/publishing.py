"""The folder of a distilled set that is to be published: its file, its picture and its card."""

from __future__ import annotations

import copy
import os
import shutil
from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_isa.asset.card import card, check_has_card, check_licence
from keras_isa.asset.distilled_data import DistilledData
from keras_isa.asset.export import save_grid
from keras_isa.asset.hub import check_repo
from keras_isa.asset.loading import load
from keras_isa.asset.public_record import without_folders
from keras_isa.files import atomic_path, checked_path, make_folder, safe_file_name

CARD = "README.md"


def write_folder(
    distilled: DistilledData,
    source: str | os.PathLike,
    folder: str | os.PathLike,
    repo: str,
    licence: str | None,
    report: Mapping[str, Any] | None = None,
) -> list[str]:
    """Writes what is published of a distilled set into a folder.

    `keras_isa.asset.hub.upload` sends it. The file is copied as it is, unless its record says where
    on this machine the data lie: then it is written anew, with names in place of paths.

    Args:
        distilled: The set.
        source: The file that it was loaded from.
        folder: Where it is written; files of the same names are replaced. It must hold no others.
        repo: The repository that it is for, `USER/REPO`.
        licence: Identifier of the licence, see `keras_isa.asset.card.check_licence`; `None` leaves
            a field that must be filled in.
        report: What was measured, as `keras_isa.asset.measured.read_report` gives it.

    Returns:
        The names of the files: the set, its picture, its card.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If `repo` or `licence` is no such name, the set is for regression, `source` is
            not its file, or the folder holds other files or cannot be written to.
    """
    check_repo(repo)
    if licence is not None:
        check_licence(licence)
    check_has_card(distilled)
    source = checked_path(source, "source")
    if not _same(distilled, load(source)):
        raise ValueError(
            "`source` must be the file of `distilled`; it holds another set. Received: "
            f"source={source}"
        )
    stem = safe_file_name(source.stem).strip(".-") or "set"
    names = [f"{stem}.keras", f"{stem}.png", CARD]
    text = card(distilled, repo, names[0], licence, picture=names[1], report=report)
    folder = make_folder(folder)
    others = sorted({one.name for one in folder.iterdir()} - set(names))
    if others:
        raise ValueError(
            f"`folder` must be new or hold only {', '.join(names)}; it holds {others[0]}. "
            f"Received: folder={folder}"
        )
    target = folder / names[0]
    if target.exists() and os.path.samefile(target, source):
        raise ValueError(f"`folder` must not be that of the set itself. Received: folder={folder}")
    record = without_folders(distilled.provenance)
    if record == distilled.provenance:
        with atomic_path(target) as temporary:
            shutil.copyfile(source, temporary)
    else:
        kept = copy.copy(distilled.provenance)
        distilled.provenance.clear()
        distilled.provenance.update(record)
        try:
            distilled.save(target)
        finally:
            distilled.provenance.clear()
            distilled.provenance.update(kept)
    save_grid(distilled, folder / names[1])
    with atomic_path(folder / CARD) as temporary:
        temporary.write_text(text, "utf-8")
    return names


def _same(one: DistilledData, other: DistilledData) -> bool:
    """Whether two sets have the same images, labels and classes, up to rounding."""
    arrays = zip(one.to_numpy(), other.to_numpy(), strict=True)
    return one.class_names == other.class_names and all(
        a.shape == b.shape and np.allclose(a, b, rtol=1e-4, atol=1e-4) for a, b in arrays
    )
