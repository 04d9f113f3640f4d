"""The colours of an image as a viewer shows them."""

from __future__ import annotations

import functools
import io
from typing import Any

import numpy as np

_SCREEN_GAMMA = 2.2
_SAME_GAMMA = 0.05  # a difference that libpng passes over, too


def shown_pixels(image: Any, channels: int) -> np.ndarray:
    """Returns the pixels of an image as a viewer shows them.

    It is turned as the file says. Colours are brought to sRGB where the file has a colour profile,
    or is a PNG file with a gamma. What is transparent lies on white. Of several frames or pages it
    is the first.

    Args:
        image: A Pillow image of eight bits per channel.
        channels: 1 for grey, 3 for red, green and blue.

    Returns:
        `(H, W, channels)` uint8.

    Example:

    >>> from PIL import Image
    >>> from keras_isa.datasets.image_colours import shown_pixels
    >>> shown_pixels(Image.new("RGBA", (1, 1), (9, 9, 9, 0)), 3).tolist()
    [[[255, 255, 255]]]
    """
    from PIL import Image, ImageOps

    image.load()
    info = image.info
    image = ImageOps.exif_transpose(image)
    mode = "L" if channels == 1 else "RGB"
    alpha = None
    if image.has_transparency_data:
        image = image.convert("LA" if image.mode in ("L", "La", "LA") else "RGBA")
        alpha = image.getchannel("A")
        bands = image.split()[:-1]  # the colours also where nothing of them is seen
        image = bands[0] if len(bands) == 1 else Image.merge("RGB", bands)
    shown = _in_srgb(image, info).convert(mode)
    if alpha is not None:
        shown = Image.composite(shown, Image.new(mode, shown.size, "white"), alpha)
    pixels = np.asarray(shown)
    return pixels[..., np.newaxis] if channels == 1 else pixels


def _in_srgb(image: Any, info: dict[str, Any]) -> Any:
    """The colours brought to sRGB by the profile of the file, or else by its gamma."""
    from PIL import ImageCms

    if image.mode == "P":
        image = image.convert("RGB")
    profile = info.get("icc_profile") or b""
    if not profile and image.mode != "LAB":
        return _with_gamma(image, info)
    transform = _transform(profile, image.mode)
    return image if transform is None else ImageCms.applyTransform(image, transform)


def _with_gamma(image: Any, info: dict[str, Any]) -> Any:
    """The image for a screen, where a PNG file says another gamma and does not say sRGB."""
    power = 1 / (_SCREEN_GAMMA * info["gamma"]) if info.get("gamma") else 1.0
    if abs(power - 1) < _SAME_GAMMA or "srgb" in info or image.mode not in ("L", "RGB"):
        return image
    curve = (255 * np.linspace(0, 1, 256) ** power).round().astype(int).tolist()
    return image.point(curve * len(image.getbands()))


@functools.lru_cache(maxsize=16)
def _transform(profile: bytes, mode: str) -> Any:
    """From a colour profile to sRGB; `None` where that changes nothing, or the profile is wrong."""
    from PIL import ImageCms

    try:
        if mode == "LAB":
            source = ImageCms.createProfile("LAB")
        else:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None  # viewers leave out a profile that does not fit
    return transform if mode == "LAB" or _changes(transform, mode) else None


def _changes(transform: Any, mode: str) -> bool:
    """Whether it changes a ramp of all channels or of one of them by more than rounding does."""
    from PIL import Image, ImageCms

    bands = Image.getmodebands(mode)
    channels = np.vstack([np.ones(bands, np.uint8), np.eye(bands, dtype=np.uint8)])
    ramps = channels[:, np.newaxis] * np.arange(256, dtype=np.uint8)[:, np.newaxis]
    image = Image.merge(mode, [Image.fromarray(ramps[..., band]) for band in range(bands)])
    before, after = image.convert("RGB"), ImageCms.applyTransform(image, transform)
    return bool(np.abs(np.asarray(after, int) - np.asarray(before, int)).max() > 1)
