"""Dictionaries of arrays, lists and texts out of pickle files, without executing anything.

A pickle is a small program. Here it runs on a machine of our own that knows the few instructions
which files of numbers consist of. It calls nothing: the names by which NumPy has an array rebuilt
are only compared with those that are known, and the array is made from the bytes in the file.
"""

from __future__ import annotations

import mmap
import pickletools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from keras_isa.datasets.downloads.pickled_arrays import (
    ENCODE,
    MAKERS,
    NAMES,
    Name,
    finished,
    pairs,
    set_state,
    text_of,
)
from keras_isa.inputs.text import one_line

# A real file has one instruction or two for each label and each file name.
_MOST_INSTRUCTIONS = 1 << 19
_DEEPEST = 32
_LONGEST_TEXT = 1 << 16
_LONGEST_LINE = 1 << 28


def begins_as_pickle(file: Path) -> bool:
    """Whether there is a file whose first bytes are those of a pickled dictionary."""
    if not file.is_file():
        return False
    with open(file, "rb") as stream:
        start = stream.read(2)
    return start == b"(d" or (start[:1] == b"\x80" and start[1:] <= b"\x05") or start[:1] == b"}"


def read_pickle(path: Path) -> dict[str, Any]:
    """Returns the dictionary in a pickle file of the protocols 0 to 5.

    The file is mapped into memory, and arrays that lie in it as they are stay there: only those of
    their rows that are used are read from the disk.

    Args:
        path: The file.

    Returns:
        By key: arrays, lists, tuples, numbers, `str` and `bytes`.

    Raises:
        ValueError: If it holds anything but such values, or is damaged. The message is only the
            reason.
    """
    with open(path, "rb") as file:
        if not file.read(1):
            raise ValueError("it is empty")
        content = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    try:
        found = _Machine(content).run()
    except (ArithmeticError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(one_line(error)) from error
    if not isinstance(found, dict):
        raise ValueError(f"it holds a {type(found).__name__}, not a dictionary")
    return finished(found)


class _Stream:
    """Gives pieces of a file without copying them."""

    def __init__(self, content: memoryview) -> None:
        self.content, self.place = content, 0

    def read(self, size: int) -> memoryview:
        piece = self.content[self.place : self.place + size]
        if len(piece) < size:
            raise ValueError(f"it ends before {size:,} bytes that it announces")
        self.place += size
        return piece

    def readline(self) -> bytes:
        end = self._end_of_line()
        line = bytes(self.content[self.place : end])
        self.place = end
        return line

    def _end_of_line(self) -> int:
        for start in range(self.place, len(self.content), 4096):
            found = bytes(self.content[start : start + 4096]).find(b"\n")
            if found >= 0:
                return start + found + 1
            if start - self.place > _LONGEST_LINE:
                break
        raise ValueError("a line in it has no end")


class _Machine:
    """Runs one pickle.

    Args:
        content: The whole file.
    """

    def __init__(self, content: memoryview) -> None:
        self.stream = _Stream(content)
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.encoded = 0

    def run(self) -> Any:
        """Returns the one value that remains."""
        for _ in range(_MOST_INSTRUCTIONS):
            name, step, reader = _TABLE[self.stream.read(1)[0]]
            if step is None:
                if name == "STOP":
                    break
                raise ValueError(f"the instruction {name} is no part of such a file")
            step(self, reader(self.stream) if reader else None)
        else:
            raise ValueError(f"it has more than {_MOST_INSTRUCTIONS:,} instructions")
        if len(self.stack) != 1 or self.marks or self.stream.place != len(self.stream.content):
            raise ValueError("it does not end with one value")
        return self.stack[0]

    def pop(self) -> Any:
        if len(self.stack) <= (self.marks[-1] if self.marks else 0):
            raise ValueError("an instruction has nothing to work on")
        return self.stack.pop()

    def pop_mark(self) -> list[Any]:
        if not self.marks:
            raise ValueError("an instruction has nothing to work on")
        place = self.marks.pop()
        items = self.stack[place:]
        del self.stack[place:]
        return items

    def top(self, kind: type) -> Any:
        """The value on top, left there."""
        found = self.pop()
        self.stack.append(found)
        if not isinstance(found, kind):
            raise ValueError(f"an instruction is meant for a {kind.__name__}")
        return found

    # ------------------------------------------------------------ steps

    def nothing(self, argument: Any) -> None:
        pass

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def push_piece(self, value: Any) -> None:
        """Pushes bytes: long ones stay in the file."""
        self.stack.append(bytes(value) if len(value) <= _LONGEST_TEXT else value)

    def mark(self, _: None) -> None:
        if len(self.marks) >= _DEEPEST:
            raise ValueError(f"its values lie more than {_DEEPEST} deep in each other")
        self.marks.append(len(self.stack))

    def put(self, index: int) -> None:
        if not 0 <= index < _MOST_INSTRUCTIONS:
            raise ValueError(f"it numbers a value {index}")
        self.memo[index] = self.top(object)

    def memoize(self, _: None) -> None:
        self.put(len(self.memo))

    def get(self, index: int) -> None:
        if index not in self.memo:
            raise ValueError(f"it refers to value {index}, which it does not have")
        self.stack.append(self.memo[index])

    def append(self, _: None) -> None:
        value = self.pop()
        self.top(list).append(value)

    def appends(self, _: None) -> None:
        values = self.pop_mark()
        self.top(list).extend(values)

    def set_item(self, _: None) -> None:
        value, key = self.pop(), self.pop()
        self.top(dict)[text_of(key)] = value

    def set_items(self, _: None) -> None:
        values = self.pop_mark()
        self.top(dict).update(pairs(values))

    def build_tuple(self, count: int) -> None:
        self.stack.append(tuple(reversed([self.pop() for _ in range(count)])))

    def name(self, name: str) -> None:
        if name not in NAMES:
            raise ValueError(f"it asks for {one_line(name)}, which is no part of such a file")
        self.stack.append(Name(NAMES[name]))

    def stack_name(self, _: None) -> None:
        name, module = self.pop(), self.pop()
        self.name(f"{module}.{name}" if isinstance(name, str) and isinstance(module, str) else "?")

    def reduce(self, _: None) -> None:
        arguments, name = self.pop(), self.pop()
        if not isinstance(name, Name) or not isinstance(arguments, tuple):
            raise ValueError("it asks for a call that is no part of such a file")
        if name == Name(ENCODE):
            made = self._encoded(*arguments)
        elif name.value in MAKERS:
            made = MAKERS[name.value](*arguments)
        else:
            raise ValueError(f"it asks for a call of {name.value}")
        self.stack.append(made)

    def build(self, _: None) -> None:
        state, target = self.pop(), self.pop()
        set_state(target, state)
        self.stack.append(target)

    def _encoded(self, text: str, encoding: Any) -> bytes:
        """What Python 3 writes for bytes where a file should be readable by Python 2."""
        if not isinstance(text, str) or text_of(encoding) != "latin1":
            raise ValueError("it asks for an encoding that is no part of such a file")
        self.encoded += len(text)  # the same text can be named again and again
        if self.encoded > len(self.stream.content):
            raise ValueError("it encodes more text than it has")
        return text.encode("latin1")


# ---------------------------------------------------------------- instructions


def _piece(length_of: Callable[[Any], int]) -> Callable[[_Stream], memoryview]:
    return lambda stream: stream.read(length_of(stream))


def _line(stream: _Stream) -> bytes:
    """A quoted text of protocol 0, as bytes."""
    return pickletools.read_stringnl(stream).encode("latin1")


def _dotted(stream: _Stream) -> str:
    module, name = (stream.readline()[:-1].decode("ascii", "replace") for _ in range(2))
    return f"{module}.{name}"


# Texts of Python 2 are bytes, and all bytes stay in the file.
_READERS: dict[str, Callable[[_Stream], Any]] = {
    "STRING": _line,
    "GLOBAL": _dotted,
    **dict.fromkeys(("SHORT_BINSTRING", "SHORT_BINBYTES"), _piece(pickletools.read_uint1)),
    **dict.fromkeys(("BINSTRING", "BINBYTES"), _piece(pickletools.read_uint4)),
    **dict.fromkeys(("BINBYTES8", "BYTEARRAY8"), _piece(pickletools.read_uint8)),
}
_STEPS: dict[str, Callable[[_Machine, Any], None]] = {
    **dict.fromkeys(("PROTO", "FRAME"), _Machine.nothing),
    **dict.fromkeys(
        ("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
        _Machine.push,
    ),
    **dict.fromkeys(("UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"), _Machine.push),
    **dict.fromkeys((name for name in _READERS if name != "GLOBAL"), _Machine.push_piece),
    "NONE": lambda machine, _: machine.push(None),
    "NEWTRUE": lambda machine, _: machine.push(True),
    "NEWFALSE": lambda machine, _: machine.push(False),
    "EMPTY_LIST": lambda machine, _: machine.push([]),
    "EMPTY_DICT": lambda machine, _: machine.push({}),
    "EMPTY_TUPLE": lambda machine, _: machine.push(()),
    "LIST": lambda machine, _: machine.push(machine.pop_mark()),
    "DICT": lambda machine, _: machine.push(pairs(machine.pop_mark())),
    "TUPLE": lambda machine, _: machine.push(tuple(machine.pop_mark())),
    "TUPLE1": lambda machine, _: machine.build_tuple(1),
    "TUPLE2": lambda machine, _: machine.build_tuple(2),
    "TUPLE3": lambda machine, _: machine.build_tuple(3),
    "MARK": _Machine.mark,
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), _Machine.put),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), _Machine.get),
    "MEMOIZE": _Machine.memoize,
    "APPEND": _Machine.append,
    "APPENDS": _Machine.appends,
    "SETITEM": _Machine.set_item,
    "SETITEMS": _Machine.set_items,
    "GLOBAL": _Machine.name,
    "STACK_GLOBAL": _Machine.stack_name,
    "REDUCE": _Machine.reduce,
    "BUILD": _Machine.build,
}


def _instruction(code: int) -> tuple[str, Callable | None, Callable | None]:
    """Name of an instruction, what it does and what reads its argument."""
    found = pickletools.code2op.get(chr(code))
    if found is None:
        return f"of code {code}", None, None
    reader = _READERS.get(found.name) or (found.arg and found.arg.reader)
    return found.name, _STEPS.get(found.name), reader


_TABLE = [_instruction(code) for code in range(256)]
