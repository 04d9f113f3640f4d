"""Masks and other images that belong to images, recognised by their names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

_GAP = r"[\s._-]*"
_MASK = r"(?:ground_?truth|gt|masks?|seg|segmentations?|labels?|annotations?|depths?|superpixels?)"
_PICTURE = r"(?:images?|imgs?|pictures?|photos?|originals?|orig|rgb)"
_MASK_LAST = re.compile(rf"(.+?){_GAP}{_MASK}{_GAP}\d*", re.IGNORECASE)
_MASK_FIRST = re.compile(rf"{_MASK}{_GAP}(.+)", re.IGNORECASE)
_PICTURE_LAST = re.compile(rf"(.+?){_GAP}{_PICTURE}", re.IGNORECASE)
_PICTURE_FIRST = re.compile(rf"{_PICTURE}{_GAP}(.+)", re.IGNORECASE)
_SUFFIX_GAP = re.compile(rf"[\s._@-]+(?!{_PICTURE}$)(?=[^\W\d_]\D*$|\d+x\d*$)", re.IGNORECASE)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_MASK_WORD = re.compile(rf"{_MASK}|[a-z]+masks?|truth", re.IGNORECASE)


def masks_among(files: Sequence[Path]) -> list[Path]:
    """Returns the files of a folder that are masks or other companions of files in it.

    Args:
        files: Image files of one folder. The name of a mask begins or ends with a word such as mask
            or label. Without this word it is the name of another file, which may have a word such
            as image instead. Without a known word, all files must have a companion with the same
            suffix, as NAME_left beside NAME.

    Example:

    >>> from pathlib import Path
    >>> from keras_isa.datasets.masks import masks_among
    >>> files = [Path(name) for name in ("0_image.png", "0_mask.png", "1_mask.png")]
    >>> [path.name for path in masks_among(files)]
    ['0_mask.png']
    """
    stems = {path.stem for path in files}
    pictures = stems.union(map(_shown, stems))
    found = [(path, _without(path.stem, _MASK_LAST, _MASK_FIRST)) for path in files]
    masks = {path.stem for path, picture in found if picture in pictures}
    masks |= _companions(stems - masks)
    return [path for path in files if path.stem in masks]


def _companions(stems: set[str]) -> set[str]:
    """Returns the names with a suffix that every name has, if there are several names."""
    pictures, alone = set(map(_shown, stems)), set()
    found: dict[str, dict[str, str]] = {}
    for stem in stems:
        gaps = [gap.start() for gap in _SUFFIX_GAP.finditer(stem)]
        gaps = [gap for gap in gaps if _shown(stem[:gap]) in pictures]
        for gap in gaps:
            found.setdefault(stem[gap:], {})[_shown(stem[:gap])] = stem
        if not gaps:
            alone.add(_shown(stem))
    own = [names for names in found.values() if len(names) > 1 and alone <= names.keys()]
    return {stem for names in own for stem in names.values()}


def is_mask_folder(name: str) -> bool:
    """Returns whether the name of a folder has a word such as mask or label."""
    return any(_MASK_WORD.fullmatch(word) for word in _WORD.findall(name))


def are_masks(files: Iterable[Path], pictures: Iterable[Path]) -> bool:
    """Returns whether more than half of the files each have the name of one picture.

    Args:
        files: Image files of a folder with a name such as masks.
        pictures: Image files outside of it. A name that several of them have does not count,
            because it is probably a number.
    """
    counts = Counter(_picture(path.stem) for path in pictures)
    own = [counts[_picture(path.stem)] == 1 for path in files]
    return sum(own) > len(own) / 2


def _picture(stem: str) -> str:
    """Returns a file name without the words that mean a mask or a picture."""
    return _shown(_without(stem, _MASK_LAST, _MASK_FIRST) or stem)


def _shown(stem: str) -> str:
    """Returns a file name without the words that mean a picture."""
    return _without(stem, _PICTURE_LAST, _PICTURE_FIRST) or stem


def _without(stem: str, *patterns: re.Pattern) -> str | None:
    found = (pattern.fullmatch(stem) for pattern in patterns)
    return next((one[1] for one in found if one), None)
