"""Times the step against the same step written plainly, and against the other backends.

    python benchmarks/compare.py
    python benchmarks/compare.py --shape 32 32 3 --ipc 10 --width 128 --batch 1024 --rounds 5
    python benchmarks/compare.py --backends          # against the plain version alone

`ours` is the public `fit` on JAX, `plain` the code of `_plain.py` on JAX, `tensorflow` and `torch`
the public `fit` there. Each lives in a process of its own and waits for its turn; a round is a turn
of each, so that whatever else the machine does meets all of them. Images are random. Prints one
JSON object; progress goes to stderr.

    agreement           greatest relative distances of `plain` from `ours` over some steps from the
                        same start and on the same batches: of the losses, and of the set relative
                        to how far it moved. Beyond 1 % nothing is timed. `steps_apart` counts the
                        steps whose loss differs by more than 1e-5 of itself. With `--step-by-step`
                        every step of `plain` starts where ours did, so that what rounding decides
                        in one step, such as which of two equally near partners a sample gets, is
                        not carried into the next; only its optimizers' moments are its own.
    first_turn          seconds of a turn before the rounds, which compiles
    version             of the backend of each
    seconds_per_step    by version: median, quartiles and range over the rounds
    ratios              seconds of a step over those of `ours` in the same round
    processor_ratios    the same for the processor's time, all threads, the beginning of `fit`
                        included: what a machine that is shared with others tells more reliably
    rounds              seconds per step of every turn
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import _measure
import _runs

OURS, PLAIN = "ours", "plain"
OTHERS = ("tensorflow", "torch")
_AGREEMENT = 0.01
_EQUAL = 1e-5  # what two float32 programs of one step keep to


def main() -> None:
    arguments = parse()
    if arguments.one:
        serve(arguments)
        return
    names = [PLAIN, OURS]
    names += [name for name in arguments.backends if importlib.util.find_spec(name) is not None]
    with contextlib.ExitStack() as stack:
        children = {name: stack.enter_context(Child(name)) for name in names}
        first = {name: child.ready for name, child in children.items()}
        rounds: dict[str, list[float]] = {name: [] for name in names}
        processor: dict[str, list[float]] = {name: [] for name in names}
        for number in range(arguments.rounds):
            for name, child in children.items():
                answer = child.turn()
                rounds[name].append(answer["seconds"])
                processor[name].append(answer["processor_seconds"])
            turns = ", ".join(f"{name} {rounds[name][-1]:.4g} s" for name in names)
            print(f"round {number + 1}: {turns} a step", file=sys.stderr, flush=True)
    _measure.print_json(
        {
            "benchmark": "compare",
            "configuration": {k: v for k, v in vars(arguments).items() if k != "one"},
            "agreement": first[PLAIN].pop("agreement"),
            "first_turn": {name: answer["first_turn"] for name, answer in first.items()},
            "version": {name: answer["version"] for name, answer in first.items()},
            "seconds_per_step": {name: _measure.spread(rounds[name]) for name in names},
            "ratios": ratios(rounds),
            "processor_ratios": ratios(processor),
            "rounds": rounds,
            **_measure.machine(),
        }
    )


def parse(words: list[str] | None = None) -> argparse.Namespace:
    parser = _measure.parser(__doc__)
    add = parser.add_argument
    add("--backends", nargs="*", choices=OTHERS, default=OTHERS, help="beside JAX")
    add("--shape", type=int, nargs=3, metavar=("H", "W", "C"), default=(28, 28, 1))
    add("--ipc", type=int, default=1, help="images per class")
    add("--width", type=int, default=32)
    add("--batch", type=int, default=256, help="target images per step")
    add("--steps", type=int, default=20, help="steps of a turn")
    add("--rounds", type=int, default=5)
    add("--agreement-steps", type=int, default=3, help="steps of `agreement`")
    add(
        "--agreement-ridge",
        type=float,
        default=1e-2,
        help="the regression's regularization in `agreement`, where a small one magnifies last "
        "bits; default 1e-2",
    )
    add("--step-by-step", action="store_true", help="`agreement` of single steps")
    add("--one", choices=(PLAIN, OURS, *OTHERS), help=argparse.SUPPRESS)
    arguments = parser.parse_args(words)
    if arguments.agreement_steps < 1:
        parser.error(f"--agreement-steps must be at least 1; got {arguments.agreement_steps}")
    return arguments


def ratios(rounds: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    """How many times as long as ours the other versions took, paired by round."""
    return {
        f"{name}/{OURS}": _measure.spread(
            [theirs / ours for theirs, ours in zip(seconds, rounds[OURS], strict=True)]
        )
        for name, seconds in rounds.items()
        if name != OURS
    }


# ---------------------------------------------------------------- a process per version


class Child:
    """The process of a version, which computes only when it is its turn."""

    def __init__(self, name: str) -> None:
        print(f"starting {name}", file=sys.stderr, flush=True)
        self.process = subprocess.Popen(
            [sys.executable, __file__, *sys.argv[1:], "--one", name],
            env={
                **os.environ,
                "KERAS_BACKEND": name if name in OTHERS else "jax",
                # They share an accelerator.
                "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
                "TF_FORCE_GPU_ALLOW_GROWTH": "true",
                "TF_CPP_MIN_LOG_LEVEL": "3",
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.ready = self._read()  # the next one starts when this one has compiled

    def turn(self) -> dict[str, float]:
        """Lets it compute; seconds per step, of the clock and of the processor."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self._read()

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *exception: Any) -> None:
        self.process.stdin.close()
        self.process.wait()

    def _read(self) -> dict[str, Any]:
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("a version failed; its error is above")
        return json.loads(line)


