"""Kills a run with SIGKILL again and again and compares its end with that of a run left alone.

    python benchmarks/kill_and_resume.py --kills 30

A small run on the digits saves its state after every step. The process is killed at random
moments, every third time as soon as a half-written file is seen, and started again until it has
ended. Prints one JSON object; progress goes to stderr.

    kills               how many there were, by what the process was doing
    bit_equal           whether images, labels and all variables of the trainer are the same
    seconds             wall time of all processes
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")

import _measure
import numpy as np


def main() -> None:
    parser = _measure.parser(__doc__)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--steps", type=int, default=8000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--child", nargs=2, metavar=("DIR", "RESULT"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        run(*map(Path, arguments.child), arguments.steps)
        return
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        start(folder / "whole", folder / "whole.npz", arguments.steps).wait()
        kills = kill(folder, arguments)
        equal = same(folder / "whole.npz", folder / "killed.npz")
    _measure.print_json(
        {
            "benchmark": "kill_and_resume",
            "configuration": {"steps": arguments.steps, "seed": arguments.seed},
            "kills": kills,
            "bit_equal": equal,
            "seconds": time.perf_counter() - started,
            **_measure.machine(),
        }
    )


def kill(folder: Path, arguments: argparse.Namespace) -> dict[str, int]:
    """Kills and starts again; returns how often the process was starting, running or writing."""
    rng, kills = random.Random(arguments.seed), {"starting": 0, "running": 0, "writing": 0}
    for number in range(arguments.kills):
        child = start(folder / "killed", folder / "killed.npz", arguments.steps)
        doing = ("running", "running", "writing")[number % 3]
        if number % 10 == 9:
            doing = "starting"
            time.sleep(rng.uniform(0, 4))
        else:
            before = modified(folder / "killed")
            while child.poll() is None and modified(folder / "killed") == before:
                time.sleep(0.01)
            time.sleep(rng.uniform(0, 0.5))
        while doing == "writing" and child.poll() is None:
            if any(path.name.startswith(".run-") for path in (folder / "killed").iterdir()):
                break
        if child.poll() is not None:
            raise SystemExit("the run ended before it was killed: give it more --steps")
        child.kill()
        child.wait()
        kills[doing] += 1
        print(f"kill {number + 1}: {doing}", file=sys.stderr)
    start(folder / "killed", folder / "killed.npz", arguments.steps).wait()
    return kills


def modified(folder: Path) -> int:
    """When the state was last written."""
    path = folder / "run.npz"
    return path.stat().st_mtime_ns if path.exists() else 0


def same(one: Path, other: Path) -> bool:
    """Whether two results hold the same numbers."""
    with np.load(one) as left, np.load(other) as right:
        return left.files == right.files and all(
            np.array_equal(left[name], right[name]) for name in left.files
        )


def start(folder: Path, result: Path, steps: int) -> subprocess.Popen:
    """Starts a process that goes on with the run in a folder."""
    command = [sys.executable, __file__, "--steps", str(steps), "--child", folder, result]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


def run(folder: Path, result: Path, steps: int) -> None:
    """The run; writes everything that it ended with."""
    import keras_isa
    from keras_isa.inputs.arrays import to_numpy
    from keras_isa.training.run_state import RunFolder, state_variables

    train, _ = keras_isa.datasets.load("digits")
    trainer = keras_isa.FRePoTrainer.from_preset(
        "digits", verbose=False, width=4, pool_size=2, batch_size=32, steps=steps, epochs=10
    )
    trainer.fit(train, validation_split=0.1, resume=RunFolder(folder, seconds=0), verbose=0)
    images, labels = trainer.distilled.to_numpy()
    state = {str(i): to_numpy(v) for i, v in enumerate(state_variables(trainer))}
    np.savez(result, images=images, labels=labels, **state)


if __name__ == "__main__":
    main()
