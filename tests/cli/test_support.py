"""`--quiet`, `--verbose`, `--log-dir`, and output without messages of frameworks."""

import csv
import importlib.util
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import keras
import pytest

import keras_isa
from keras_isa import backend
from keras_isa.evaluation import score_cache

NOISE = ("absl", "cudart", "oneDNN", "WARNING", "Traceback", "deprecat", "XLA", "I0000", "W0000")


@pytest.fixture(autouse=True)
def _small(small):
    """Makes runs short."""


# ------------------------------------------------------------------ how much is said


def test_quiet_prints_results_only(run, npz, asset):
    name = npz()
    result = run("distill", name, "--repeats", 1, "--quiet")
    assert result.code == 0 and result.err == ""
    assert len(result.out.splitlines()) == 5 and "seconds" not in result.out
    result = run("evaluate", asset, "--dataset", name, "--repeats", 1, "--quiet")
    assert result.code == 0 and result.err == "" and len(result.out.splitlines()) == 5
    result = run("prepare", "shades", name, "--output", "ready.npz", "--quiet")
    assert (result.code, result.err) == (0, "") and result.out.startswith("wrote ")


def test_quiet_still_warns_and_fails(run, unevaluated, npz):
    result = run("distill", npz(), "--ipc", "0=1,1=1,2=99", "--repeats", 1, "--quiet")
    assert result.code == 0
    (line,) = result.err.splitlines()
    assert line.startswith("keras-isa: warning: ") and "of 99" in line
    result = run("distill", "absent.npz", "--quiet")
    assert result.code == 2 and len(result.err.splitlines()) == 1


def test_programs_and_scores_are_kept_unless_told_otherwise(run, unevaluated, npz, cached):
    name, both = npz(), ["programs", "scores"]
    assert run("distill", name, "--repeats", 1).code == 0 and cached == both
    assert run("distill", name, "--repeats", 1, "--no-cache").code == 0 and cached == both
    assert run("presets").code == 0 and cached == both


def test_kept_scores_are_named(run, npz, asset, only_json, monkeypatch, tmp_path):
    monkeypatch.setattr(score_cache, "_root", tmp_path / "cache")
    words = ("evaluate", asset, "--dataset", npz(), "--repeats", 1)
    first, second = only_json(run(*words, "--json")), only_json(run(*words, "--json"))
    assert (first.pop("kept"), second.pop("kept")) == ([], ["random", "kmeans"])
    assert first.pop("seconds") > 0 and second.pop("seconds") > 0 and first == second
    table = run(*words, "--quiet").out.splitlines()
    assert table[5:] == ["random and k-means: kept from an earlier evaluation"]


def test_the_device_is_named_and_a_gpu_that_is_not_used(run, unevaluated, npz, monkeypatch):
    monkeypatch.setattr(backend, "advice_for_gpu", lambda: "install more")
    words = ("distill", npz(), "--repeats", 1)
    lines = run(*words).err.splitlines()
    assert lines[:2] == ["computing on the CPU", "install more"]
    assert "computing" not in run(*words, "--quiet").err


def test_verbose_lists_what_was_compiled(run, unevaluated, npz):
    said = run("distill", npz(), "--repeats", 1, "--verbose").err
    if keras.backend.backend() == "jax":
        assert re.search(r"^compiled: \d+ programs in [\d.]+ s", said, re.MULTILINE)
        assert re.search(r"\d s +1 x distillation_steps$", said, re.MULTILINE)
    else:
        assert "compiled:" not in said


def test_a_search_says_more_or_less(run, npz):
    words = ("tune", npz(), "--trials", 1, "--finalists", 0, "--repeats", 1)
    result = run(*words, "--quiet")
    assert result.code == 0 and result.err == "" and "best found" in result.out
    result = run(*words, "--seed", 1, "--output", "b.keras", "--verbose")
    assert "val_accuracy" in result.err and "trial 1/1" in result.err


@pytest.mark.parametrize("command", ["distill", "tune", "evaluate", "prepare"])
def test_both_at_once_are_refused(refuse, npz, command):
    more = ("--output", "x.npz") if command == "prepare" else ()
    words = (command, "name", npz()) if command == "prepare" else (command, npz())
    message = refuse(*words, *more, "--quiet", "--verbose")
    assert message == "--verbose and --quiet exclude each other: give one of them"


