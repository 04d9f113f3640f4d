"""What is said of files and folders that are not used as they lie there."""

from __future__ import annotations

import warnings
from pathlib import Path

# Of the temporary folders that archives are unpacked to.
UNPACKED = ".unpacked-"


class Remarks:
    """Files and folders of one source by the reason why they are spoken of.

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
        self._paths: dict[str, list[Path]] = {}
        self._counts: dict[str, int] = {}

    def add(self, reason: str, path: Path, count: int = 1) -> None:
        """Notes a file or a folder.

        Args:
            reason: Why, in a few words; of equal reasons one line is made.
            path: The file or folder.
            count: How many files it stands for.
        """
        self._paths.setdefault(reason, []).append(path)
        self._counts[reason] = self._counts.get(reason, 0) + count

    def line(self, reason: str) -> str:
        """Returns the reason, the count, one or two examples, and the suffixes if they differ."""
        paths, count = self._paths[reason], self._counts[reason]
        other = next((path for path in paths if path.suffix != paths[0].suffix), paths[-1])
        some = list(dict.fromkeys([paths[0], paths[1] if len(paths) == 2 else other]))
        words = " and ".join(shown_path(path, self.root) for path in some)
        kinds = sorted({path.suffix.lower() for path in paths} - {""})
        listed = f" ({', '.join(kinds[:8])})" if len(kinds) > 1 else ""
        return f"{reason}: {count}{listed}, {'such as ' if count > len(some) else ''}{words}"

    def lines(self) -> list[str]:
        """Returns a line for each reason."""
        return [f"{shown_path(self.root)}: {self.line(reason)}" for reason in self._paths]

    def warn(self) -> None:
        """Warns once for each reason."""
        for line in self.lines():
            warnings.warn(line, stacklevel=2)


def shown_path(path: Path, root: Path | None = None) -> str:
    """Returns a path for a message, in one line and without what cannot be printed.

    The folder that an archive is unpacked to has its name, and stands for it.

    Args:
        path: The path.
        root: A folder above it, which is left out.
    """
    if root not in path.parents:
        root = next((one for one in path.parents if one.name.startswith(UNPACKED)), None)
    text = path.as_posix() if root is None else path.relative_to(root).as_posix()
    return printable(text)


def printable(text: str) -> str:
    """Returns a text for a message, with an escape for each character that cannot be printed."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)
