"""The kinds of image files that the installed Pillow reads."""

from __future__ import annotations

import functools

# Documents, video and scientific arrays: Pillow only names them, or calls other programs for them.
_NO_IMAGES = {"BUFR", "EPS", "GRIB", "HDF5", "IPTC", "MPEG", "PDF", "WMF", "XVTHUMB"}


# Tried first: the others may have to read more of a file before they know it.
_USUAL = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM")


@functools.cache
def readable_formats() -> tuple[str, ...]:
    """Returns Pillow's names of the formats that are read, in the order in which they are tried.

    Example:

    >>> from keras_isa.datasets.image_formats import readable_formats
    >>> "PNG" in readable_formats(), "EPS" in readable_formats()
    (True, False)
    """
    from PIL import Image

    Image.init()
    rest = sorted(set(Image.OPEN) - _NO_IMAGES - {*_USUAL})
    return (*(name for name in _USUAL if name in Image.OPEN), *rest)


@functools.cache
def readable_suffixes() -> frozenset[str]:
    """Returns the suffixes, in lower case and with their dot, of files that are read.

    Example:

    >>> from keras_isa.datasets.image_formats import readable_suffixes
    >>> {".png", ".jfif", ".tiff"} <= readable_suffixes(), ".pdf" in readable_suffixes()
    (True, False)
    """
    from PIL import Image

    # A file of several JPEG images is opened as a JPEG file.
    formats = {*readable_formats(), "MPO"}
    registered = Image.registered_extensions().items()
    return frozenset(suffix for suffix, name in registered if name in formats)
