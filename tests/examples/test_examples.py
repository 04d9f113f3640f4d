"""The examples run as a newcomer runs them, only shorter."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import keras_isa

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
pytestmark = pytest.mark.skipif(
    not EXAMPLES.is_dir(), reason="needs the folder examples beside the tests"
)


def run(script, *arguments, cwd):
    environment = {**os.environ, "PYTHONPATH": str(Path(keras_isa.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / script), *arguments],
        capture_output=True,
        text=True,
        env=environment,
        cwd=cwd,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.slow
def test_a_set_is_distilled_and_then_used(tmp_path):
    table = run("quick_start.py", "--steps", "20", cwd=tmp_path)
    assert (tmp_path / "digits_ipc1.keras").is_file()
    assert (tmp_path / "digits_ipc1.png").read_bytes().startswith(b"\x89PNG")
    assert re.search(r"^distilled +\d+\.\d ± ", table, re.MULTILINE)
    assert "k-means" in table
    said = run("train_on_distilled.py", "digits_ipc1.keras", "--epochs", "200", cwd=tmp_path)
    # Ten classes: chance is 10 %, ten real images give about 70 %.
    assert float(re.search(r"test accuracy ([\d.]+) %", said)[1]) > 40


def test_the_first_example_is_short():
    assert len((EXAMPLES / "quick_start.py").read_text("utf-8").splitlines()) < 40
