"""What the benchmark scripts share: the machine, its speed, clocks, and results as JSON."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
# From a checkout without installation; an installed keras_isa comes first.
sys.path.append(str(ROOT))

# Figures beyond this are noise in every number printed here.
_DIGITS = 5


def rounded(value: Any) -> Any:
    """Rounds every float of a JSON-compatible value to five significant digits."""
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}")
    if isinstance(value, dict):
        return {key: rounded(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(entry) for entry in value]
    return value


def print_json(result: dict[str, Any]) -> None:
    """Prints one JSON object on one line of stdout."""
    print(json.dumps(rounded(result)), flush=True)


def parser(description: str) -> argparse.ArgumentParser:
    """The parser of a script, which shows the script's description as it stands."""
    return argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def run(parser: argparse.ArgumentParser, measure: Callable[[], dict[str, Any]]) -> None:
    """Prints what a measurement gives; bad input ends it as a bad argument does.

    It runs as the command line does, with `keras_isa.backend.reuse_memory`.

    Args:
        parser: Of the script.
        measure: Raises a ValueError for bad input; what it prints goes to stderr.
    """
    from keras_isa import backend

    with contextlib.redirect_stdout(sys.stderr):
        backend.reuse_memory()
        try:
            result = measure()
        except ValueError as error:
            parser.error(str(error))
    print_json(result)


class ScriptFailed(Exception):
    """A script ended without a result; it has said why, unless a signal ended it.

    Args:
        script: Its name.
        status: Its exit status; of a signal, its negative number.
    """

    def __init__(self, script: str, status: int) -> None:
        how = f"signal {-status}" if status < 0 else f"status {status}"
        super().__init__(f"{script} ended with {how}")


def printed_by(script: str, words: Sequence[Any], **environment: str) -> dict[str, Any]:
    """Runs a script of this folder, whose progress goes to stderr.

    An interruption, which the script hears of by itself, is passed on once it has ended.

    Args:
        script: Name of its file.
        words: Its arguments.
        **environment: Variables that differ from this process's.

    Returns:
        The JSON object in the last line that it prints.

    Raises:
        ScriptFailed: If it ends with another status than 0.
    """
    command = [sys.executable, str(Path(__file__).with_name(script)), *map(str, words)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}
    ) as process:
        try:
            printed, _ = process.communicate()
        except BaseException as ended:
            if not isinstance(ended, KeyboardInterrupt):
                process.terminate()
            process.wait()
            raise
    if process.returncode:
        raise ScriptFailed(script, process.returncode)
    return json.loads(printed.splitlines()[-1])


def machine() -> dict[str, Any]:
    """Describes what computes: device, cores, other load, versions and the commit."""
    import jax

    from keras_isa.versions import versions

    device = jax.devices()[0]
    return {
        "device": _cpu_name() if device.platform == "cpu" else device.device_kind,
        "platform": device.platform,
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "load_average": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "versions": {**versions(), "jax": jax.__version__},
        "git_commit": _git_commit(),
    }


def matmul_rates(size: int, repeats: int, dtype: str = "float32") -> list[float]:
    """Measures products of two `size` x `size` matrices, at JAX's default precision.

    Args:
        size: Side of the matrices.
        repeats: Number of measurements.
        dtype: Of the matrices. Recent accelerators round float32 for a product by default.

    Returns:
        GFLOP per second of each measurement.
    """
    import jax
    import jax.numpy as jnp

    # One product is over too soon on an accelerator to be timed alone.
    count = 1 if jax.default_backend() == "cpu" else 20
    product = jax.jit(jnp.matmul)
    left, right = jax.random.normal(jax.random.key(0), (2, size, size), dtype)
    jax.block_until_ready(product(left, right))
    rates = []
    for _ in range(repeats):
        started = time.perf_counter()
        for _ in range(count):
            result = product(left, right)
        jax.block_until_ready(result)
        rates.append(2e-9 * count * size**3 / (time.perf_counter() - started))
    return rates


def forget_peak_memory() -> None:
    """Lets the process's peak memory start again from what it holds now, where Linux allows it."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pass


def peak_memory() -> dict[str, float | None]:
    """Peak memory in MB: of the process, and of the accelerator where there is one."""
    import resource

    import jax

    unit = 1 if sys.platform == "darwin" else 1024
    host = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
    device = jax.devices()[0]
    statistics_ = device.memory_stats() if device.platform != "cpu" else None
    on_device = (statistics_ or {}).get("peak_bytes_in_use")
    return {
        "peak_memory_mb": host if device.platform == "cpu" else on_device and on_device / 1e6,
        "peak_host_memory_mb": host,
    }


def mean_and_std(values: list[float]) -> tuple[float, float | None]:
    """Mean and sample standard deviation; `None` for the latter with a single value."""
    return statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else None


def spread(values: list[float]) -> dict[str, float]:
    """Median, quartiles and extremes, which a disturbance now and then does not move far."""
    low, middle, high = (
        statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
    )
    return {
        "median": middle,
        "quartiles": [low, high],
        "range": [min(values), max(values)],
    }


def random_images(rows: int, shape: Sequence[int], classes: int) -> tuple:
    """Images `(rows, *shape)` of uint8 noise and their classes, about as many of each."""
    import numpy as np

    rng = np.random.default_rng(0)
    y = rng.permutation(np.arange(rows) % classes)
    return rng.integers(0, 256, (rows, *shape), dtype=np.uint8), y


def epoch_clock() -> Any:
    """A callback with the `seconds` of each epoch; Keras is imported when a process measures."""
    import keras

    class Clock(keras.callbacks.Callback):
        def __init__(self) -> None:
            super().__init__()
            self.seconds: list[float] = []

        def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
            self.began = time.perf_counter()

        def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
            for value in (logs or {}).values():
                float(value)  # has been computed when it is known
            self.seconds.append(time.perf_counter() - self.began)

    return Clock()


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _git_commit() -> str | None:
    def git(*arguments: str) -> str:
        found = subprocess.run(
            ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True, timeout=10
        )
        return found.stdout.strip()

    try:
        return git("rev-parse", "HEAD") + ("+changes" if git("status", "--porcelain") else "")
    except (OSError, subprocess.SubprocessError):
        return None
