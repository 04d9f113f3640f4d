"""Results that are kept in a folder, so that a stopped study goes on where it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from keras_isa.files import atomic_path, make_folder


class Cells:
    """Results by what they depend on, each in a file of its own.

    Args:
        folder: Where they are; it is made when the first one is kept.

    Example:

    >>> import tempfile
    >>> from keras_isa.studies.cells import Cells
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     cells = Cells(folder)
    ...     first = cells.kept({"seed": 0}, lambda: {"accuracy": 0.5})
    ...     cells.kept({"seed": 0}, lambda: {"accuracy": 0.9})
    {'accuracy': 0.5}
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def path(self, about: Mapping[str, Any], suffix: str) -> Path:
        """Returns the file of a result.

        Args:
            about: What it depends on, JSON-compatible.
            suffix: Suffix of the file.
        """
        text = json.dumps(about, sort_keys=True)
        return self.folder / (hashlib.sha256(text.encode()).hexdigest()[:20] + suffix)

    def kept(self, about: Mapping[str, Any], make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Returns the kept result, or makes and keeps it, as of a damaged file.

        Args:
            about: What it depends on, JSON-compatible.
            make: Returns it, JSON-compatible.

        Raises:
            ValueError: If the folder cannot be made.
        """
        path = self.path(about, ".json")
        try:
            return json.loads(path.read_text("utf-8"))["result"]
        except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
            result = make()
        make_folder(self.folder)
        text = json.dumps({"about": about, "result": result}, indent=1) + "\n"
        with atomic_path(path) as temporary:
            temporary.write_text(text, "utf-8")
        return json.loads(text)["result"]  # as it comes back from the file
