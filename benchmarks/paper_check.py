"""The published CIFAR-10 figures on this machine in one command: the step's speed, then the runs.

    python benchmarks/paper_check.py cifar10 --data cifar10.npz --slice 450 --out check/
    python benchmarks/paper_check.py digits --width 4 --batch 32 --steps 6 --networks 1   # dry run

In this order, each in a process of its own: `step_time.py --breakdown` with mixed_bfloat16 networks
and with float32 ones, then `reproduce_paper.py` for every number of images per class with crucial
samples and ISA and with plain FRePo, from the same seed. The pool's networks of the runs are
mixed_bfloat16, which is the one thing that the published settings have otherwise;
`--dtype-policy float32` makes them as published.

With --slice the command ends after about so many seconds; called again it goes on from what is in
--out. A timing and a network that have begun are finished first, and each call gets something done
however short the slice. What fails is left for the next call, and the exit status is 1. Needs
keras, jax and numpy; tensorflow is never imported. Prints one JSON object; progress and a table go
to stderr.

    steps               by dtype policy: what `step_time.py` prints
    asked               steps per second that a GPU of the H100 class is to reach, for CIFAR-10 with
                        ten images per class; null otherwise
    runs                measured and published figures of each run, and how far it is
    finished            false when a slice has ended before the end
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
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
# Steps per second of one H100 that are asked for: about ten times the 55.6 published of an A100.
ASKED = {("cifar10", 10): 560.0}
CHANGES = ("steps", "epochs", "width", "batch", "student_steps")


def main() -> None:
    parser, arguments = parse()
    _runs.keep_compiled(arguments.out / "compiled")
    # Otherwise the process that computes would go on by itself.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with contextlib.redirect_stdout(sys.stderr):
        try:
            check = Check(arguments)
        except ValueError as error:
            parser.error(str(error))
        try:
            result = check.result()
        except KeyboardInterrupt:
            print("interrupted; the same command goes on")
            sys.exit(130)
        print(table(result))
    _measure.print_json(result)
    sys.exit(int(check.failed))


def parse(words: list[str] | None = None) -> tuple[argparse.ArgumentParser, argparse.Namespace]:
    parser = _measure.parser(__doc__)
    add = parser.add_argument
    add("dataset", help="name of a preset, see `keras-isa presets`")
    add("--data", help="an .npz file, or what keras_isa.datasets.load takes; default: by name")
    add("--ipc", type=int, nargs="+", default=[10, 1], help="images per class, default: 10 1")
    add("--seed", type=int, default=0)
    add("--networks", type=int, default=5, help="networks trained on each set")
    add("--out", type=Path, help="folder, default: paper_check_DATASET")
    add("--slice", type=float, metavar="SECONDS", help="end after about so long; default: at last")
    changing = parser.add_argument_group("other runs than the published ones")
    changing.add_argument(
        "--dtype-policy", default=POLICIES[0], help="of the runs' pools; default: %(default)s"
    )
    for name in CHANGES:
        changing.add_argument(option(name), type=int, help="as in reproduce_paper.py")
    arguments = parser.parse_args(words)
    if arguments.networks < 1:
        parser.error(f"--networks must be at least 1; got {arguments.networks}")
    if arguments.slice is not None and not arguments.slice >= 0:
        parser.error(f"--slice must be at least 0; got {arguments.slice}")
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
        from keras_isa.files import make_folder

        allowed = float("inf") if arguments.slice is None else arguments.slice
        self.deadline = time.monotonic() + allowed
        self.arguments, self.out = arguments, arguments.out
        self.worked = False  # whether this process has got something done
        self.over = False  # whether a run has come to the end of the slice
        self.failed = False
        self.check_runs()
        make_folder(self.out, "out")
        not_of_the_runs = ("out", "slice", "data")
        shared = {k: v for k, v in vars(arguments).items() if k not in not_of_the_runs}
        self.journal = _runs.Journal(self.out / "check.json", shared)

    def check_runs(self) -> None:
        """Refuses what `reproduce_paper.py` would, before the timings; on the host alone."""
        import numpy as np

        from keras_isa import datasets, ops

        train = None
        for count in self.arguments.ipc:
            run = reproduce_paper.parse(self.words_of_a_run(count, _published.METHODS[0]))
            settings, _ = reproduce_paper.settings_of(run)
            if train is None:
                train, _ = reproduce_paper.load(run)
            share = settings.validation_split
            part, _ = datasets.split_train_validation(train, share, run.seed)
            ops.class_counts(count, np.bincount(part.y, minlength=train.num_classes))

    def result(self) -> dict[str, Any]:
        """Goes on until the end or the deadline; what there is then."""
        arguments, count = self.arguments, self.arguments.ipc[0]
        steps = {policy: self.step(count, policy) for policy in POLICIES}
        runs = [
            self.run(count, method)
            for count in arguments.ipc
            for method in reversed(_published.METHODS)
        ]
        as_published = arguments.width is None and arguments.batch is None
        return {
            "benchmark": "paper_check",
            "finished": all(steps.values()) and all(run["finished"] for run in runs),
            "configuration": self.journal.configuration,
            "out": str(self.out),
            "steps": steps,
            "asked": ASKED.get((arguments.dataset, count)) if as_published else None,
            "runs": runs,
        }

    def time_is_up(self) -> bool:
        """Whether nothing more is begun; each process gets something done first."""
        return self.over or (self.worked and time.monotonic() >= self.deadline)

    def step(self, count: int, policy: str) -> dict[str, Any] | None:
        """What `step_time.py` finds, kept from an earlier process; `None` where there is none."""
        names = {"images_per_class": count, "dtype_policy": policy}
        kept = self.journal.kept(names)
        if kept is not None or self.time_is_up():
            return kept
        words = ["--preset", self.arguments.dataset, "--ipc", count, "--breakdown"]
        words += ["--dtype-policy", policy, *self.given("width", "batch")]
        found = self.attempt("step_time.py", words)
        return found and self.journal.keep(names, found)

    def run(self, count: int, method: str) -> dict[str, Any]:
        """What `reproduce_paper.py` finds, after as much of it as there is time for."""
        names = {"images_per_class": count, "method": method}
        kept = self.journal.kept(names)
        if kept is not None:
            return kept
        if self.time_is_up():
            return {**names, "finished": False, "stage": "waiting"}
        words = self.words_of_a_run(count, method)
        if self.arguments.slice is not None:
            words += ["--slice", max(self.deadline - time.monotonic(), 0.0)]
        found = self.attempt("reproduce_paper.py", words)
        if found is None:
            return {**names, "finished": False, "stage": "failed"}
        if found["finished"]:
            return self.journal.keep(names, found)
        self.over = True
        return {**names, **found}

    def attempt(self, script: str, words: list[Any]) -> dict[str, Any] | None:
        """What a script prints, `None` where it fails: the others may not."""
        print("==", script, *words, flush=True)
        self.worked = True
        try:
            return _measure.printed_by(script, words)
        except _measure.ScriptFailed as failed:
            print(f"{failed}; the next call tries again", flush=True)
            self.failed = True
            return None

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
        f"{policy:16}{'not timed' if step is None else rate_of(step) + asked}"
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
        lines.append("not finished; the same command goes on")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
