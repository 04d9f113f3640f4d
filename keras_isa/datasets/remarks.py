"""Warnings about files and folders that are not read, or read in an unusual way."""

from __future__ import annotations

import warnings
from pathlib import Path

# The prefix of temporary folders to which archives are unpacked.
UNPACKED = ".unpacked-"


class Remarks:
    """Files and folders of one source, grouped by the reason for a remark about them.

    Args:
        root: The source.

    Example:

    >>> from pathlib import Path
    >>> from keras_isa.datasets.remarks import Remarks
    >>> remarks = Remarks(Path("pets"))
    >>> for number in range(3):
    ...     remarks.add("empty file, not read", Path("pets", "cat", f"{number}.jpg"))
    >>> remarks.lines()
    ['pets: empty file, not read: 3, such as cat/0.jpg and cat/2.jpg']
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._found: dict[str, list[tuple[Path, int]]] = {}

    def add(self, reason: str, path: Path, count: int = 1) -> None:
        """Adds a file or a folder.

        Args:
            reason: The remark, in a few words. Equal reasons share a line.
            path: The file or folder.
            count: How many files this remark is about.
        """
        self._found.setdefault(reason, []).append((path, count))

    def line(self, reason: str) -> str:
        """Returns a line with the reason, the count, the suffixes and one or two examples."""
        paths, counts = zip(*self._found[reason], strict=True)
        count = sum(counts)
        other = next((path for path in paths if path.suffix != paths[0].suffix), paths[-1])
        some = list(dict.fromkeys([paths[0], paths[1] if len(paths) == 2 else other]))
        words = " and ".join(shown_path(path, self.root) for path in some)
        kinds = sorted({path.suffix.lower() for path in paths} - {""})
        listed = f" ({', '.join(kinds[:8])})" if len(kinds) > 1 else ""
        return f"{reason}: {count}{listed}, {'such as ' if count > len(some) else ''}{words}"

    def lines(self) -> list[str]:
        """Returns a line for each reason."""
        return [f"{shown_path(self.root)}: {self.line(reason)}" for reason in self._found]

    def warn(self) -> None:
        """Warns once for each reason."""
        for line in self.lines():
            warnings.warn(line, stacklevel=2)


def shown_path(path: Path, root: Path | None = None) -> str:
    """Returns a path for a message, in one line and with escapes for unprintable characters.

    In an archive that is unpacked to a temporary folder, the path begins with the archive's name.

    Args:
        path: The path.
        root: A folder above it, which is not shown.
    """
    if root not in path.parents:
        root = next((one for one in path.parents if one.name.startswith(UNPACKED)), None)
    text = path.as_posix() if root is None else path.relative_to(root).as_posix()
    return printable(text)


def printable(text: str) -> str:
    """Returns a text for a message, with an escape for each unprintable character."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)
