"""Versions of the format of a distilled set's file."""

from __future__ import annotations

from typing import Any

from keras_isa.parametrizations import Identity, Parametrization

# 2: a number of images for each class, flat features, whitening.
_PLAIN_VERSION = 2
# 3: a parametrisation; regression.
FORMAT_VERSION = 3


def format_version(parametrization: Parametrization, task: str = "classification") -> int:
    """The lowest version that can hold a set.

    Args:
        parametrization: That of the set.
        task: That of the set.
    """
    plain = isinstance(parametrization, Identity) and task == "classification"
    return _PLAIN_VERSION if plain else FORMAT_VERSION


def check_format_version(version: Any) -> None:
    """Raises a ValueError for a file format that this version of the library does not know."""
    if isinstance(version, int) and 1 <= version <= FORMAT_VERSION:
        return
    advice = "upgrade keras_isa to read it" if isinstance(version, int) else "it is damaged"
    raise ValueError(
        f"the distilled set has format version {version!r}, this keras_isa reads up to "
        f"{FORMAT_VERSION}: {advice}"
    )
