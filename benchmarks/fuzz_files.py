"""Reads thousands of damaged and forged files and counts what comes of them.

    python benchmarks/fuzz_files.py --flips 10000

Prints one JSON object with, for a distilled set (`keras`), a dataset (`npz`), published sets of
others (_foreign.py) and each sample of a download (tests/datasets/downloads/*samples.py), by kind
of damage:

    truncated       the file cut off at every 1 % of its length; of many files, some
    flipped         one to four bytes changed, anywhere
    attacks         files made to do harm, see _attacks.py and _download_attacks.py
    forged          one to four bytes changed inside of a member whose checksum is then mended; such
                    a file may hold other numbers, so only errors, time and memory count (only of
                    `keras` and `npz`)

In a file without checksums other pixels are read as they are, so there too `different` does not
count. For each kind of damage there are `cases`, `refused` (a ValueError of one line that names the
file; of a dataset also one that names the array, or a TypeError), `equal` (read as the original),
`different` (anything else was read), `escaped` (another error), `code_ran` (code in a file ran, or
a file was written), `seconds`, `slowest_seconds` and `memory_growth_mb`, the highest memory of a
case above that before it (on Linux). `different` (but for those above), `escaped` and `code_ran`
must be 0; otherwise the exit status is 1 and `failures` names the first of them.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import _attacks
import _downloads
import _foreign
import _measure
import numpy as np

KINDS = ("keras", "npz")
COUNTS = ("refused", "equal", "different", "escaped", "code_ran")
Damage = Callable[[Path, Path], None]
# Where files of bytes say what they are; the rest are mostly pixels, which may be any.
HEAD = 400
# Files of one sample that are cut off in turn.
MOST_CUT = 15


def main() -> None:
    parser = _measure.parser(__doc__)
    parser.add_argument("--flips", type=int, default=1000, help="files with flipped bytes")
    parser.add_argument("--forged", type=int, default=1000, help="flipped with mended checksum")
    readers = (*KINDS, *_foreign.GOOD, *_downloads.samples())
    parser.add_argument(
        "--only", nargs="*", choices=readers, metavar="NAME", default=readers,
        help=f"what is read, by default all of {', '.join(readers)}",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with contextlib.redirect_stdout(sys.stderr):
        result = measure(arguments)
    _measure.print_json(result)
    sys.exit(1 if result["failures"] else 0)


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    failures: list[str] = []
    found = {}
    for kind in arguments.only:
        subject = subject_of(kind)
        groups = {
            "truncated": truncated(subject),
            "flipped": flipped(subject, arguments.flips, arguments.seed),
            "attacks": subject.attacks,
        }
        if kind in KINDS:
            groups["forged"] = forged(subject, arguments.forged, arguments.seed)
        found[kind] = {}
        for name, cases in groups.items():
            print(f"{kind}: {len(cases)} {name}", flush=True)
            anything = name == "forged" or not subject.checked
            found[kind][name] = count(subject, cases, failures, anything)
    return {
        "benchmark": "fuzz_files",
        "configuration": vars(arguments),
        **found,
        "failures": failures[:10],
        **_measure.peak_memory(),
        **_measure.machine(),
    }


def subject_of(kind: str) -> Any:
    """The files of a kind: `keras`, `npz`, a format of published sets, or a download."""
    if kind in KINDS:
        return Subject(kind)
    return (_foreign if kind in _foreign.GOOD else _downloads).Subject(kind)


class Subject:
    """A good file, and what comes of reading a damaged copy of it."""

    checked = True  # every byte is under a checksum

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.attacks = {"keras": _attacks.ASSET_ATTACKS, "npz": _attacks.NPZ_ATTACKS}[kind]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"good.{kind}"
            {"keras": _attacks.good_asset, "npz": _attacks.good_npz}[kind](path)
            self.files = {"": path.read_bytes()}
            self.members = _attacks.members_of(path)
            self.arrays = self.load(path)

    def load(self, path: Path) -> list[Any]:
        """Everything that is read from a file."""
        import keras_isa
        from keras_isa import datasets

        if self.kind == "npz":
            return [(part.x, part.y, part.class_names) for part in datasets.load(path)]
        distilled = keras_isa.load(path)
        settings = distilled.get_config()
        for layer in (settings, settings["preprocessing"]["config"]):
            del layer["name"]  # Keras counts layers in it
        return [distilled.to_numpy("model"), distilled.to_numpy("pixels"), settings]

    def write(self, folder: Path) -> Path:
        """Writes the good file."""
        path = folder / f"set.{self.kind}"
        path.write_bytes(self.files[""])
        return path

    def helps(self, error: Exception, path: Path) -> bool:
        """Whether an error says which file or which array is at fault."""
        named = isinstance(error, ValueError) and str(path) in str(error)
        return named or (self.kind == "npz" and str(error).startswith("`"))


def count(subject: Any, cases: dict[str, Damage], failures: list[str], anything: bool) -> dict:
    """Reads a file for every case; `anything` may come out of a forged one."""
    counts: dict[str, float] = {"cases": len(cases), **dict.fromkeys(COUNTS, 0)}
    slowest = growth = 0.0
    started = time.perf_counter()
    for name, damage in cases.items():
        found, seconds, memory = outcome(subject, damage)
        counts[found] += 1
        slowest, growth = max(slowest, seconds), max(growth, memory)
        if found in COUNTS[2:] and not (anything and found == "different"):
            failures.append(f"{subject.kind}, {name}: {found}")
    counts["seconds"] = time.perf_counter() - started
    return {**counts, "slowest_seconds": slowest, "memory_growth_mb": growth / 1e6}


def outcome(subject: Any, damage: Damage) -> tuple[str, float, int]:
    """What reading a damaged file ends in, its seconds and the growth of the memory."""
    from keras_isa.memory import peak_bytes, resident_bytes

    with tempfile.TemporaryDirectory() as folder:
        outside, inside = Path(folder), Path(folder) / "inside"
        inside.mkdir()
        path, marker = subject.write(inside), outside / "marker"
        damage(path, marker)
        here = set(outside.rglob("*"))
        _measure.forget_peak_memory()
        before, started = resident_bytes(), time.perf_counter()
        try:
            found = "equal" if same(subject.load(path), subject.arrays) else "different"
        except (ValueError, TypeError) as error:
            one_line = "\n" not in str(error)
            found = "refused" if one_line and subject.helps(error, path) else "escaped"
        except Exception:
            found = "escaped"
        seconds, growth = time.perf_counter() - started, peak_bytes() - before
        if set(outside.rglob("*")) != here:
            found = "code_ran"
    return found, seconds, growth


def same(one: Any, other: Any) -> bool:
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    return one == other


# ---------------------------------------------------------------- damage


def truncated(subject: Any) -> dict[str, Damage]:
    def cut(name: str, percent: int) -> Damage:
        def damage(path: Path, marker: Path) -> None:
            whole = subject.files[name]
            replace(path, name, whole[: len(whole) * percent // 100])

        return damage

    return {
        f"{name} cut at {percent} %": cut(name, percent)
        for name in list(subject.files)[:: 1 + len(subject.files) // MOST_CUT]
        for percent in range(100)
    }


def flipped(subject: Any, count: int, seed: int) -> dict[str, Damage]:
    head = None if subject.checked else HEAD

    def flip(k: int) -> Damage:
        def damage(path: Path, marker: Path) -> None:
            rng = random.Random(f"{seed}/{k}")
            name = rng.choice([name for name, content in subject.files.items() if content])
            replace(path, name, changed(subject.files[name], rng, head))

        return damage

    return {f"flip {k}": flip(k) for k in range(count)}


def replace(path: Path, name: str, content: bytes) -> None:
    """Puts other content into a file of a set; one that is a single file has no name."""
    (path / name if name else path).write_bytes(content)


def forged(subject: Subject, count: int, seed: int) -> dict[str, Damage]:
    def forge(k: int) -> Damage:
        rng = random.Random(f"{seed}/{k}")
        name = rng.choice([name for name in subject.members if not name.startswith("metadata")])
        return lambda path, marker: _attacks.forged(path, name, changed(subject.members[name], rng))

    return {f"forgery {k}": forge(k) for k in range(count)}


def changed(content: bytes, rng: random.Random, head: int | None = None) -> bytes:
    """Content with one to four other bytes: half of the time, where asked for, in its head."""
    result = bytearray(content)
    end = min(len(result), head) if head and rng.random() < 0.5 else len(result)
    for place in rng.sample(range(end), min(end, rng.choice((1, 1, 2, 4)))):
        result[place] ^= rng.randrange(1, 256)
    return bytes(result)


if __name__ == "__main__":
    main()
