"""Images of PIL in a list, as an image viewer shows them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

# Modes of PIL images whose arrays hold the pixels that a viewer shows.
_PLAIN_MODES = ("L", "LA", "RGB", "RGBA", "I", "F", "I;16")


def load_pixels(image: Any) -> None:
    """Loads the pixels of an image of PIL, and scales the transparent grey of a PNG file like them.

    PIL scales pixels of two or four bits to eight bits, but not the grey that is transparent.

    Args:
        image: The image. If its pixels are loaded already, it stays as it is.
    """
    stored = image.tile[0][3] if getattr(image, "tile", ()) else None
    image.load()
    grey = image.info.get("transparency")
    if stored in ("L;2", "L;4") and isinstance(grey, int):
        image.info["transparency"] = grey * (85 if stored == "L;2" else 17)


def shown_images(images: Sequence[Any], argument: str) -> list[np.ndarray]:
    """Returns the pixels of PIL's images turned as they say, and on white if transparent.

    Image files are read in the same way.

    Args:
        images: Images of PIL.
        argument: The caller's name for `images`, used in errors.

    Raises:
        ValueError: An image is neither grey nor RGB, or something else is among them.

    Example:

    >>> from PIL import Image
    >>> from keras_isa.inputs.pil_images import shown_images
    >>> shown_images([Image.new("RGB", (4, 2))], "x")[0].shape
    (2, 4, 3)
    """
    from PIL import Image, ImageOps

    pixels, transparent = [], []
    for index, image in enumerate(images):
        mode = getattr(image, "mode", None)
        if mode not in _PLAIN_MODES:
            raise ValueError(
                f"`{argument}` must hold grey or RGB images; `image.convert('RGB')` converts "
                f"others. Received: a {type(image).__name__} of mode {mode!r} at index {index}"
            )
        load_pixels(image)
        shown = ImageOps.exif_transpose(image)
        if shown.has_transparency_data:
            transparent.append(index)
            mode = "L" if shown.mode in ("L", "LA") else "RGB"
            alpha = shown.convert(f"{mode}A").getchannel("A")
            white = Image.new(mode, shown.size, "white")
            shown = Image.composite(shown.convert(mode), white, alpha)
        pixels.append(np.asarray(shown))
    if transparent:
        warnings.warn(
            f"`{argument}` has {len(transparent)} images with transparency, the first at index "
            f"{transparent[0]}: they are laid on white and lose this channel; to keep it, pass "
            "arrays in place of the images",
            stacklevel=5,
        )
    return pixels