def test_loggers_and_warnings_of_frameworks(run, unevaluated, npz, monkeypatch):
    import logging
    import warnings

    fit = keras_isa.FRePoTrainer.fit

    def noisy(trainer, *args, **options):
        logging.getLogger("jax").warning("a framework is worried")
        logging.getLogger("jax").error("a framework is broken")
        warnings.warn_explicit("a framework deprecates", UserWarning, "jax.py", 1, "jax.core")
        return fit(trainer, *args, **options)

    monkeypatch.setattr(keras_isa.FRePoTrainer, "fit", noisy)
    words = ("distill", npz(), "--repeats", 1)
    usual, verbose = run(*words).err, run(*words, "--verbose").err
    assert "is worried" not in usual and "deprecates" not in usual and "is broken" in usual
    assert "jax: a framework is worried" in verbose and "a framework deprecates" in verbose
    assert logging.root.manager.disable == 0 and logging.root.level == logging.WARNING


# ------------------------------------------------------------------ a log


def test_a_log_that_goes_on(run, unevaluated, npz, tmp_path):
    words = ("distill", npz(), "--repeats", 1, "--quiet", "--log-dir", "log/deep")
    assert run(*words, "--resume", "state").code == 0
    folder = tmp_path / "log" / "deep"
    with open(folder / "log.csv") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["0", "1"]
    assert {"loss", "accuracy", "val_loss", "val_accuracy"} <= set(rows[0])
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["images", "log.csv", "train", "validation"]
    assert len(list((folder / "images").glob("epoch-*.png"))) == 2
    before = (folder / "log.csv").read_text()
    assert run(*words, "--resume", "state").code == 0  # finished already
    assert (folder / "log.csv").read_text() == before


def test_a_bad_place_for_a_log_is_refused(refuse, npz, tmp_path):
    name = npz()
    (tmp_path / "file").write_text("")
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "images").mkdir()
    (tmp_path / "used" / "log.csv").write_text("a,b\n")
    for place in ("file", "file/below", "used"):
        assert refuse("distill", name, "--log-dir", place).startswith("--log-dir: ")
    assert "--log-dir has no meaning" in refuse("distill", name, "--plan", "--log-dir", "log")


# ------------------------------------------------------------------ a process of its own


@pytest.fixture
def command(users_environment, tmp_path):
    """`command(backend, *words)` starts the command line; streams go to `subprocess.Popen`."""
    source = Path(importlib.util.find_spec("keras_isa_command").origin).parent
    users_environment.pop("TF_CPP_MIN_LOG_LEVEL")

    def start(backend, *words, **streams):
        environment = {**users_environment, "PYTHONPATH": str(source), "KERAS_BACKEND": backend}
        start = "from keras_isa_command import main; main()"
        words = [sys.executable, "-c", start, *words, "--no-cache"]
        return subprocess.Popen(words, cwd=tmp_path, env=environment, **streams)

    return start


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "tensorflow", "torch"])
def test_no_noise_on_any_backend(command, backend, npz, asset):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"needs {backend}")
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    words = ("evaluate", asset, "--dataset", npz(), "--repeats", "1", "--quiet")
    out, err = command(backend, *words, **pipes).communicate(timeout=200)
    assert err == "" and len(out.splitlines()) == 5
    words = ("distill", npz(), "--steps", "4", "--width", "4", "--repeats", "1", "--log-dir", "log")
    out, err = command(backend, *words, **pipes).communicate(timeout=200)
    assert len(out.splitlines()) == 6
    kinds = ("Dataset(", "  ", "Epoch ", "1/1 - ", "wrote ")
    assert all(line.startswith(kinds) for line in err.splitlines()), err


@pytest.mark.slow
def test_a_live_bar_on_a_terminal(command):
    ours, theirs = pty.openpty()
    words = ("distill", "digits", "--steps", "100", "--width", "4", "--repeats", "1")
    process = command("jax", *words, stdout=theirs, stderr=theirs)
    os.close(theirs)
    said = b""
    while part := _read(ours):
        said += part
    os.close(ours)
    said = said.decode()
    assert process.wait(timeout=60) == 0 and not any(word in said for word in NOISE)
    assert said.count("10/10") >= 10 and "\r" in said and "val_accuracy" in said
    assert "Training networks on: distilled" in said


def _read(stream):
    try:
        return os.read(stream, 65536)
    except OSError:  # the other end is closed and everything is read
        return b""
