"""Versions of the software that computes, which a distilled set records."""

from __future__ import annotations

import platform
from importlib import metadata

import keras


def package_version() -> str:
    """Returns the version of keras_isa, or `"0+source"` if it runs from a checkout."""
    try:
        return metadata.version("keras-isa")
    except metadata.PackageNotFoundError:
        return "0+source"


def versions() -> dict[str, str]:
    """Returns the versions of Python, keras_isa, keras, numpy and the active backend by name."""
    found = {"python": platform.python_version(), "keras_isa": package_version()}
    backend = keras.backend.backend()
    for name in ("keras", "numpy", backend):
        found[name] = metadata.version(name)
    return {**found, "backend": backend}
