"""Checks of class names, and lists of them that are written to and read from a line of text."""

from __future__ import annotations

import contextlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

_WHOLE = re.compile(r"\s*([+-]?\d{1,18})(?:\.0*)?\s*")
_QUOTED = r'"(?P<quoted>(?:[^"]|"")*)"'
_NAME = re.compile(rf"\s*(?:{_QUOTED}|(?P<plain>[^,]*?))\s*(?P<end>,|$)")
_COUNTED = re.compile(
    rf"\s*(?:{_QUOTED}|(?P<plain>[^,]*?))\s*=\s*(?P<count>[^,=\"]*?)\s*(?P<end>,|$)"
)


def is_whole(name: str) -> bool:
    """Returns whether a class name is a whole number, such as "7" or "7.0"."""
    return _WHOLE.fullmatch(name) is not None


def classes_by_value(class_names: Sequence[str]) -> dict[int, list[int]] | None:
    """Returns the class numbers of each whole number among the names.

    Args:
        class_names: The names in the order of the class numbers.

    Returns:
        Maps each whole number to its class numbers. There are several if names such as "1" and
        "1.0" have the same value. The result is `None` if no name is a whole number, or if every
        such name equals its class number.

    Example:

    >>> from keras_isa.inputs.class_names import classes_by_value
    >>> classes_by_value(["1", "2.0", "unknown"]), classes_by_value(["0", "1", "a"])
    ({1: [0], 2: [1]}, None)
    """
    values: dict[int, list[int]] = {}
    for number, name in enumerate(class_names):
        if found := _WHOLE.fullmatch(name):
            values.setdefault(int(found[1]), []).append(number)
    return None if all(found == [value] for value, found in values.items()) else values


def first_difference(class_names: Sequence[str], values: Mapping[int, Sequence[int]]) -> str:
    """Returns a few words about the first class whose name is a number other than its own."""
    differs = min(number for value, found in values.items() for number in found if number != value)
    return f"class number {differs} is {class_names[differs]!r}"


def format_names(names: Sequence[str], most: int | None = None) -> str:
    """Returns names as a line of text that `parse_names` can read.

    As in CSV files, a name with a comma, a quote, an equals sign or spaces at its ends is put in
    double quotes, and its own quotes are doubled.

    Args:
        names: Class names.
        most: How many are listed, by default all. Three dots replace the others.

    Example:

    >>> from keras_isa.inputs.class_names import format_names
    >>> format_names(["cat", "tench, Tinca tinca", "1=one"])
    'cat,"tench, Tinca tinca","1=one"'
    """
    words = [_quoted(name) for name in names[:most]]
    return ",".join(words) if most is None or len(names) <= most else ",".join([*words, "..."])


def first_ten(names: Sequence[object]) -> str:
    """Returns the first ten names and the number of the others, for a message.

    Args:
        names: Names of classes, folders or files.

    Example:

    >>> from keras_isa.inputs.class_names import first_ten
    >>> first_ten(range(12)), first_ten(["cat", "dog"])
    ('0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more', 'cat, dog')
    """
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return ", ".join(map(str, names[:10])) + more


def parse_names(text: str) -> list[str]:
    """Returns the names in `NAME,NAME,...`, where a name may be in double quotes.

    Args:
        text: The names. Spaces around a name without quotes are dropped.

    Raises:
        ValueError: If a quote is not closed, or a closing quote is not followed by a comma.

    Example:

    >>> from keras_isa.inputs.class_names import parse_names
    >>> parse_names('cat, "tench, Tinca tinca"')
    ['cat', 'tench, Tinca tinca']
    """
    return [name for name, _ in _parsed(text, _NAME)]


