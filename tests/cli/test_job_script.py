"""The job script of docs/guides/long_runs.md: its signal, its exit codes, its way back."""

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import keras_isa

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "long_runs.md"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not GUIDE.is_file() or shutil.which("bash") is None, reason="needs the guide and bash"
    ),
]


@pytest.fixture
def job(tmp_path, npz):
    """Starts the script with stand-ins for SLURM's commands; the rest is as in the guide."""
    (script,) = re.findall(r"```bash\n(#!/bin/bash\n.*?)```", GUIDE.read_text(), re.S)
    options = "--width 4 --steps 4000 --set epochs=40 --repeats 1 --no-cache"
    typed, count = re.subn(r"cifar10\.npz --preset cifar10 --ipc 10", f"{npz()} {options}", script)
    assert count == 1
    (tmp_path / "job.sh").write_text(typed)
    commands = tmp_path / "bin"
    commands.mkdir()
    source = Path(importlib.util.find_spec("keras_isa_command").origin).parent
    texts = {
        "srun": 'echo $$ > pid\nexec "$@"',
        "scontrol": 'echo "$@" >> requeued',
        "keras-isa": (
            f'exec {sys.executable} -c "from keras_isa_command import main; main()" "$@"'
        ),
    }
    for name, text in texts.items():
        (commands / name).write_text(f"#!/bin/bash\n{text}\n")
        (commands / name).chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{commands}:{os.environ['PATH']}",
        "PYTHONPATH": str(source),
        "PYTHONUNBUFFERED": "1",
        "SLURM_JOB_ID": "17",
    }

    def start(**more):
        (tmp_path / "pid").unlink(missing_ok=True)
        return subprocess.Popen(
            ["bash", "job.sh"],
            cwd=tmp_path,
            env={**environment, **more},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


def test_a_job_at_its_limit_goes_back_into_the_queue_and_goes_on(job, tmp_path):
    first = job()
    for line in first.stderr:
        if line.startswith("Epoch 3/"):
            break
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGTERM)
    _, said = first.communicate(timeout=240)
    assert first.returncode == 130, said
    assert (tmp_path / "requeued").read_text() == "requeue 17\n"
    assert keras_isa.load(tmp_path / "cifar10_ipc10.keras").provenance["steps"] < 4000
    second = job()
    _, said = second.communicate(timeout=240)
    assert second.returncode == 0, said
    assert "Epoch 2/" not in said and "Epoch 40/40" in said
    assert (tmp_path / "requeued").read_text() == "requeue 17\n"


def test_a_job_ended_before_it_trains_goes_back_and_one_that_fails_does_not(job, tmp_path):
    early = job()
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        time.sleep(0.05)
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGTERM)
    early.communicate(timeout=240)
    assert early.returncode == 143
    assert (tmp_path / "requeued").read_text() == "requeue 17\n"
    failing = job(KERAS_BACKEND="no-such-backend")
    failing.communicate(timeout=240)
    assert failing.returncode == 2
    assert (tmp_path / "requeued").read_text() == "requeue 17\n"
