"""A reader of pickle files with arrays, lists and texts that executes no code from the file.

A pickle is a program for a small stack machine. The machine in this module knows only the few
instructions that files of numbers need, and it calls no function that a pickle names. The names of
NumPy's functions that rebuild arrays are only compared with known names. The arrays are made here,
from the bytes in the file.
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
    set_state,
    to_dictionary,
    to_text,
    unwrap_arrays,
)
from keras_isa.inputs.text import one_line

# A real file has one or two instructions for each label and each file name.
_MAX_INSTRUCTIONS = 1 << 19
_MAX_DEPTH = 32
_MAX_TEXT = 1 << 16
_MAX_LINE = 1 << 28


def begins_as_pickle(file: Path) -> bool:
    """Returns whether a file exists and its first bytes are those of a pickled dictionary."""
    if not file.is_file():
        return False
    with open(file, "rb") as stream:
        start = stream.read(2)
    return start == b"(d" or (start[:1] == b"\x80" and start[1:] <= b"\x05") or start[:1] == b"}"


def read_pickle(path: Path) -> dict[str, Any]:
    """Returns the dictionary in a pickle file of protocol 0 to 5.

    The file is mapped into memory. Arrays are views of it if possible, so that only the rows that
    are used are read from the disk.

    Args:
        path: The file.

    Returns:
        A dictionary of arrays, lists, tuples, numbers, `str` and `bytes`.

    Raises:
        ValueError: If the file holds anything else or is damaged. The message is only the reason.
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
    return unwrap_arrays(found)


class _Stream:
    """A stream that returns pieces of a file in memory without copying them."""

    def __init__(self, content: memoryview) -> None:
        self.content, self.position = content, 0

    def read(self, size: int) -> memoryview:
        piece = self.content[self.position : self.position + size]
        if len(piece) < size:
            raise ValueError(f"it ends before the end of {size:,} bytes that it announces")
        self.position += size
        return piece

    def readline(self) -> bytes:
        end = self._end_of_line()
        line = bytes(self.content[self.position : end])
        self.position = end
        return line

    def _end_of_line(self) -> int:
        for start in range(self.position, len(self.content), 4096):
            found = bytes(self.content[start : start + 4096]).find(b"\n")
            if found >= 0:
                return start + found + 1
            if start - self.position > _MAX_LINE:
                break
        raise ValueError("a line in it has no end")


class _Machine:
    """A stack machine that runs one pickle.

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
        """Returns the value that is on the stack at the end."""
        for _ in range(_MAX_INSTRUCTIONS):
            name, step, reader = _TABLE[self.stream.read(1)[0]]
            if step is None:
                if name == "STOP":
                    break
                raise ValueError(f"it has the instruction {name}, which no file of numbers needs")
            step(self, reader(self.stream) if reader else None)
        else:
            raise ValueError(f"it has more than {_MAX_INSTRUCTIONS:,} instructions")
        if len(self.stack) != 1 or self.marks or self.stream.position != len(self.stream.content):
            raise ValueError("it does not end with one value")
        return self.stack[0]

    def pop(self) -> Any:
        if len(self.stack) <= (self.marks[-1] if self.marks else 0):
            raise ValueError("an instruction has nothing to work on")
        return self.stack.pop()

    def pop_mark(self) -> list[Any]:
        if not self.marks:
            raise ValueError("an instruction has nothing to work on")
        start = self.marks.pop()
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def top(self, kind: type) -> Any:
        """Returns the value on top of the stack without removing it."""
        found = self.pop()
        self.stack.append(found)
        if not isinstance(found, kind):
            raise ValueError(f"an instruction needs a {kind.__name__} and finds another value")
        return found

    # ------------------------------------------------------------ steps

    def nothing(self, argument: Any) -> None:
        pass

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def push_piece(self, value: Any) -> None:
        """Pushes bytes. Long ones are not copied, but remain views of the file."""
        self.stack.append(bytes(value) if len(value) <= _MAX_TEXT else value)

    def mark(self, _: None) -> None:
        if len(self.marks) >= _MAX_DEPTH:
            raise ValueError(f"its values are nested more than {_MAX_DEPTH} deep")
        self.marks.append(len(self.stack))

    def put(self, index: int) -> None:
        if not 0 <= index < _MAX_INSTRUCTIONS:
            raise ValueError(f"it stores a value under the number {index}")
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
        self.top(dict)[to_text(key)] = value

    def set_items(self, _: None) -> None:
        values = self.pop_mark()
        self.top(dict).update(to_dictionary(values))

    def build_tuple(self, count: int) -> None:
        self.stack.append(tuple(reversed([self.pop() for _ in range(count)])))

    def name(self, name: str) -> None:
        if name not in NAMES:
            raise ValueError(f"it asks for {one_line(name)}, which no file of numbers needs")
        self.stack.append(Name(NAMES[name]))

    def stack_name(self, _: None) -> None:
        name, module = self.pop(), self.pop()
        self.name(f"{module}.{name}" if isinstance(name, str) and isinstance(module, str) else "?")

    def reduce(self, _: None) -> None:
        arguments, name = self.pop(), self.pop()
        if not isinstance(name, Name) or not isinstance(arguments, tuple):
            raise ValueError("it asks for a call that no file of numbers needs")
        if name == Name(ENCODE):
            made = self._encode(*arguments)
        elif name.value in MAKERS:
            made = MAKERS[name.value](*arguments)
        else:
            raise ValueError(f"it asks for a call of {name.value}")
        self.stack.append(made)

    def build(self, _: None) -> None:
        state, target = self.pop(), self.pop()
        set_state(target, state)
        self.stack.append(target)

    def _encode(self, text: str, encoding: Any) -> bytes:
        """Returns the bytes that Python 3 writes as an encoded text in protocols of Python 2."""
        if not isinstance(text, str) or to_text(encoding) != "latin1":
            raise ValueError("it asks for an encoding that no file of numbers needs")
        # A forged file can encode the same text many times, and so fill the memory.
        self.encoded += len(text)
        if self.encoded > len(self.stream.content):
            raise ValueError("it encodes more text than it has")
        return text.encode("latin1")


# ---------------------------------------------------------------- instructions


def _piece(length_of: Callable[[Any], int]) -> Callable[[_Stream], memoryview]:
    return lambda stream: stream.read(length_of(stream))


def _line(stream: _Stream) -> bytes:
    """Returns a quoted text of protocol 0 as bytes."""
    return pickletools.read_stringnl(stream).encode("latin1")


def _dotted(stream: _Stream) -> str:
    module, name = (stream.readline()[:-1].decode("ascii", "replace") for _ in range(2))
    return f"{module}.{name}"


# Texts of Python 2 are bytes. All bytes are read as views of the file.
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
    "DICT": lambda machine, _: machine.push(to_dictionary(machine.pop_mark())),
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
    """Returns the name of an instruction, its method, and the function that reads its argument."""
    found = pickletools.code2op.get(chr(code))
    if found is None:
        return f"of code {code}", None, None
    reader = _READERS.get(found.name) or (found.arg and found.arg.reader)
    return found.name, _STEPS.get(found.name), reader


_TABLE = [_instruction(code) for code in range(256)]