def parse_counted_names(text: str) -> list[tuple[str, str]]:
    """Returns pairs of a name and a count from `NAME=COUNT,NAME=COUNT,...`.

    Args:
        text: Names as for `parse_names`. An unquoted name ends at its last equals sign.

    Raises:
        ValueError: As `parse_names`, or if a name has no equals sign.

    Example:

    >>> from keras_isa.inputs.class_names import parse_counted_names
    >>> parse_counted_names('cat=1,"1=one"=2')
    [('cat', '1'), ('1=one', '2')]
    """
    return _parsed(text, _COUNTED)


def can_be_stored(name: str) -> bool:
    """Returns whether a name has no line breaks, control characters or lone surrogates.

    File systems allow these characters, but tables and text files cannot hold them as they are.

    Example:

    >>> from keras_isa.inputs.class_names import can_be_stored
    >>> can_be_stored("tench, Tinca tinca"), can_be_stored("cat\\n")
    (True, False)
    """
    return not any(unicodedata.category(one) in ("Cc", "Cs", "Zl", "Zp") for one in name)


def _parsed(text: str, pattern: re.Pattern) -> list[tuple[str, str]]:
    found, place, end = [], 0, ","
    while end == ",":
        one = pattern.match(text, place)
        if not one or (one["plain"] or "").startswith('"'):
            raise ValueError(
                "a name with commas, quotes or equals signs must be in double quotes, with its own "
                f"quotes doubled. Received: {text}"
            )
        quoted = one["quoted"]
        name = one["plain"] if quoted is None else quoted.replace('""', '"')
        found.append((name, one.groupdict().get("count", "")))
        place, end = one.end(), one["end"]
    return found


def _quoted(name: str) -> str:
    if name and name == name.strip() and not set(name) & set(',"='):
        return name
    return '"' + name.replace('"', '""') + '"'


def check_class_names(class_names: Sequence[str]) -> tuple[str, ...]:
    """Returns `class_names` as a tuple of different strings, or raises an error."""
    names = None
    if not isinstance(class_names, str | set | frozenset | Mapping):
        with contextlib.suppress(TypeError):
            names = tuple(class_names)
    if names is None or not all(isinstance(name, str) for name in names):
        raise TypeError(
            "`class_names` must be a sequence of strings, one per class in the order of their "
            f"numbers. Received: class_names={class_names!r:.200}"
        )
    repeated = next((name for name, times in Counter(names).items() if times > 1), None)
    if repeated is not None:
        raise ValueError(f"`class_names` must differ from each other. Received: {repeated!r} twice")
    return tuple(str(name) for name in names)


def comparable_name(name: str) -> str:
    """Returns a form of a name that is equal for all names that look the same."""
    return " ".join(unicodedata.normalize("NFC", name).split())


def look_alikes(names: Iterable[str]) -> tuple[str, str] | None:
    """Returns the first two names that look the same, escaped so that the difference shows.

    Args:
        names: Class names, all different.

    Example:

    >>> from keras_isa.inputs.class_names import look_alikes
    >>> look_alikes(["cat", "dog", "cat "]), look_alikes(["cat", "Cat"])
    (("'cat'", "'cat '"), None)
    """
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(comparable_name(name), name)
        if other != name:
            return ascii(other), ascii(name)
    return None


def check_several_classes(class_names: Sequence[str], argument: str) -> None:
    """Raises a ValueError if there is only one class, because then there is nothing to learn.

    Args:
        class_names: Names of all classes.
        argument: The caller's name for the data.
    """
    if len(class_names) == 1:
        raise ValueError(
            f"`{argument}` must hold two classes or more. Received: {ascii(class_names[0])} alone"
        )


def sort_names(names: Iterable[str]) -> list[str]:
    """Returns class names sorted, by their value if all are whole numbers, otherwise as text.

    Example:

    >>> from keras_isa.inputs.class_names import sort_names
    >>> sort_names(["10", "9", "1"]), sort_names(["10", "9", "b"])
    (['1', '9', '10'], ['10', '9', 'b'])
    """
    names = sorted(names)
    return sorted(names, key=int) if all(name.isdecimal() for name in names) else names
