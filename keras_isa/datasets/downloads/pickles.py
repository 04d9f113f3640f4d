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

from keras_isa.datasets.downloads import pickled_arrays as arrays
from keras_isa.inputs.text import one_line

# A real file has one or two instructions for each label and each file name.
_MAX_INSTRUCTIONS = 1 << 19
_MAX_DEPTH = 32
_MAX_TEXT = 1 << 16


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
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    try:
        found = _Machine(content).run()
    except (ArithmeticError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(one_line(error)) from error
    if not isinstance(found, dict):
        raise ValueError(f"it holds a {type(found).__name__}, not a dictionary")
    return arrays.unwrap_arrays(found)


class _Machine:
    """A stack machine that runs one pickle.

    Args:
        content: The whole file.
    """

    def __init__(self, content: mmap.mmap) -> None:
        self.content = content
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.encoded = 0

    def run(self) -> Any:
        """Returns the value that is on the stack at the end."""
        for _ in range(_MAX_INSTRUCTIONS):
            code = self.content.read(1)
            if not code:
                raise ValueError("it ends before its last instruction")
            name, read = _INSTRUCTIONS[code[0]]
            if name == "STOP":
                break
            argument = read(self.content) if read else None
            if name in _VALUES:  # most instructions, so they are not sent through `step`
                self.stack.append(argument)
            else:
                self.step(name, argument)
        else:
            raise ValueError(f"it has more than {_MAX_INSTRUCTIONS:,} instructions")
        if len(self.stack) != 1 or self.marks or self.content.read(1):
            raise ValueError("it does not end with one value")
        return self.stack[0]

    def step(self, name: str, argument: Any) -> None:
        """Executes one other instruction; those that a file has many of come first."""
        push, pop = self.stack.append, self.pop
        match name:
            case "BINPUT" | "LONG_BINPUT" | "PUT":
                self.put(argument)
            case "BINGET" | "LONG_BINGET" | "GET":
                if argument not in self.memo:
                    raise ValueError(f"it refers to value {argument}, which it does not have")
                push(self.memo[argument])
            case "PROTO" | "FRAME":
                pass
            case "MARK":
                if len(self.marks) >= _MAX_DEPTH:
                    raise ValueError(f"its values are nested more than {_MAX_DEPTH} deep")
                self.marks.append(len(self.stack))
            case "MEMOIZE":
                self.put(len(self.memo))
            case "NONE":
                push(None)
            case "NEWTRUE" | "NEWFALSE":
                push(name == "NEWTRUE")
            case "EMPTY_LIST":
                push([])
            case "EMPTY_DICT":
                push({})
            case "EMPTY_TUPLE":
                push(())
            case "LIST":
                push(self.pop_mark())
            case "DICT":
                push(arrays.to_dictionary(self.pop_mark()))
            case "TUPLE":
                push(tuple(self.pop_mark()))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                push(tuple(reversed([pop() for _ in range(int(name[-1]))])))
            case "APPEND":
                value = pop()
                self.top(list).append(value)
            case "APPENDS":
                values = self.pop_mark()
                self.top(list).extend(values)
            case "SETITEM":
                value, key = pop(), pop()
                self.top(dict)[arrays.to_text(key)] = value
            case "SETITEMS":
                values = self.pop_mark()
                self.top(dict).update(arrays.to_dictionary(values))
            case "GLOBAL":
                push(_known(argument))
            case "STACK_GLOBAL":
                last, module = pop(), pop()
                push(_known(f"{arrays.to_text(module)}.{arrays.to_text(last)}"))
            case "REDUCE":
                arguments, function = pop(), pop()
                push(self.call(function, arguments))
            case "BUILD":
                state = pop()
                arrays.set_state(self.top(object), state)
            case _:
                raise ValueError(f"it has the instruction {name}, which no file of numbers needs")

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

    def put(self, index: int) -> None:
        if not 0 <= index < _MAX_INSTRUCTIONS:
            raise ValueError(f"it stores a value under the number {index}")
        self.memo[index] = self.top(object)

    def call(self, function: Any, arguments: Any) -> Any:
        """Returns what one of the known functions makes of the arguments."""
        if not isinstance(function, arrays.Name) or not isinstance(arguments, tuple):
            raise ValueError("it asks for a call that no file of numbers needs")
        if function.value == arrays.ENCODE:
            return self._encode(*arguments)
        if function.value not in arrays.MAKERS:
            raise ValueError(f"it asks for a call of {function.value}")
        return arrays.MAKERS[function.value](*arguments)

    def _encode(self, text: str, encoding: Any) -> bytes:
        """Returns the bytes that Python 3 writes as an encoded text in protocols of Python 2."""
        if not isinstance(text, str) or arrays.to_text(encoding) != "latin1":
            raise ValueError("it asks for an encoding that no file of numbers needs")
        # A forged file can encode the same text many times, and so fill the memory.
        self.encoded += len(text)
        if self.encoded > len(self.content):
            raise ValueError("it encodes more text than it has")
        return text.encode("latin1")


def _known(name: str) -> arrays.Name:
    if name not in arrays.NAMES:
        raise ValueError(f"it asks for {one_line(name)}, which no file of numbers needs")
    return arrays.Name(arrays.NAMES[name])


# ---------------------------------------------------------------- instructions


def _piece(length_of: Callable[[Any], int]) -> Callable[[mmap.mmap], bytes | memoryview]:
    """Returns a function that reads bytes. Long ones are not copied, but views of the file."""

    def read(content: mmap.mmap) -> bytes | memoryview:
        size, start = length_of(content), content.tell()
        if start + size > len(content):
            raise ValueError(f"it ends before the end of {size:,} bytes that it announces")
        if size <= _MAX_TEXT:
            return content.read(size)
        content.seek(start + size)
        return memoryview(content)[start : start + size]

    return read


def _line(content: mmap.mmap) -> bytes:
    """Returns a quoted text of protocol 0 as bytes."""
    return pickletools.read_stringnl(content).encode("latin1")


def _dotted(content: mmap.mmap) -> str:
    return ".".join(content.readline()[:-1].decode("ascii", "replace") for _ in range(2))


# Texts of Python 2 are bytes.
_BYTES: dict[str, Callable[[mmap.mmap], Any]] = {
    "STRING": _line,
    **dict.fromkeys(("SHORT_BINSTRING", "SHORT_BINBYTES"), _piece(pickletools.read_uint1)),
    **dict.fromkeys(("BINSTRING", "BINBYTES"), _piece(pickletools.read_uint4)),
    **dict.fromkeys(("BINBYTES8", "BYTEARRAY8"), _piece(pickletools.read_uint8)),
}

# Instructions that only push the value after them.
_VALUES = {
    *("BININT1", "BININT2", "BININT", "INT", "LONG", "LONG1", "LONG4", "BINFLOAT", "FLOAT"),
    *("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "UNICODE"),
    *_BYTES,
}


def _instruction(code: int) -> tuple[str, Callable | None]:
    """Returns the name of an instruction, and the function that reads its argument."""
    found = pickletools.code2op.get(chr(code))
    if found is None:
        return f"of code {code}", None
    own = _dotted if found.name == "GLOBAL" else _BYTES.get(found.name)
    return found.name, own or (found.arg and found.arg.reader)


_INSTRUCTIONS = [_instruction(code) for code in range(256)]