def serve(arguments: argparse.Namespace) -> None:
    """A child: says that it is ready, then computes once for every line that it reads."""
    import keras

    from keras_isa import backend
    from keras_isa.versions import versions

    stdout = sys.stdout

    def say(**answer: Any) -> None:
        print(json.dumps(answer), file=stdout, flush=True)

    with contextlib.redirect_stdout(sys.stderr):
        backend.reuse_memory()  # the plain version too
        about = {}
        if arguments.one == PLAIN:
            about["agreement"] = agreement(arguments)
            if not agrees(about["agreement"]):
                raise SystemExit(f"the plain version computes something else: {about}")
        turn = plain_turn(arguments) if arguments.one == PLAIN else fit_turn(arguments)
        name = keras.backend.backend()
        say(first_turn=turn(), version=f"{name} {versions()[name]}", **about)
        for _ in sys.stdin:
            began = time.process_time()
            seconds = turn()
            spent = time.process_time() - began
            say(seconds=seconds / arguments.steps, processor_seconds=spent / arguments.steps)


def fit_turn(arguments: argparse.Namespace) -> Callable[[], float]:
    """A function that runs an epoch of `fit` and returns its seconds."""
    trainer, x, y = trainer_for(arguments)

    def turn() -> float:
        clock = _measure.epoch_clock()
        trainer.fit(x, y, epochs=1, steps_per_epoch=arguments.steps, callbacks=[clock], verbose=0)
        return clock.seconds[0]

    return turn


def plain_turn(arguments: argparse.Namespace) -> Callable[[], float]:
    """A function that runs as many steps of the plain version and returns their seconds."""
    import _plain

    trainer, x, y = trainer_for(arguments)
    plain = plain_of(trainer)
    x = trainer.distilled.preprocess(x)  # once, before the first step
    batch_size = trainer.settings.batch_size
    del trainer

    def turn() -> float:
        began = time.perf_counter()
        _plain.run(plain, x, y, batch_size, arguments.steps)
        return time.perf_counter() - began

    return turn


# ---------------------------------------------------------------- the same start


def trainer_for(arguments: argparse.Namespace, **changes: Any) -> tuple[Any, Any, Any]:
    """Our trainer, and images and classes."""
    settings = {
        "images_per_class": arguments.ipc,
        "width": arguments.width,
        "batch_size": arguments.batch,
        "steps": (arguments.rounds + 1) * arguments.steps,
    }
    return _runs.on_random_images(arguments.shape, **{**settings, **changes})


def plain_of(trainer: Any) -> Any:
    """The plain version with the settings and from the values of a trainer."""
    import _plain

    from keras_isa.models.convnet import default_depth

    settings = trainer.settings.to_dict()
    settings["depth"] = settings["depth"] or default_depth(trainer.distilled.image_shape)
    names = [field.name for field in dataclasses.fields(_plain.Options)]
    options = _plain.Options(**{name: settings[name] for name in names})
    plain = _plain.Plain(*trainer.distilled.to_numpy(), options)
    follow(plain, trainer)
    return plain


def follow(plain: Any, trainer: Any) -> None:
    """Gives the plain version the trainer's set and networks; it keeps its optimizers' moments."""
    plain.set = list(trainer.distilled.to_numpy())
    for index, network in enumerate(plain.networks):
        member = trainer.pool.read(index)
        network["weights"], network["state"] = member.weights, member.state


def agreement(arguments: argparse.Namespace) -> dict[str, float]:
    """Distances of the plain version from ours over some steps on the same batches."""
    import numpy as np

    ridge = arguments.agreement_ridge
    trainer, x, y = trainer_for(arguments, pool_size=1, regularization=ridge)
    plain, size = plain_of(trainer), trainer.settings.batch_size
    start = trainer.distilled.to_numpy()
    losses, arrays = ("loss", "label_margin", "inner_loss"), ("images", "labels")
    found = {name: [] for name in losses + arrays}
    for step in range(arguments.agreement_steps):
        if arguments.step_by_step:
            follow(plain, trainer)
            start = trainer.distilled.to_numpy()
        rows = np.arange(step * size, (step + 1) * size) % len(x)
        ours = trainer.train_on_batch(x[rows], y[rows], return_dict=True)
        trainer.reset_metrics()
        theirs = plain.step(trainer.distilled.preprocess(x[rows]), y[rows])
        for name, value in zip(losses, theirs, strict=True):
            found[name].append(abs(float(value) / float(ours[name]) - 1))
        if arguments.step_by_step or step + 1 == arguments.agreement_steps:
            sets = zip(start, trainer.distilled.to_numpy(), plain.set, strict=True)
            for name, (before, mine, other) in zip(arrays, sets, strict=True):
                away = np.linalg.norm(np.asarray(other) - mine) / np.linalg.norm(mine - before)
                found[name].append(float(away))
    # Of NumPy, which lets no loss that is not a number pass.
    greatest = {name: float(np.max(distances)) for name, distances in found.items()}
    return {**greatest, "steps_apart": int(np.sum(~(np.array(found["loss"]) <= _EQUAL)))}


def agrees(found: dict[str, float]) -> bool:
    """Whether the distances are those of one algorithm."""
    return all(value < _AGREEMENT for name, value in found.items() if name != "steps_apart")


if __name__ == "__main__":
    main()
