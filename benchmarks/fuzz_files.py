"""Reads thousands of damaged and forged files and counts what comes of them.

    python benchmarks/fuzz_files.py --flips 10000

Prints one JSON object with, for a distilled set (`keras`) and a dataset (`npz`), by kind of damage:

    truncated       the file cut off at every 1 % of its length
    flipped         one to four bytes changed, anywhere
    attacks         files made to do harm, see _attacks.py
    forged          one to four bytes changed inside of a member whose checksum is then mended; such
                    a file may hold other numbers, so only errors, time and memory count

and for each of them `cases`, `refused` (a ValueError of one line that names the file; of a dataset
also one that names the array, or a TypeError), `equal` (read as the original), `different`
(anything else was read), `escaped` (another error), `code_ran` (code in a file ran, or a file was
written), `seconds`, `slowest_seconds` and `memory_growth_mb`, the highest memory of a case above
that before it (on Linux). `different` (but for forged), `escaped` and
`code_ran` must be 0; otherwise the exit status is 1 and `failures` names the first of them.
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
import _measure
import numpy as np

COUNTS = ("refused", "equal", "different", "escaped", "code_ran")
Damage = Callable[[Path, Path], None]


def main() -> None:
    parser = _measure.parser(__doc__)
    parser.add_argument("--flips", type=int, default=1000, help="files with flipped bytes")
    parser.add_argument("--forged", type=int, default=1000, help="flipped with mended checksum")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with contextlib.redirect_stdout(sys.stderr):
        result = measure(arguments)
    _measure.print_json(result)
    sys.exit(1 if result["failures"] else 0)


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    failures: list[str] = []
    found = {}
    for kind in ("keras", "npz"):
        subject = Subject(kind)
        groups = {
            "truncated": truncated(subject),
            "flipped": flipped(subject, arguments.flips, arguments.seed),
            "attacks": subject.attacks,
            "forged": forged(subject, arguments.forged, arguments.seed),
        }
        found[kind] = {}
        for name, cases in groups.items():
            print(f"{kind}: {len(cases)} {name}", flush=True)
            found[kind][name] = subject.count(cases, failures, anything=name == "forged")
    return {
        "benchmark": "fuzz_files",
        "configuration": vars(arguments),
        **found,
        "failures": failures[:10],
        **_measure.peak_memory(),
        **_measure.machine(),
    }


class Subject:
    """A good file, and what comes of reading a damaged copy of it."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.attacks = {"keras": _attacks.ASSET_ATTACKS, "npz": _attacks.NPZ_ATTACKS}[kind]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"good.{kind}"
            {"keras": _attacks.good_asset, "npz": _attacks.good_npz}[kind](path)
            self.content = path.read_bytes()
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

    def count(self, cases: dict[str, Damage], failures: list[str], anything: bool) -> dict:
        """Reads a file for every case; `anything` may come out of a forged one."""
        counts: dict[str, float] = {"cases": len(cases), **dict.fromkeys(COUNTS, 0)}
        slowest = growth = 0.0
        started = time.perf_counter()
        for name, damage in cases.items():
            outcome, seconds, memory = self.outcome(damage)
            counts[outcome] += 1
            slowest, growth = max(slowest, seconds), max(growth, memory)
            if outcome in COUNTS[2:] and not (anything and outcome == "different"):
                failures.append(f"{self.kind}, {name}: {outcome}")
        counts["seconds"] = time.perf_counter() - started
        return {**counts, "slowest_seconds": slowest, "memory_growth_mb": growth / 1e6}

    def outcome(self, damage: Damage) -> tuple[str, float, int]:
        """What reading a damaged file ends in, its seconds and the growth of the memory."""
        from keras_isa.memory import peak_bytes, resident_bytes

        with tempfile.TemporaryDirectory() as folder:
            outside, inside = Path(folder), Path(folder) / "inside"
            inside.mkdir()
            path, marker = inside / f"set.{self.kind}", outside / "marker"
            path.write_bytes(self.content)
            damage(path, marker)
            here = set(outside.rglob("*"))
            _measure.forget_peak_memory()
            before, started = resident_bytes(), time.perf_counter()
            try:
                outcome = "equal" if same(self.load(path), self.arrays) else "different"
            except (ValueError, TypeError) as error:
                message = str(error)
                helps = str(path) in message if isinstance(error, ValueError) else False
                if self.kind == "npz":
                    helps = helps or message.startswith("`")
                outcome = "refused" if helps and "\n" not in message else "escaped"
            except Exception:
                outcome = "escaped"
            seconds, growth = time.perf_counter() - started, peak_bytes() - before
            if set(outside.rglob("*")) != here:
                outcome = "code_ran"
        return outcome, seconds, growth


def same(one: Any, other: Any) -> bool:
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    return one == other


# ---------------------------------------------------------------- damage


def truncated(subject: Subject) -> dict[str, Damage]:
    def cut(percent: int) -> Damage:
        content = subject.content[: len(subject.content) * percent // 100]
        return lambda path, marker: path.write_bytes(content)

    return {f"cut at {percent} %": cut(percent) for percent in range(100)}


def flipped(subject: Subject, count: int, seed: int) -> dict[str, Damage]:
    def flip(k: int) -> Damage:
        rng = random.Random(f"{seed}/{k}")
        return lambda path, marker: path.write_bytes(changed(subject.content, rng))

    return {f"flip {k}": flip(k) for k in range(count)}


def forged(subject: Subject, count: int, seed: int) -> dict[str, Damage]:
    def forge(k: int) -> Damage:
        rng = random.Random(f"{seed}/{k}")
        name = rng.choice([name for name in subject.members if not name.startswith("metadata")])
        return lambda path, marker: _attacks.forged(path, name, changed(subject.members[name], rng))

    return {f"forgery {k}": forge(k) for k in range(count)}


def changed(content: bytes, rng: random.Random) -> bytes:
    """Content with one to four other bytes."""
    result = bytearray(content)
    for place in rng.sample(range(len(result)), rng.choice((1, 1, 2, 4))):
        result[place] ^= rng.randrange(1, 256)
    return bytes(result)


if __name__ == "__main__":
    main()
