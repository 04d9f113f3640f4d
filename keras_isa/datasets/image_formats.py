"""The formats of image files that the installed Pillow reads."""

from __future__ import annotations

import functools

# Documents, videos and scientific arrays. Pillow recognises them, but cannot read them or needs
# other programs to do so.
_NO_IMAGES = {"BUFR", "EPS", "GRIB", "HDF5", "IPTC", "MPEG", "PDF", "WMF", "XVTHUMB"}


# These are tried first, because other formats may have to read more of a file to recognise it.
_USUAL = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM")


@functools.cache
def readable_formats() -> tuple[str, ...]:
    """Returns Pillow's names of the formats that can be read, in the order of the attempts.

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
    """Returns the suffixes of files that can be read, in lower case and with their dot.

    Example:

    >>> from keras_isa.datasets.image_formats import readable_suffixes
    >>> {".png", ".jfif", ".tiff"} <= readable_suffixes(), ".pdf" in readable_suffixes()
    (True, False)
    """
    from PIL import Image

    # MPO files hold several JPEG images. They are opened by the JPEG format.
    formats = {*readable_formats(), "MPO"}
    registered = Image.registered_extensions().items()
    return frozenset(suffix for suffix, name in registered if name in formats)
