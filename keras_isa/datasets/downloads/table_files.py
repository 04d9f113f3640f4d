"""The tables of one set by split, as the names of their files and folders say."""

from __future__ import annotations

import dataclasses
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from keras_isa.datasets.downloads import tables
from keras_isa.datasets.part_names import part_of

_SHARD = re.compile(
    r"(?P<split>.+?)-(?P<number>\d{5})-of-(?P<count>\d{5})(-[0-9a-f]{16})?", re.ASCII
)


def table_files(path: Path) -> list[Path]:
    """Returns the tables in a folder and one or two below it, or the file itself if it is one.

    Not every file of a large folder is looked at.

    Args:
        path: A file or a folder.
    """
    if path.is_file():
        return [path] if path.suffix.lower() in tables.SUFFIXES else []
    patterns = ("*{}", "*/*{}", "*/*/0000{}")
    found = {
        file.parent
        for suffix in tables.SUFFIXES
        for one in patterns
        for file in path.glob(one.format(suffix))
    }
    return sorted(
        file
        for folder in found
        for file in folder.iterdir()
        if file.suffix.lower() in tables.SUFFIXES and not file.name.startswith((".", "cache-"))
    )


def files_by_split(path: Path) -> dict[str, list[Path]]:
    """Returns the files of each split, in order, of the only set that there is.

    Splits are called "train", "test" and "validation" where they go by another name of these.

    Args:
        path: A file or a folder.

    Raises:
        ValueError: If there are several sets, several tables of one split that do not belong
            together, or a file is missing.
    """
    sets: dict[tuple[Path, str], dict[str, dict[_Table, list[Path]]]] = {}
    for file in table_files(path):
        table = _Table.named(file)
        splits = sets.setdefault((table.folder, table.prefix), {})
        splits.setdefault(table.split, defaultdict(list))[table].append(file)
    if len(sets) != 1:
        names = ", ".join(prefix or folder.name for folder, prefix in sorted(sets)) or "no table"
        raise ValueError(
            f"`source` must be the folder of one set. Received: {path} with {names}; give one, in "
            "a folder of its own"
        )
    (splits,) = sets.values()
    # One file of several may be meant where it is what the caller names.
    return {split: _files(found, split, path.is_dir()) for split, found in splits.items()}


@dataclasses.dataclass(frozen=True)
class _Table:
    """What the name of a file says of the table that it is a part of.

    Args:
        folder: Of the set.
        prefix: Name of the set before the split, if there is one.
        split: "train", "test", "validation" or another name.
        place: The folder that the files are in.
        stem: What the names of the files begin with; empty for those that are numbers.
        count: How many files there are, if the names say it.
        suffix: Of the files.
    """

    folder: Path
    prefix: str
    split: str
    place: Path
    stem: str
    count: int | None
    suffix: str

    @classmethod
    def named(cls, file: Path) -> _Table:
        shard = _SHARD.fullmatch(file.stem)
        name = shard["split"] if shard else file.stem
        folder, stem = file.parent, "" if name.isdigit() else name
        if not stem or name == "data":
            folder, name = folder.parent, folder.name
        name = name.removeprefix("partial-")
        prefix, _, last = name.rpartition("-")
        if part_of(last) is None:
            prefix, last = "", name
        count = int(shard["count"]) if shard else None
        return cls(folder, prefix, part_of(last) or last, file.parent, stem, count, file.suffix)


def _files(found: dict[_Table, list[Path]], split: str, whole: bool) -> list[Path]:
    """The files of one split, which must be one table, and a whole one if that is wanted."""
    if len(found) > 1:
        names = ", ".join(files[0].name for files in found.values())
        folder = next(iter(found)).folder
        raise ValueError(
            f"`source` must have one table, or the numbered files of one, for the split {split}. "
            f"Received: {folder} with {names}; keep one of them"
        )
    ((table, files),) = found.items()
    if whole and table.count is not None:
        _check_numbers(table, files)
    return files


def _check_numbers(table: _Table, files: Sequence[Path]) -> None:
    numbers = [int(_SHARD.fullmatch(file.stem)["number"]) for file in files]
    if numbers != list(range(table.count)):
        missing = not set(range(table.count)) <= set(numbers)
        raise ValueError(
            f"`source` must be complete. Received: {table.place} "
            f"{'without some of' if missing else 'with more than'} the {table.count} files "
            f"{table.stem}-*-of-{table.count:05d}{table.suffix}"
        )
