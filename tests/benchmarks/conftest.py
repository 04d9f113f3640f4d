"""Benchmark scripts as a user runs them, and their parts."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import keras_isa

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def pytest_collection_modifyitems(items):
    """Without the folder beside the tests, as in an installed package, there is nothing to test."""
    if BENCHMARKS.is_dir():
        return
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.skip(reason="needs the folder benchmarks beside the tests"))


@pytest.fixture
def machine():
    """Names that every result has, which say what computed."""
    return {"device", "platform", "cores", "load_average", "versions", "git_commit"}


@pytest.fixture
def run(users_environment):
    """Runs a script on the keras_isa under test; returns its exit status, stdout and stderr.

    With `compile_fast` XLA optimises as little as in this process.
    """

    def call(script, *arguments, without_tensorflow=False, compile_fast=False, cwd=None):
        path = [str(Path(keras_isa.__file__).parents[1])]
        if without_tensorflow:
            # A module that cannot be imported stands in for one that is not installed.
            for name in ("tensorflow", "tensorflow_datasets"):
                (cwd / f"{name}.py").write_text("raise ImportError('not installed')")
            path.append(str(cwd))
        environment = {**(os.environ if compile_fast else users_environment)}
        environment["PYTHONPATH"] = os.pathsep.join(path)
        done = subprocess.run(
            [sys.executable, str(BENCHMARKS / script), *arguments],
            capture_output=True,
            text=True,
            env=environment,
            cwd=cwd,
            timeout=900,
        )
        return done.returncode, done.stdout, done.stderr

    return call


@pytest.fixture
def result_of(run):
    """Runs a script that succeeds; returns the one JSON object that it prints."""

    def call(script, *arguments, **options):
        status, stdout, stderr = run(script, *arguments, **options)
        assert status == 0, stderr[-2000:]
        assert len(stdout.splitlines()) == 1  # one JSON object and nothing else
        return json.loads(stdout)

    return call


@pytest.fixture
def script(monkeypatch):
    """`script(name)` imports a benchmark script without running it."""

    def load(name):
        monkeypatch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])
        spec = importlib.util.spec_from_file_location(
            f"benchmark_{name}", BENCHMARKS / f"{name}.py"
        )
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture
def tiny_npz(tmp_path):
    """Three classes of 4x4 images that a glance tells apart."""
    rng = np.random.default_rng(0)
    arrays = {}
    for part, count in (("train", 60), ("test", 30)):
        y = np.arange(count) % 3
        noise = rng.integers(0, 40, (count, 4, 4))
        arrays[f"x_{part}"] = (80 * y[:, None, None] + noise).astype("uint8")
        arrays[f"y_{part}"] = y
    path = tmp_path / "tiny.npz"
    np.savez(path, **arrays)
    return path
