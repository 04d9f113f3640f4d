"""The table files of a set, grouped by the splits that the names of files and folders give."""

from __future__ import annotations

import dataclasses
import re
from collections import defaultdict
from pathlib import Path

from keras_isa.datasets.downloads import tables
from keras_isa.datasets.part_names import part_of

_SHARD = re.compile(
    r"(?P<split>.+?)-(?P<number>\d{5})-of-(?P<count>\d{5})(-[0-9a-f]{16})?", re.ASCII
)


def table_files(path: Path) -> list[Path]:
    """Returns the table files up to two folders deep, or the file itself.

    Two folders deep it looks only for files whose names begin with 0000, so that large folders of
    other files take no time.

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
    """Returns the sorted files of each split of the only set in a folder.

    Splits with another usual name for a part are called "train", "test" or "validation".

    Args:
        path: A file or a folder.

    Raises:
        ValueError: If there are several sets, several tables of one split that do not belong
            together, or a file is missing.
    """
    sets: dict[tuple[Path, str], dict[str, dict[_Table, list[Path]]]] = {}
    for file in table_files(path):
        table = _Table.from_file_name(file)
        splits = sets.setdefault((table.folder, table.prefix), {})
        splits.setdefault(table.split, defaultdict(list))[table].append(file)
    if len(sets) != 1:
        names = ", ".join(prefix or folder.name for folder, prefix in sorted(sets)) or "no table"
        raise ValueError(
            f"`source` must be the folder of one set. Received: {path} with {names}; pass one of "
            "them, in a folder of its own"
        )
    (splits,) = sets.values()
    # If the caller names one file, the other files of the table may be missing.
    return {split: _files(found, split, path.is_dir()) for split, found in splits.items()}


@dataclasses.dataclass(frozen=True)
class _Table:
    """A table, as the name of one of its files describes it.

    Args:
        folder: The folder of the set.
        prefix: Name of the set, if it precedes the split in the name of the file.
        split: "train", "test", "validation" or another name.
        place: The folder with the files.
        stem: The beginning of the names of the files; empty if the names are numbers.
        count: The number of files, if the names say it.
        suffix: The suffix of the files.
    """

    folder: Path
    prefix: str
    split: str
    place: Path
    stem: str
    count: int | None
    suffix: str

    @classmethod
    def from_file_name(cls, file: Path) -> _Table:
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
    """Returns the files of one split, which must be one table, and a complete one if `whole`."""
    if len(found) > 1:
        names = ", ".join(files[0].name for files in found.values())
        folder = next(iter(found)).folder
        raise ValueError(
            f"`source` must have one table, or the numbered files of one, for the split {split}. "
            f"Received: {folder} with {names}; keep one of them"
        )
    ((table, files),) = found.items()
    if whole and table.count is not None:
        numbers = [int(_SHARD.fullmatch(file.stem)["number"]) for file in files]
        if numbers != list(range(table.count)):
            missing = not set(range(table.count)) <= set(numbers)
            raise ValueError(
                f"`source` must be complete. Received: {table.place} "
                f"{'without some of' if missing else 'with more than'} the {table.count} files "
                f"{table.stem}-*-of-{table.count:05d}{table.suffix}"
            )
    return files
