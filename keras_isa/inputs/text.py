"""Text that a stranger may have written, cut and cleaned so that a message can show it."""

from __future__ import annotations


def one_line(value: object) -> str:
    """The beginning of a text that a stranger may have written, or of an error about it.

    Example:

    >>> from keras_isa.inputs.text import one_line
    >>> one_line("a name\\n and more")
    'a name'
    """
    text = (str(value) or type(value).__name__).splitlines()[0][:200]
    return "".join(c if c.isprintable() else "?" for c in text)
