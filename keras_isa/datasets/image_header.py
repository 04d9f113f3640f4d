"""Shape, channels and bit depth of an image file, found without reading its pixels."""

from __future__ import annotations

import dataclasses
import io
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from keras_isa.datasets.image_formats import readable_formats
from keras_isa.inputs.text import one_line

EMPTY = "empty file, not read"
NO_FILE = "no file or a broken link, not read"
NOT_OPENED = "file without permission to read, not read"
DAMAGED = "damaged file or no image, not read"
TOO_LARGE = "image with more pixels than Pillow opens, not read"

_GREY = ("1", "L", "LA", "La")
_ORIENTATION = 0x0112
# How many bytes at the end of a PNG file are searched for metadata.
_TAIL = 1 << 16
_BITS_PER_SAMPLE = 258
# Formats that hold several frames or pages. In other formats a second image is another version of
# the first, such as a thumbnail.
_ANIMATED = ("AVIF", "DCX", "FLI", "GIF", "PNG", "TIFF", "WEBP")


class UnreadableImage(ValueError):
    """An image file that cannot be read.

    Args:
        reason: Why, for example one of the constants of this module.
        detail: The message of the library that read the file.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


@dataclasses.dataclass(frozen=True)
class Header:
    """Properties of an image file.

    Args:
        height: Height of the image after the rotation that the file asks for.
        width: Width of the image after this rotation.
        channels: 1 if all pixels are grey, otherwise 3.
        bits: Stored bits per channel.
        animated: Whether there is more than one frame or page.
    """

    height: int
    width: int
    channels: int
    bits: int
    animated: bool


@contextmanager
def open_image(source: str | os.PathLike[str] | BinaryIO) -> Iterator[Any]:
    """Gives an image that Pillow has opened by its content, whatever its suffix.

    Args:
        source: A path or an open file.

    Raises:
        UnreadableImage: If the file is no image that can be read. Errors of Pillow within the
            `with` block become this error too.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of damaged metadata, which is not used
            with Image.open(source, formats=readable_formats()) as image:
                yield image
    except FileNotFoundError as error:
        raise UnreadableImage(NO_FILE) from error
    except PermissionError as error:
        raise UnreadableImage(NOT_OPENED) from error
    except Image.DecompressionBombError as error:
        raise UnreadableImage(TOO_LARGE) from error
    except UnidentifiedImageError as error:
        raise UnreadableImage(DAMAGED) from error  # Pillow's words only name the object in memory
    except (MemoryError, UnreadableImage):
        raise
    # Pillow raises errors of many types for damaged files.
    except Exception as error:
        raise UnreadableImage(DAMAGED, one_line(error)) from error


def read_header(source: str | os.PathLike[str] | BinaryIO) -> Header:
    """Returns the properties of an image file.

    The pixels are decoded only if this is the only way to find the channels, or to find out whether
    the file is complete.

    Args:
        source: A path or an open file.

    Raises:
        UnreadableImage: If the file is no image or ends too early.

    Example:

    >>> import tempfile
    >>> from PIL import Image
    >>> from keras_isa.datasets.image_header import read_header
    >>> with tempfile.NamedTemporaryFile(suffix=".png") as file:
    ...     Image.new("RGB", (4, 3)).save(file)
    ...     _ = file.seek(0)
    ...     read_header(file.name)
    Header(height=3, width=4, channels=3, bits=8, animated=False)
    """
    if isinstance(source, str | os.PathLike):
        if not os.path.isfile(source):
            raise UnreadableImage(NO_FILE)
        size = os.path.getsize(source)
    else:
        size = source.seek(0, io.SEEK_END)
        source.seek(0)
    if not size:
        raise UnreadableImage(EMPTY)
    with open_image(source) as image:
        bits = stored_bits(image)
        animated = image.format in _ANIMATED and getattr(image, "is_animated", False)
        if image.mode in ("P", "PA") or not _ends_well(image):
            image.load()
        height, width = image.height, image.width
        if _orientation(image) >= 5:
            height, width = width, height
        return Header(height, width, 1 if _is_grey(image) else 3, bits, animated)


def stored_bits(image: Any) -> int:
    """Returns the bits per channel that an image has in its file.

    Pillow's mode does not show them, because Pillow drops the lower eight bits of colours with 16
    bits. AVIF images count as eight bits: like a screen, Pillow converts their range to eight bits.

    Args:
        image: A Pillow image.
    """
    if image.mode in ("I", "F"):
        # Pillow may open grey images of 16 bits in a mode of 32 bits.
        return 32 if image.mode == "F" or image.format == "TIFF" else 16
    if image.mode.startswith("I;"):
        return 16
    if image.format == "TIFF":
        return max(image.tag_v2.get(_BITS_PER_SAMPLE, (1,)))
    if image.format == "JPEG2000":
        return _jpeg2000_bits(image)
    arguments = [one for tile in image.tile for one in _flat(tile[3])]
    words = (one for one in arguments if isinstance(one, str))
    largest = max((one for one in arguments if isinstance(one, int)), default=0)
    deep = any(re.search(r";16[BLN]", word) for word in words)
    deep = deep or any(tile[0].endswith("16") for tile in image.tile)
    return 16 if deep or (image.format == "PPM" and largest > 255) else 8


def _flat(arguments: Any) -> tuple[Any, ...]:
    return arguments if isinstance(arguments, tuple) else (arguments,)


def _jpeg2000_bits(image: Any) -> int:
    """Returns the largest number of bits in the codestream's list of components."""
    place = image.fp.tell()
    image.fp.seek(0)
    start = image.fp.read(1 << 16)
    image.fp.seek(place)
    marker = start.find(b"\xff\x4f\xff\x51")
    count = int.from_bytes(start[marker + 40 : marker + 42], "big")
    depths = start[marker + 42 : marker + 42 + 3 * count : 3]
    return max(((depth & 0x7F) + 1 for depth in depths), default=8) if marker >= 0 else 8


def _ends_well(image: Any) -> bool:
    """Returns whether the last bytes show that the file is complete.

    A PNG file must have no metadata after its pixels either, which may say how to rotate it.
    """
    if image.format == "PNG":
        end = _last_bytes(image, _TAIL)
        return b"IEND" in end[-16:] and b"eXIf" not in end and b"Raw profile type" not in end
    mark = {"JPEG": b"\xff\xd9", "MPO": b"\xff\xd9", "GIF": b";"}.get(image.format)
    return mark is not None and _last_bytes(image, 16).rstrip(b"\0").endswith(mark)


def _last_bytes(image: Any, count: int) -> bytes:
    """Returns the end of the file of an image that is not decoded yet."""
    place = image.fp.tell()
    size = image.fp.seek(0, io.SEEK_END)
    image.fp.seek(max(0, size - count))
    found = image.fp.read()
    image.fp.seek(place)
    return found


def _orientation(image: Any) -> int:
    from PIL import Image

    # The method of PNG images is not used, because it decodes the image to find the metadata.
    found = Image.Image.getexif(image).get(_ORIENTATION, 1)
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def _is_grey(image: Any) -> bool:
    if image.mode not in ("P", "PA"):
        return image.mode in _GREY
    colours = image.convert("RGB").getcolors(256) or []
    return all(red == green == blue for _, (red, green, blue) in colours)
