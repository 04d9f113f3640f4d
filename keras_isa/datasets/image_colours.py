"""The colours of an image as a viewer shows them."""

from __future__ import annotations

import functools
import io
from typing import Any

import numpy as np

from keras_isa.inputs.pil_images import load_pixels

_SCREEN_GAMMA = 2.2
_GAMMA_TOLERANCE = 0.05  # libpng ignores differences up to this one too


def shown_pixels(image: Any, channels: int) -> np.ndarray:
    """Returns the pixels of an image as a viewer shows them.

    The image is rotated as the file says. Its colours are converted to sRGB if the file has a
    colour profile, or is a PNG file with a gamma. Transparent pixels show white. Only the first of
    several frames or pages is taken.

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

    load_pixels(image)
    info = image.info
    image = ImageOps.exif_transpose(image)
    mode = "L" if channels == 1 else "RGB"
    alpha = None
    if image.has_transparency_data:
        image = image.convert("LA" if image.mode in ("L", "La", "LA") else "RGBA")
        alpha = image.getchannel("A")
        bands = image.split()[:-1]  # without the transparency
        image = bands[0] if len(bands) == 1 else Image.merge("RGB", bands)
    shown = _in_srgb(image, info).convert(mode)
    if alpha is not None:
        shown = Image.composite(shown, Image.new(mode, shown.size, "white"), alpha)
    pixels = np.asarray(shown)
    return pixels[..., np.newaxis] if channels == 1 else pixels


def _in_srgb(image: Any, info: dict[str, Any]) -> Any:
    """Returns an image in sRGB, converted by the colour profile of the file or else its gamma."""
    from PIL import ImageCms

    if image.mode == "P":
        image = image.convert("RGB")
    profile = info.get("icc_profile") or b""
    if not profile and image.mode != "LAB":
        return _with_gamma(image, info)
    transform = _transform(profile, image.mode)
    return image if transform is None else ImageCms.applyTransform(image, transform)


def _with_gamma(image: Any, info: dict[str, Any]) -> Any:
    """Returns an image with the gamma of screens, if a PNG file has another one and is not sRGB."""
    power = 1 / (_SCREEN_GAMMA * info["gamma"]) if info.get("gamma") else 1.0
    if abs(power - 1) < _GAMMA_TOLERANCE or "srgb" in info or image.mode not in ("L", "RGB"):
        return image
    curve = (255 * np.linspace(0, 1, 256) ** power).round().astype(int).tolist()
    return image.point(curve * len(image.getbands()))


@functools.lru_cache(maxsize=16)
def _transform(profile: bytes, mode: str) -> Any:
    """Returns the conversion from a colour profile to sRGB, or `None` if there is none to do.

    That is so if the conversion changes nothing, or the profile is damaged or of another mode.
    """
    from PIL import ImageCms

    try:
        if mode == "LAB":
            source = ImageCms.createProfile("LAB")
        else:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None  # viewers ignore such a profile too
    return transform if mode == "LAB" or _changes(transform, mode) else None


def _changes(transform: Any, mode: str) -> bool:
    """Returns whether a conversion changes a ramp of grey or of one channel beyond rounding."""
    from PIL import Image, ImageCms

    bands = Image.getmodebands(mode)
    channels = np.vstack([np.ones(bands, np.uint8), np.eye(bands, dtype=np.uint8)])
    ramps = channels[:, np.newaxis] * np.arange(256, dtype=np.uint8)[:, np.newaxis]
    image = Image.merge(mode, [Image.fromarray(ramps[..., band]) for band in range(bands)])
    before, after = image.convert("RGB"), ImageCms.applyTransform(image, transform)
    return bool(np.abs(np.asarray(after, int) - np.asarray(before, int)).max() > 1)
