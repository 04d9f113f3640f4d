"""Times distillation steps through the public `fit`, and compares them with this machine's limit.

    python benchmarks/step_time.py --shape 28 28 1 --ipc 1 --width 128 --batch 1024
    python benchmarks/step_time.py --preset digits --ipc 10
    python benchmarks/step_time.py --width 32 --batch 256 --breakdown
    python benchmarks/step_time.py --method rfad --width 128

Prints one JSON object; progress goes to stderr. Memory is reused from step to step, as the command
line has it (`keras_isa.backend.reuse_memory`). `fit` runs three epochs on random images: the first
warms up, in the second every compiled call is waited for and timed, the third runs freely.

    seconds_per_step        median over calls of the second epoch, from the start of a call to the
                            start of the next, per step of a call; steps_per_second is 1 over it
    fit_steps_per_second    steps over wall time of the third epoch, its end included
    compile_seconds         the first call: tracing, compiling and running it
    setup_seconds           making data, set and trainer, before `fit`
    outside_share           share of the second epoch's wall time spent outside of compiled calls
    validation_seconds      validation after the second epoch; no other figure includes it
    matmul_gflops           products of matrices of the networks' compute dtype, `matmul_dtype`, at
                            JAX's default precision (TF32 for float32 on recent GPUs)
    gflop_per_step          multiply-adds x 2 of the convolutions and matrix products; for another
                            method than frepo, what its `cost` says
    share_of_matmul_rate    gflop_per_step * steps_per_second / matmul_gflops
    breakdown               with --breakdown, the same of every piece of the step, timed by itself
    recompilations_after_warm_up    programs compiled from the second epoch on; see `recompiled`
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import sys
import time
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import _measure
import _pieces

WARM_UP, TIMED, FREE = range(3)  # what each epoch is for
_COMPILED = "/jax/core/compile/backend_compile_duration"


def main() -> None:
    arguments = parse()
    with contextlib.redirect_stdout(sys.stderr):
        result = measure(arguments)
    _measure.print_json(result)


def parse() -> argparse.Namespace:
    parser = _measure.parser(__doc__)
    add = parser.add_argument
    add("--method", default="frepo", help="default: frepo")
    add("--preset", help="settings and image shape of a preset; other options change them")
    add("--shape", type=int, nargs=3, metavar=("H", "W", "C"), help="default: 28 28 1")
    add("--classes", type=int, help="default: 10")
    add("--ipc", type=int, default=1, help="images per class")
    add("--width", type=int, help="default: 128")
    add("--batch", type=int, help="target images per step, default: 1024")
    add("--normalization", choices=("identity", "batch"), help="default: batch")
    add("--dtype-policy", help="of the networks: float32 or mixed_bfloat16; default: Keras's own")
    add("--flip", action="store_true", help="join the set by its mirror images")
    add("--steps", type=int, help="steps per epoch, default: 20, or 10 calls if that is more")
    add("--steps-per-execution", type=int, help="steps per compiled call, default: auto")
    add("--rows", type=int, help="training images, default: four batches")
    add("--validation-split", type=float, default=0.0, help="validate after each epoch")
    add("--verbose", type=int, default=2, help="of fit; 2, a line per epoch, as the command line")
    add("--breakdown", action="store_true", help="time the pieces of the step too")
    add("--matmul-size", type=int, default=4096, help="side of the matrices of the limit")
    arguments = parser.parse_args()
    if arguments.preset and (arguments.shape or arguments.classes):
        parser.error("--preset brings its own --shape and --classes")
    if arguments.breakdown and arguments.method != "frepo":
        parser.error("--breakdown knows the pieces of frepo only")
    return arguments


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    import keras

    from keras_isa import DistilledData, backend
    from keras_isa.methods import method

    backend.reuse_memory()
    machine = _measure.machine()
    settings, shape, classes = configure(arguments)
    dtype = keras.dtype_policies.get(settings.dtype_policy or keras.config.dtype_policy())
    matrices = arguments.matmul_size, 5, dtype.compute_dtype
    rates = _measure.matmul_rates(*matrices)
    _measure.forget_peak_memory()
    started = time.perf_counter()
    rows = max(4 * settings.batch_size, 2 * classes * settings.images_per_class)
    x, y = _measure.random_images(arguments.rows or rows, shape, classes)
    distilled = DistilledData.from_samples(x, y, settings.images_per_class, num_classes=classes)
    trainer = method(arguments.method).from_settings(settings, distilled, seed=0)
    per_call = trainer._steps_per_call
    steps = arguments.steps or max(20, 10 * per_call)
    # Calls of equal length, so that each counts the same.
    calls = -(-steps // per_call)
    steps = calls * -(-steps // calls)
    clock = make_clock()
    setup_seconds = time.perf_counter() - started
    trainer.fit(
        x,
        y,
        epochs=3,
        steps_per_epoch=steps,
        validation_split=arguments.validation_split,
        callbacks=[clock],
        verbose=arguments.verbose,
    )
    memory = _measure.peak_memory()
    rates += _measure.matmul_rates(*matrices)
    batch = trainer.drawn_rows
    if arguments.method == "frepo":
        gflop = 1e-9 * flop_per_step(settings, shape, classes, batch)
    else:
        gflop = 1e-9 * trainer.cost().step(batch or 0, len(distilled.class_ids))
    breakdown = {}
    if arguments.breakdown:
        settings = settings.with_changes(batch_size=batch)
        limit = statistics.median(rates)
        breakdown = {"breakdown": _pieces.measure(settings, shape, classes, limit)}
    return {
        "benchmark": "step_time",
        "configuration": {
            "method": arguments.method,
            "preset": arguments.preset,
            "shape": list(shape),
            "classes": classes,
            "rows": len(x),
            "steps": steps,
            "steps_per_execution": trainer.steps_per_execution,
            "validation_split": arguments.validation_split,
            "settings": settings.to_dict(),
        },
        **clock.summary(steps, trainer.steps_per_execution),
        "setup_seconds": setup_seconds,
        "gflop_per_step": gflop,
        "matmul_dtype": dtype.compute_dtype,
        "matmul_gflops": statistics.median(rates),
        "matmul_gflops_range": [min(rates), max(rates)],
        "share_of_matmul_rate": gflop / clock.seconds_per_step / statistics.median(rates),
        **breakdown,
        **memory,
        **machine,
    }


def configure(arguments: argparse.Namespace) -> tuple[Any, tuple[int, int, int], int]:
    """Settings, image shape and number of classes that the arguments ask for."""
    from keras_isa.methods import method
    from keras_isa.presets import read_preset

    config = method(arguments.method).Config
    shape, classes = tuple(arguments.shape or (28, 28, 1)), arguments.classes or 10
    settings = config(images_per_class=arguments.ipc)
    if arguments.preset:
        settings, dataset = read_preset(arguments.preset, arguments.ipc, config)
        shape, classes = tuple(dataset["image_shape"]), dataset["num_classes"]
    changes = {
        "width": arguments.width,
        "batch_size": arguments.batch,
        "normalization": arguments.normalization,
        "dtype_policy": arguments.dtype_policy,
        "flip": True if arguments.flip else None,
        "steps_per_execution": arguments.steps_per_execution,
    }
    return settings.with_changes(**changes), shape, classes


def flop_per_step(settings: Any, shape: tuple, classes: int, batch: int) -> float:
    """Counts the convolutions and matrix products of one step, two for a multiply-add."""
    from keras_isa.models import default_flops
    from keras_isa.models.convnet import default_depth

    image = default_flops(shape, classes, settings.width, settings.depth)
    depth = settings.depth or default_depth(shape)
    height, width = (32, 32) if shape == (28, 28, 1) else shape[:2]
    features = (height >> depth) * (width >> depth) * settings.width << (depth - 1)
    rows = classes * settings.images_per_class
    joined = rows * (2 if settings.flip else 1)
    # Networks: target forward; the set forward and backward to its pixels; a member's step on at
    # most 1,000 rows, counted as three forward passes.
    networks = image * (batch + 2 * joined + 3 * min(rows, 1000))
    regression = _pieces.regression_flop(joined, classes, features, batch)
    # ISA: cosine similarity of all pairs of the samples that were kept.
    pairs = 0
    if settings.isa_interval != (0.0, 0.0) and settings.pairing in ("nearest", "same_class"):
        pairs = 2 * max(1, int(settings.crucial_fraction * batch)) ** 2 * features
    return networks + regression + pairs


def make_clock() -> Any:
    """A Keras callback that times the calls of the compiled step from inside of `fit`."""
    import jax
    import keras

    class Clock(keras.callbacks.Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            self.epochs: list[dict] = []
            self.compiled: list[tuple[float, str]] = []
            jax.monitoring.register_event_duration_secs_listener(self._on_duration)
            self._function = self.model.train_function
            self.model.train_function = self._call

        def on_train_end(self, logs: Any = None) -> None:
            self.model.train_function = self._function
            jax.monitoring.unregister_event_duration_listener(self._on_duration)

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            begin = time.perf_counter()
            self.epochs.append({"begin": begin, "starts": [], "inside": [], "validation": 0.0})

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            jax.block_until_ready(self._logs)
            self.epochs[-1]["end"] = time.perf_counter()

        def on_test_begin(self, logs: Any = None) -> None:
            # Steps still running when validation begins belong to the steps.
            jax.block_until_ready(self._logs)
            self._test_begin = time.perf_counter()

        def on_test_end(self, logs: Any = None) -> None:
            self.epochs[-1]["validation"] += time.perf_counter() - self._test_begin

        def _call(self, state: Any, iterator: Any) -> Any:
            epoch = self.epochs[-1]
            epoch["starts"].append(time.perf_counter())
            data = next(iterator)  # fetching data counts as outside
            begin = time.perf_counter()
            result = self._function(state, iter([data]))
            if len(self.epochs) - 1 != FREE:
                jax.block_until_ready(result)
            epoch["inside"].append(time.perf_counter() - begin)
            self._logs = result[0]
            return result

        def _on_duration(self, event: str, seconds: float, **details: Any) -> None:
            if event == _COMPILED:
                self.compiled.append((time.perf_counter(), str(details.get("fun_name"))))

        def summary(self, steps: int, per_call: int) -> dict[str, Any]:
            timed, free = self.epochs[TIMED], self.epochs[FREE]
            starts = timed["starts"]
            gaps = [later - start for start, later in zip(starts, starts[1:], strict=False)]
            # A single call has no successor: its own time counts.
            per_step = [gap / per_call for gap in gaps or timed["inside"]]
            self.seconds_per_step = statistics.median(per_step)
            wall = timed["end"] - timed["begin"] - timed["validation"]
            free_wall = free["end"] - free["begin"] - free["validation"]
            late = [name for at, name in self.compiled if at > timed["begin"]]
            return {
                "steps_per_second": 1 / self.seconds_per_step,
                "seconds_per_step": self.seconds_per_step,
                "seconds_per_step_min": min(per_step),
                "timed_calls": len(per_step),
                "fit_steps_per_second": steps / free_wall,
                "compile_seconds": self.epochs[WARM_UP]["inside"][0],
                "outside_share": 1 - sum(timed["inside"]) / wall,
                "validation_seconds": timed["validation"],
                "recompilations_after_warm_up": len(late),
                "recompiled": late,
            }

    return Clock()


if __name__ == "__main__":
    main()
