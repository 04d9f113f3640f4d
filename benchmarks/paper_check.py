"""Checks the paper's row on this machine in one command: the step's speed, then the published runs.

    python benchmarks/paper_check.py cifar10 --data cifar10.npz --slice 450 --out check/
    python benchmarks/paper_check.py digits --width 4 --batch 32 --steps 6 --networks 1   # dry run

In this order, each in a process of its own: `step_time.py --breakdown` with mixed_bfloat16 networks
and with float32 ones, then `reproduce_paper.py` for every number of images per class with
crucial samples and ISA and with plain FRePo, from the same seed. With --slice the command ends
after about so many seconds; called again it goes on from what is in --out. A step's timing and a
network that have begun are finished first. Needs keras, jax and numpy; tensorflow is never
imported. Prints one JSON object; progress and a table go to stderr.

    steps               by dtype policy: steps per second, the share of the limit that products of
                        matrices in the same dtype reach here, and the breakdown of both
    asked               steps per second that a GPU of the H100 class is to reach, for CIFAR-10 with
                        ten images per class; null otherwise
    runs                measured and published figures of each run, and how far it is
    finished            false when a slice has ended before the end
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import _measure
import _published
import _runs
import reproduce_paper

POLICIES = ("mixed_bfloat16", "float32")
# Steps per second of one H100 that are asked for: ten times what was published of an A100 (55.6).
ASKED = {("cifar10", 10): 560.0}
CHANGES = ("steps", "epochs", "width", "batch", "student_steps")
HERE = Path(__file__).resolve().parent


def main() -> None:
    parser, arguments = parse()
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(arguments.out.absolute() / "compiled"))
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    with contextlib.redirect_stdout(sys.stderr):
        try:
            result = Check(arguments).result()
        except ValueError as error:
            parser.error(str(error))
        print(table(result))
    _measure.print_json(result)


def parse(words: list[str] | None = None) -> tuple[argparse.ArgumentParser, argparse.Namespace]:
    parser = _measure.parser(__doc__)
    add = parser.add_argument
    add("dataset", help="name of a preset, see `keras-isa presets`")
    add("--data", help="an .npz file, or what keras_isa.datasets.load takes; default: by name")
    add("--ipc", type=int, nargs="+", default=[10, 1], help="images per class, default: 10 1")
    add("--seed", type=int, default=0)
    add("--networks", type=int, default=5, help="networks trained on each set")
    add("--dtype-policy", default=POLICIES[0], help="of the runs; default: %(default)s")
    add("--out", type=Path, help="folder, default: paper_check_DATASET")
    add("--slice", type=float, metavar="SECONDS", help="end after about so long; default: at last")
    changing = parser.add_argument_group("other runs than the published ones")
    for name in CHANGES:
        changing.add_argument(option(name), type=int, help="as in reproduce_paper.py")
    arguments = parser.parse_args(words)
    if arguments.out is None:
        arguments.out = Path(f"paper_check_{arguments.dataset}")
    return parser, arguments


class Check:
    """All timings and runs, in as many processes as it takes.

    Args:
        arguments: What `parse` returned.

    Raises:
        ValueError: If the preset is unknown, the data are not there or do not fit it, or --out
            holds another check.
    """

    def __init__(self, arguments: argparse.Namespace) -> None:
        allowed = float("inf") if arguments.slice is None else arguments.slice
        self.deadline = time.monotonic() + allowed
        self.arguments, self.out = arguments, arguments.out
        for count in arguments.ipc:
            run = reproduce_paper.parse(self.words_of_a_run(count, _published.METHODS[0]))
            reproduce_paper.settings_of(run)
        reproduce_paper.load(run)  # before anything long begins; on the host alone
        self.over = False  # whether a run has come to the end of the slice
        self.out.mkdir(parents=True, exist_ok=True)
        of_this_call = ("out", "slice")
        asked = {k: v for k, v in vars(arguments).items() if k not in of_this_call}
        self.journal = _runs.Journal(self.out / "check.json", asked)

    def result(self) -> dict[str, Any]:
        """Goes on until the end or the deadline; what there is then."""
        count = self.arguments.ipc[0]
        steps = {policy: self.step(count, policy) for policy in POLICIES}
        runs = [
            self.run(count, method)
            for count in self.arguments.ipc
            for method in reversed(_published.METHODS)
        ]
        return {
            "benchmark": "paper_check",
            "finished": all(steps.values()) and all(run["finished"] for run in runs),
            "configuration": self.journal.configuration,
            "out": str(self.out),
            "steps": steps,
            "asked": ASKED.get((self.arguments.dataset, count)),
            "runs": runs,
        }

    def step(self, count: int, policy: str) -> dict[str, Any] | None:
        """What `step_time.py` finds, kept from an earlier process; `None` when time is up."""
        names = {"images_per_class": count, "dtype_policy": policy}
        if self.journal.kept(names) is None and time.monotonic() >= self.deadline:
            return None
        words = ["--preset", self.arguments.dataset, "--ipc", count, "--breakdown"]
        words += ["--dtype-policy", policy, *self.given("width", "batch")]
        return self.journal.run(names, lambda: child("step_time.py", words), rate_of)

    def run(self, count: int, method: str) -> dict[str, Any]:
        """What `reproduce_paper.py` finds, after as much of it as there is time for."""
        names = {"images_per_class": count, "method": method}
        found = self.journal.kept(names)
        if found is None:
            left = self.deadline - time.monotonic()
            if self.over or left <= 0:
                return {**names, "finished": False, "stage": "waiting"}
            words = self.words_of_a_run(count, method)
            if self.arguments.slice is not None:
                words += ["--slice", str(left)]
            found = child("reproduce_paper.py", words)
            if not found["finished"]:
                self.over = True
                return {**names, **found}
            found = self.journal.run(names, lambda: found, lambda run: " and ".join(scores_of(run)))
        return found

    def words_of_a_run(self, count: int, method: str) -> list[str]:
        """The arguments of `reproduce_paper.py`, but for the slice."""
        folder = self.out / f"ipc{count}_{method}"
        words = [self.arguments.dataset, "--ipc", count, "--method", method, "--out", folder]
        words += self.given("data", "seed", "networks", "dtype_policy", *CHANGES)
        return list(map(str, words))

    def given(self, *names: str) -> list[Any]:
        """Those of the options that have a value, as words."""
        values = ((name, getattr(self.arguments, name)) for name in names)
        return [word for n, v in values if v is not None for word in (option(n), v)]


def option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def child(script: str, words: list[Any]) -> dict[str, Any]:
    """Runs a script, whose progress goes to stderr, and returns the object that it prints."""
    command = [sys.executable, str(HERE / script), *map(str, words)]
    print(f"== {script} {' '.join(command[2:])}", file=sys.stderr, flush=True)
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(done.returncode)  # it has said why
    return json.loads(done.stdout)


def rate_of(step: dict[str, Any]) -> str:
    rate, share = step["steps_per_second"], step["share_of_matmul_rate"]
    return f"{rate:.4g} steps/s, {share:.2f} of the limit"


def scores_of(run: dict[str, Any]) -> list[str]:
    """Measured and published accuracy, of networks and of KRR."""
    both = (run["measured"], run["published"])
    return [
        " / ".join("-" if figures is None else f"{figures[name][0]:.1f}" for figures in both)
        for name in ("network", "krr")
    ]


def table(result: dict[str, Any]) -> str:
    """Measured beside asked and published figures."""
    asked = "" if result["asked"] is None else f"; asked of an H100: {result['asked']:.0f}"
    lines = [
        f"{policy:16}{'not timed yet' if step is None else rate_of(step) + asked}"
        for policy, step in result["steps"].items()
    ]
    lines.append(f"{'':24}{'network':>15}{'KRR':>15}   test accuracy in %, measured / published")
    for run in result["runs"]:
        title = f"{run['images_per_class']} per class, {run['method']}"
        if not run["finished"]:
            far = f", {run['done']:,} of {run['of']:,}" if "done" in run else ""
            lines.append(f"{title:24}{run['stage']}{far}")
            continue
        changed = f"   changed: {', '.join(run['changed'])}" if run["changed"] else ""
        lines.append("{:24}{:>15}{:>15}{}".format(title, *scores_of(run), changed))
    if not result["finished"]:
        lines.append("the slice is over; the same command goes on")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
