"""Times the trials of a search with and without sharing compiled steps.

    python benchmarks/tune_reuse.py --trials 6 --steps 100

The preset of the digits with other values of `crucial_fraction` and `regularization` in each trial,
scored by kernel regression on random networks. Prints one JSON object; progress goes to stderr.

    seconds_per_trial   median over all trials but the first, which compiles in any case
    first_seconds       the first trial
    seconds             of each trial
    compiled            programs compiled in each trial
    speedup             seconds_per_trial without sharing over that with it
    growth_mb           resident memory after the last trial over that after the second
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import _measure

_COMPILED = "/jax/core/compile/backend_compile_duration"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--trials", type=int, default=6)
    parser.add_argument("--steps", type=int, default=100, help="of a trial")
    parser.add_argument("--width", type=int, help="of the pool's networks, default: the preset's")
    parser.add_argument("--only", choices=("with", "without"), help="one of the two")
    arguments = parser.parse_args()
    ways = {"with": True, "without": False}
    if arguments.only:
        ways = {arguments.only: ways[arguments.only]}
    found = {f"{name}_reuse": search(arguments, reuse) for name, reuse in ways.items()}
    result = {"benchmark": "tune_reuse", "configuration": vars(arguments), **found}
    if len(found) == 2:
        slow, fast = (found[f"{name}_reuse"]["seconds_per_trial"] for name in ("without", "with"))
        result["speedup"] = slow / fast
    _measure.print_json({**result, **_measure.machine()})


def search(arguments: argparse.Namespace, reuse: bool) -> dict[str, Any]:
    import jax

    import keras_isa
    from keras_isa.memory import resident_bytes
    from keras_isa.tuning import DistillationHyperModel, DistillationTuner

    train, _ = keras_isa.datasets.load("digits")
    settings, _ = keras_isa.presets.read_preset("digits", 1)
    settings = settings.with_changes(width=arguments.width, steps_per_execution=50)
    hypermodel = DistillationHyperModel(
        settings, train, objective="krr", steps=arguments.steps, reuse=reuse
    )
    memory, compiled, count = [], [], 0

    def on_duration(event: str, seconds: float, **details: Any) -> None:
        nonlocal count
        count += event == _COMPILED

    def report(line: str) -> None:
        nonlocal count
        print(line, file=sys.stderr)
        memory.append(resident_bytes() / 1e6)
        compiled.append(count)
        count = 0

    jax.monitoring.register_event_duration_secs_listener(on_duration)
    with tempfile.TemporaryDirectory() as folder:
        tuner = DistillationTuner(
            hypermodel, trials=arguments.trials, directory=folder, report=report
        )
        tuner.search(train)
        seconds = [record.seconds for record in tuner.history()]
    jax.monitoring.unregister_event_duration_listener(on_duration)
    hypermodel.forget()
    return {
        "seconds_per_trial": statistics.median(seconds[1:]),
        "first_seconds": seconds[0],
        "seconds": seconds,
        "compiled": compiled,
        "resident_mb": memory,
        "growth_mb": memory[-1] - memory[1],
    }


if __name__ == "__main__":
    main()
