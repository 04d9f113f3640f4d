"""Class names: which are possible, and lists of them in a line of text, read back as written."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

_QUOTED = r'"(?P<quoted>(?:[^"]|"")*)"'
_NAME = re.compile(rf"\s*(?:{_QUOTED}|(?P<plain>[^,]*?))\s*(?P<end>,|$)")
_COUNTED = re.compile(
    rf"\s*(?:{_QUOTED}|(?P<plain>[^,]*?))\s*=\s*(?P<count>[^,=\"]*?)\s*(?P<end>,|$)"
)


def listed_names(names: Sequence[str], most: int | None = None) -> str:
    """Returns names as `parse_names` reads them.

    As in CSV files, a name with a comma, a quote, an equals sign or spaces at its ends stands in
    double quotes, and its own quotes are doubled.

    Args:
        names: Class names.
        most: How many are listed, by default all; dots stand for the others.

    Example:

    >>> from keras_isa.inputs.class_names import listed_names
    >>> listed_names(["cat", "tench, Tinca tinca", "1=one"])
    'cat,"tench, Tinca tinca","1=one"'
    """
    words = [_quoted(name) for name in names[:most]]
    return ",".join(words) if most is None or len(names) <= most else ",".join([*words, "..."])


def first_names(names: Sequence[object]) -> str:
    """Returns the first ten names and how many there are besides, for a message.

    Args:
        names: Of classes, folders or files.

    Example:

    >>> from keras_isa.inputs.class_names import first_names
    >>> first_names(range(12)), first_names(["cat", "dog"])
    ('0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more', 'cat, dog')
    """
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return ", ".join(map(str, names[:10])) + more


def parse_names(text: str) -> list[str]:
    """Returns the names in `NAME,NAME,...`, where a name may stand in double quotes.

    Args:
        text: Names; spaces around a name that has no quotes are left out.

    Raises:
        ValueError: If a quote is not closed, or something follows it.

    Example:

    >>> from keras_isa.inputs.class_names import parse_names
    >>> parse_names('cat, "tench, Tinca tinca"')
    ['cat', 'tench, Tinca tinca']
    """
    return [name for name, _ in _parsed(text, _NAME)]


def parse_counted_names(text: str) -> list[tuple[str, str]]:
    """Returns the names and what follows them in `NAME=COUNT,NAME=COUNT,...`.

    Args:
        text: Names as for `parse_names`; the last equals sign of an unquoted one ends it.

    Raises:
        ValueError: As `parse_names`, or if a name has no equals sign.

    Example:

    >>> from keras_isa.inputs.class_names import parse_counted_names
    >>> parse_counted_names('cat=1,"1=one"=2')
    [('cat', '1'), ('1=one', '2')]
    """
    return _parsed(text, _COUNTED)


def can_be_stored(name: str) -> bool:
    """Whether a name has no line breaks, control characters or halves of characters.

    These cannot be written to tables and files as they are. File systems allow them.

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
                "a name with commas, quotes or equals signs must stand in double quotes, with its "
                f"own quotes doubled. Received: {text}"
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
    """Returns `class_names` as a tuple of different strings, or says what is wrong with them."""
    if isinstance(class_names, str | set | frozenset | Mapping):
        raise TypeError(
            "`class_names` must be a sequence of strings, one per class in the order of their "
            f"numbers. Received: class_names={class_names!r}"
        )
    try:
        names = tuple(class_names)
    except TypeError:
        raise TypeError(
            "`class_names` must be a sequence of strings, one per class. Received: "
            f"class_names={class_names!r}"
        ) from None
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"`class_names` must be strings. Received: {name!r}")
    repeated = next((name for name, times in Counter(names).items() if times > 1), None)
    if repeated is not None:
        raise ValueError(f"`class_names` must differ from each other. Received: {repeated!r} twice")
    return tuple(str(name) for name in names)


def same_name(name: str) -> str:
    """Returns what two names have in common that look the same."""
    return " ".join(unicodedata.normalize("NFC", name).split())


def look_alikes(names: Iterable[str]) -> tuple[str, str] | None:
    """Returns the first two names that look the same, escaped so that they differ.

    Args:
        names: Class names, all different.

    Example:

    >>> from keras_isa.inputs.class_names import look_alikes
    >>> look_alikes(["cat", "dog", "cat "]), look_alikes(["cat", "Cat"])
    (("'cat'", "'cat '"), None)
    """
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(same_name(name), name)
        if other != name:
            return ascii(other), ascii(name)
    return None


def check_several_classes(class_names: Sequence[str], argument: str) -> None:
    """Raises a ValueError if there is one class only, which leaves nothing to learn.

    Args:
        class_names: Of all classes.
        argument: The name the caller knows the data by.
    """
    if len(class_names) == 1:
        raise ValueError(
            f"`{argument}` must hold two classes or more. Received: {ascii(class_names[0])} alone"
        )


def ordered(names: Iterable[str]) -> list[str]:
    """Returns class names in their order: by number where all are numbers, otherwise as text.

    Example:

    >>> from keras_isa.inputs.class_names import ordered
    >>> ordered(["10", "9", "1"]), ordered(["10", "9", "b"])
    (['1', '9', '10'], ['10', '9', 'b'])
    """
    names = sorted(names)
    return sorted(names, key=int) if all(name.isdecimal() for name in names) else names
