"""Text from a file that is not trusted, made safe to show in a message."""

from __future__ import annotations


def one_line(value: object) -> str:
    """Returns the first line of a text or an error, at most 200 characters that can be printed.

    Files that are not trusted may hold names of any length with any characters. A message that
    shows one must stay a single line.

    Example:

    >>> from keras_isa.inputs.text import one_line
    >>> one_line("a name\\n and more")
    'a name'
    """
    text = (str(value) or type(value).__name__).splitlines()[0][:200]
    return "".join(c if c.isprintable() else "?" for c in text)
