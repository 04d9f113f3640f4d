"""Parametrisations as text, as the command line, presets and files have them."""

from __future__ import annotations

from typing import Any

from keras_isa.ops.arguments import instance_of
from keras_isa.parametrizations.base import Identity, Parametrization
from keras_isa.parametrizations.bases import Bases
from keras_isa.parametrizations.multi_formation import MultiFormation
from keras_isa.parametrizations.quantized import Quantized

FORMS = (
    "identity, multi_formation:FACTOR[:shared], bases:COUNT[:SHRINK] or quantized:BITS, or one of "
    "the first three followed by +quantized:BITS"
)
_LONGEST = 80
# A file knows a parametrisation by its text, so these are all.
_KINDS = (Identity, MultiFormation, Bases, Quantized)


def parametrization_of(value: Any, name: str = "parametrization") -> Parametrization:
    """A parametrisation from its text, or as it is.

    The forms are `identity`, `multi_formation:FACTOR` (`multi_formation:FACTOR:shared` with one
    label for all tiles of a stored image), `bases:COUNT` (`bases:COUNT:SHRINK` with smaller bases),
    and `quantized:BITS`, alone or after one of the others and `+`.

    Args:
        value: The text, or an object of one of the four classes.
        name: Name of the argument, for errors.

    Raises:
        TypeError: If it is neither.
        ValueError: If the text has another form, or a number in it is out of range.

    Example:

    >>> from keras_isa.parametrizations import parametrization_of
    >>> parametrization_of("multi_formation:2+quantized:8")
    Quantized(bits=8, inner=MultiFormation(factor=2, shared_labels=False))
    """
    if type(value) in _KINDS:
        return value
    instance_of(name, value, str)
    problem = f"`{name}` must be {FORMS}. Received: {value[:_LONGEST]!r}"
    found: Parametrization = Identity()
    for place, part in enumerate(value.split("+")):
        word, *options = part.split(":")
        try:
            if word == "quantized" and place < 2 and len(options) == 1:
                if isinstance(found, Quantized):
                    raise _Unknown
                found = Quantized(_number(options[0]), found)
            elif place == 0:
                found = _plain(word, options)
            else:
                raise _Unknown
        except _Unknown:
            raise ValueError(problem) from None
        except ValueError as error:
            raise ValueError(f"`{name}`: {error}. Received: {value[:_LONGEST]!r}") from None
    return found


class _Unknown(Exception):
    """The text has another form."""


def _plain(word: str, options: list[str]) -> Parametrization:
    if word == "identity" and not options:
        return Identity()
    if word == "multi_formation" and len(options) in (1, 2):
        if options[1:] not in ([], ["shared"]):
            raise _Unknown
        return MultiFormation(_number(options[0]), shared_labels=len(options) == 2)
    if word == "bases" and len(options) in (1, 2):
        return Bases(*map(_number, options))
    raise _Unknown


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise _Unknown
    return int(text)
