"""Versions of the file format of distilled sets."""

from __future__ import annotations

from typing import Any

# 2: a number of images for each class, flat features, whitening.
FORMAT_VERSION = 2


def check_format_version(version: Any) -> None:
    """Refuses a file format that this version of the library does not know.

    Args:
        version: The number found in the file.

    Raises:
        ValueError: If it is not an integer from 1 to `FORMAT_VERSION`.
    """
    if isinstance(version, int) and 1 <= version <= FORMAT_VERSION:
        return
    advice = "upgrade keras_isa to read it" if isinstance(version, int) else "it is damaged"
    raise ValueError(
        f"the distilled set has format version {version!r}, this keras_isa reads up to "
        f"{FORMAT_VERSION}: {advice}"
    )
