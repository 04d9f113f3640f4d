"""The fonts that a picture's captions need."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterable, Sequence

from keras_isa.inputs.class_names import first_ten

_BOX = "\N{WHITE SQUARE}"


def fonts_for(texts: Iterable[str]) -> tuple[list[str], set[str]]:
    """Returns the fonts that draw texts with Matplotlib.

    Args:
        texts: What is to be drawn.

    Returns:
        Names of font families, the first that has a character draws it; and the characters that no
        installed font has.

    Example:

    >>> from keras_isa.asset.lettering import fonts_for
    >>> fonts_for(["cat", "chien"])
    (['DejaVu Sans'], set())
    """
    from matplotlib import font_manager

    families = ["DejaVu Sans"]
    needed = {ord(one) for text in texts for one in " ".join(text.split())}
    missing = needed - _characters(families[0])
    others = sorted({font.name for font in font_manager.fontManager.ttflist} - {*families})
    for family in others if missing else ():
        # Fonts of a last resort have a box for every character.
        if not family.lstrip(".").lower().startswith(("last resort", "lastresort")):
            if found := missing & _characters(family):
                families.append(family)
                missing -= found
    return families, {chr(one) for one in missing}


def drawable(text: str, missing: set[str]) -> str:
    """Returns a text in one line, with a box for each character that no font has.

    Args:
        text: What is to be drawn.
        missing: As `fonts_for` returns.
    """
    return "".join(_BOX if one in missing else one for one in " ".join(text.split()))


def warn_of_boxes(names: Sequence[str]) -> None:
    """Warns of class names that a picture does not show whole.

    Args:
        names: Class names.
    """
    _, missing = fonts_for(names)
    partly = [name for name in names if missing & set(name)]
    if partly:
        warnings.warn(
            f"pictures show boxes for characters that no installed font has: {len(partly)} class "
            f"names, {first_ten(list(map(ascii, partly)))}; files keep the names whole",
            stacklevel=2,
        )


@functools.cache
def _characters(family: str) -> frozenset[int]:
    """The characters of the face of a family that Matplotlib takes for plain text."""
    from matplotlib import font_manager, ft2font

    try:
        path = font_manager.findfont(font_manager.FontProperties(family=[family]))
        return frozenset(ft2font.FT2Font(path).get_charmap())
    except (OSError, RuntimeError, ValueError):
        return frozenset()
