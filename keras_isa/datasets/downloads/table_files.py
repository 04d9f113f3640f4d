"""The table files of a set, grouped by the splits that the names of files and folders give."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from keras_isa.datasets.downloads import tables
from keras_isa.datasets.part_names import part_of

_SHARD = re.compile(
    r"(?P<split>.+?)-(?P<number>\d{5})-of-(?P<count>\d{5})(-[0-9a-f]{16})?", re.ASCII
)
# The folder of the files, the beginning of their names (empty if the names are numbers), the number
# of files if the names say it, and the suffix.
_Table = tuple[Path, str, int | None, str]


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
        of_set, split, table = _parsed(file)
        splits = sets.setdefault(of_set, {})
        splits.setdefault(split, defaultdict(list))[table].append(file)
    if len(sets) != 1:
        names = ", ".join(prefix or folder.name for folder, prefix in sorted(sets)) or "no table"
        raise ValueError(
            f"`source` must be the folder of one set. Received: {path} with {names}; pass one of "
            "them, in a folder of its own"
        )
    (((folder, _), splits),) = sets.items()
    for split, found in splits.items():
        if len(found) > 1:
            names = ", ".join(files[0].name for files in found.values())
            raise ValueError(
                "`source` must have one table, or the numbered files of one, for the split "
                f"{split}. Received: {folder} with {names}; keep one of them"
            )
        # If the caller names one file, the other files of the table may be missing.
        if path.is_dir():
            _check_whole(*found.items())
    return {split: files for split, found in splits.items() for files in found.values()}


def _parsed(file: Path) -> tuple[tuple[Path, str], str, _Table]:
    """Returns what the name of a file says.

    Returns:
        The folder of the set, and the name of the set if it precedes that of the split; the split,
        "train", "test", "validation" or another name; and the table.
    """
    shard = _SHARD.fullmatch(file.stem)
    name = shard["split"] if shard else file.stem
    folder, stem = file.parent, "" if name.isdigit() else name
    if not stem or name == "data":
        folder, name = folder.parent, folder.name
    name = name.removeprefix("partial-")
    prefix, _, last = name.rpartition("-")
    if part_of(last) is None:
        prefix, last = "", name
    table = file.parent, stem, int(shard["count"]) if shard else None, file.suffix
    return (folder, prefix), part_of(last) or last, table


def _check_whole(found: tuple[_Table, list[Path]]) -> None:
    """Raises a ValueError if the files of a table are not those that their names count."""
    (place, stem, count, suffix), files = found
    if count is None:
        return
    numbers = [int(_SHARD.fullmatch(file.stem)["number"]) for file in files]
    if numbers != list(range(count)):
        missing = not set(range(count)) <= set(numbers)
        raise ValueError(
            f"`source` must be complete. Received: {place} "
            f"{'without some of' if missing else 'with more than'} the {count} files "
            f"{stem}-*-of-{count:05d}{suffix}"
        )
