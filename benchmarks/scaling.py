"""How the cost of a step grows along each axis of a run, the others held at a base point.

    python benchmarks/scaling.py
    python benchmarks/scaling.py --axes batch width --width 128 --picture scaling.png
    python benchmarks/scaling.py --axes ipc --ipc 10 --ipc-points 1 10 50

Each point compiles the step of a run with one network in the pool and one batch of random images,
and times it; what a step costs does not depend on how many there are. Devices are parts of this
machine's processor, in a process of their own, and go through `fit`. Prints one JSON object;
progress and a line per axis go to stderr.

    seconds             median over calls of the seconds of a step
    extra_mb            memory that the compiled step takes beside its arguments, of one device
    gflop               multiply-adds x 2 of convolutions and matrix products, counted
    exponents           slope of a least-squares line through the logarithms of all points; `last`
                        is the slope between the two greatest points
    expected            what the exponents should tend to, and why
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import os
import statistics
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import _measure
import _runs

POINTS = {
    "ipc": (1, 2, 5, 10, 20),
    "batch": (64, 128, 256, 512, 1024),
    "width": (8, 16, 32, 64),
    "classes": (2, 5, 10, 20, 50, 100),
    "resolution": (8, 16, 32, 64),
    "devices": (1, 2, 4, 8),
}
BASE = {"ipc": 1, "batch": 256, "width": 32, "classes": 10, "resolution": 32, "devices": 1}
EXPECTED = {
    "ipc": "0 while the target forward dominates, 1 when the set's passes do, 2 when its kernel "
    "(n x n) does; memory 1, activations of the set that its gradient needs",
    "batch": "1: the target forward passes each image once; the pairs of ISA add a small square; "
    "memory 0 to 1 on a CPU, which takes a part at a time and keeps features only, else 1",
    "width": "2: every convolution but the first has width x width kernels; memory 1 where "
    "activations dominate, 2 where the weights do",
    "classes": "as images per class, since the set has ipc x classes images",
    "resolution": "2: convolutions cost the same per pixel, and there are resolution x resolution; "
    "another block from 64 on",
    "devices": "-1 for the target forward on real devices; 0 here, where they share one processor, "
    "and above it by what the division costs; memory of a device -1 for its part of the batch",
}
MEASURES = ("seconds", "extra_mb", "gflop")
_BUDGET = 1.5  # seconds that go into timing a point, and at least so many calls
_CALLS = 5


def main() -> None:
    arguments = parse()
    from keras_isa import backend

    with contextlib.redirect_stdout(sys.stderr):
        backend.reuse_memory()
        if arguments.child:
            result = devices_point(json.loads(arguments.child))
        else:
            result = measure(arguments)
    _measure.print_json(result)


def parse(words: list[str] | None = None) -> argparse.Namespace:
    parser = _measure.parser(__doc__)
    add = parser.add_argument
    add("--axes", nargs="+", choices=tuple(POINTS), default=list(POINTS))
    for axis, points in POINTS.items():
        add(f"--{axis}", type=int, default=BASE[axis], help=f"base point, default: {BASE[axis]}")
        text = f"default: {' '.join(map(str, points))}"
        add(f"--{axis}-points", type=int, nargs="+", default=points, help=text)
    add("--channels", type=int, default=3)
    add("--flip", action="store_true", help="join the set by its mirror images")
    add("--picture", type=Path, metavar="FILE.png", help="a panel per axis, log-log")
    add("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args(words)
    for axis in arguments.axes:
        points = getattr(arguments, f"{axis}_points")
        if len(set(points)) < 2 or min(points) < 1:
            parser.error(f"--{axis}-points must be at least two positive numbers that differ")
    return arguments


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    base = {axis: getattr(arguments, axis) for axis in POINTS}
    base |= {"channels": arguments.channels, "flip": arguments.flip}
    axes = {}
    for axis in arguments.axes:
        points = []
        for value in sorted(set(getattr(arguments, f"{axis}_points"))):
            points.append({axis: value, **cost({**base, axis: value}, axis == "devices")})
            print(f"{axis} {value}: {points[-1]}", file=sys.stderr, flush=True)
        axes[axis] = summary(axis, points)
        print(sentence(axis, axes[axis]), file=sys.stderr, flush=True)
    if arguments.picture:
        draw(axes, base, arguments.picture)
    return {
        "benchmark": "scaling",
        "configuration": {"base": base},
        "axes": axes,
        **_measure.machine(),
    }


def cost(point: dict[str, Any], apart: bool) -> dict[str, float]:
    """What a step costs at a point of the space of all axes."""
    found = in_a_child(point) if apart or point["devices"] > 1 else step_cost(point)
    return {**found, "gflop": 1e-9 * counted_flop(point)}


def settings_of(point: dict[str, Any]) -> dict[str, Any]:
    return {
        "images_per_class": point["ipc"],
        "width": point["width"],
        "batch_size": point["batch"],
        "flip": point["flip"],
    }


def shape_of(point: dict[str, Any]) -> tuple[int, int, int]:
    return point["resolution"], point["resolution"], point["channels"]


def counted_flop(point: dict[str, Any]) -> float:
    from step_time import flop_per_step

    from keras_isa.presets import Settings

    settings = Settings(**settings_of(point))
    return flop_per_step(settings, shape_of(point), point["classes"], point["batch"])


def step_cost(point: dict[str, Any]) -> dict[str, float]:
    """Seconds and memory of the compiled step on one device."""
    from keras_isa import FRePoTrainer
    from keras_isa.planning.trial import Trial
    from keras_isa.presets import Settings

    trial = Trial(
        FRePoTrainer,
        Settings(**settings_of(point)),
        shape_of(point),
        point["classes"],
        rows=point["ipc"] * point["classes"],
        batch_size=point["batch"],
    )
    extra = trial.compile()
    times = trial.seconds(least=_CALLS + 1, budget=_BUDGET)[1:]  # the first one warms up
    del trial
    gc.collect()  # networks and their optimizers refer to each other
    return {"seconds": statistics.median(times), "extra_mb": extra / 1e6}


def in_a_child(point: dict[str, Any]) -> dict[str, float]:
    """`devices_point` in a process that sees so many devices."""
    flag = f"--xla_force_host_platform_device_count={point['devices']}"
    flags = f"{os.environ.get('XLA_FLAGS', '')} {flag}"
    words = ["--child", json.dumps(point)]
    environment = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "XLA_FLAGS": flags}
    return _measure.printed_by("scaling.py", words, **environment)


def devices_point(point: dict[str, Any]) -> dict[str, float]:
    """Seconds of a step within `fit`, and memory of a device, when the batch is divided."""
    import devices

    from keras_isa import backend

    if point["devices"] > 1:
        import keras

        keras.distribution.set_distribution(devices.distribution(point["devices"], False))
    steps = 10
    trainer, x, y = _runs.on_random_images(
        shape_of(point), point["classes"], 1, **settings_of(point), steps=4 * steps
    )
    clock = _measure.epoch_clock()
    trainer.fit(x, y, epochs=4, steps_per_epoch=steps, callbacks=[clock], verbose=0)
    engine = backend.current()
    groups = (
        trainer.trainable_variables,
        trainer.non_trainable_variables,
        trainer.optimizer.variables,
        trainer.metrics_variables,
    )
    state = tuple([variable.value for variable in group] for group in groups)
    data = {"pixels": engine.to_device(x), "class_ids": engine.to_device(y.astype("int32"))}
    _, extra = engine.compiled_ahead(
        engine.train_call(trainer), (state, data, None), donate=(0,), dtype=trainer.network_dtype
    )
    return {
        "seconds": statistics.median(clock.seconds[1:]) / steps,
        "extra_mb": extra / 1e6,
    }


# ---------------------------------------------------------------- exponents


def summary(axis: str, points: list[dict[str, float]]) -> dict[str, Any]:
    """An axis with the exponents of its measures."""
    sizes = [point[axis] for point in points]
    exponents = {}
    for name in MEASURES:
        values = [point[name] for point in points]
        exponents[name] = {
            "fitted": exponent(sizes, values),
            "last": exponent(sizes[-2:], values[-2:]),
        }
    return {"points": points, "exponents": exponents, "expected": EXPECTED[axis]}


def exponent(sizes: list[float], values: list[float]) -> float:
    """Slope of the least-squares line through the logarithms."""
    import numpy as np

    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


def sentence(axis: str, found: dict[str, Any]) -> str:
    seconds, memory, gflop = (found["exponents"][name] for name in MEASURES)
    return (
        f"{axis}: seconds grow as {axis}^{seconds['fitted']:.2f} (^{seconds['last']:.2f} at the "
        f"end), the counted work as ^{gflop['fitted']:.2f}, memory as ^{memory['fitted']:.2f}. "
        f"Expected: {found['expected']}."
    )


def draw(axes: dict[str, Any], base: dict[str, Any], path: Path) -> None:
    """A column per axis: seconds above, memory below, with the fitted lines."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(
        2, len(axes), figsize=(2.4 * len(axes) + 0.8, 5), sharey="row", squeeze=False
    )
    for column, (axis, found) in enumerate(axes.items()):
        sizes = [point[axis] for point in found["points"]]
        for panel, name in zip(panels[:, column], ("seconds", "extra_mb"), strict=True):
            values = [point[name] for point in found["points"]]
            slope = found["exponents"][name]["fitted"]
            panel.loglog(sizes, values, "o", color="tab:blue")
            panel.loglog(sizes, fitted_line(sizes, values), color="tab:blue", linewidth=1)
            panel.set_title(f"exponent {slope:.2f}", fontsize=9)
            panel.set_xticks(sizes, [str(size) for size in sizes], fontsize=8)
            panel.minorticks_off()
            panel.grid(alpha=0.3)
        panels[1, column].set_xlabel(axis)
    panels[0, 0].set_ylabel("seconds per step")
    panels[1, 0].set_ylabel("extra memory, MB")
    where = ", ".join(f"{name} {value}" for name, value in base.items() if name in axes)
    figure.suptitle(f"Cost of a step around {where}", fontsize=10)
    figure.tight_layout()
    figure.savefig(path, dpi=150)
    pyplot.close(figure)


def fitted_line(sizes: list[float], values: list[float]) -> Any:
    import numpy as np

    return np.exp(np.polyval(np.polyfit(np.log(sizes), np.log(values), 1), np.log(sizes)))


if __name__ == "__main__":
    main()
