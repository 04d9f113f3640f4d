"""`keras-isa tune`."""

import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import keras_isa
from keras_isa.tuning import DistillationTuner

WORDS = ("--trials", 2, "--finalists", 1, "--repeats", 1)


def tune(run, name, *words):
    return run("tune", name, *WORDS, *words)


def test_from_search_to_table(run, small, npz, tmp_path, only_json):
    result = tune(run, npz(), "--ipc", 2)
    assert result.code == 0 and "val_accuracy" not in result.err, result.err
    files = {path.name for path in tmp_path.iterdir() if not path.name.startswith(".")}
    assert files == {
        "shades.npz",
        "shades_ipc2.keras",
        "shades_ipc2.png",
        "shades_ipc2_tuning",
        "shades_ipc2_tuning.png",
    }
    said = result.err.splitlines()
    assert sum(line.startswith(("trial 1/2: ", "trial 2/2: ")) for line in said) == 2
    assert any(line.startswith("preset, in full: ") for line in said)
    out = result.out.splitlines()
    assert out[0].split()[:3] == ["trial", "crucial_fraction", "regularization"]
    assert [line.split()[0] for line in out[1:3]] == ["0", "1"]
    assert any(line.startswith("settings themselves ") for line in out)
    assert any(line.startswith("best found ") for line in out)
    record = keras_isa.load(tmp_path / "shades_ipc2.keras").provenance
    assert len(record["tuning"]["trials"]) == 2
    assert Path(record["dataset"]) == tmp_path / "shades.npz"
    # The set can be evaluated like any other.
    only_json(run("evaluate", "shades_ipc2.keras", "--repeats", 1, "--json"))
    # The same command does nothing again.
    again = only_json(tune(run, "shades.npz", "--ipc", 2, "--json"))
    assert again["trials"] == record["tuning"]["trials"]
    assert again["output"] == "shades_ipc2.keras" and again["seconds"] > 0
    # Another search in the same folder is refused in one line.
    other = tune(run, "shades.npz", "--ipc", 2, "--seed", 1)
    assert other.code == 2 and other.out == ""
    assert "seed is 1, and 0" in other.err.splitlines()[-1]


@pytest.mark.slow
def test_every_option_reaches_the_search(run, small, npz, tmp_path, only_json):
    words = ["--tuner", "grid", "--objective", "students", "--trial-steps", 2, "--steps", 6]
    words += ["--space", "pairing=all,random", "--space", "isa-interval=0:0.5,-1:0"]
    words += ["--seed", 5, "--width", 5, "--batch-size", 8, "--resume", "state"]
    report = only_json(tune(run, npz(), *words, "--output", "best.keras", "--json"))
    assert report["tuner"] == "grid" and report["objective"] == "students"
    assert report["space"] == {"pairing": ["all", "random"], "isa_interval": [[0, 0.5], [-1, 0]]}
    assert [trial["steps"] for trial in report["trials"]] == [2, 2]
    assert [trial["values"]["pairing"] for trial in report["trials"]] == ["all", "all"]
    assert report["finalists"][0]["steps"] == 6
    record = keras_isa.load(tmp_path / "best.keras").provenance
    assert record["seed"] == 5 and record["settings"]["width"] == 5
    assert record["settings"]["batch_size"] == 8
    assert (tmp_path / "state" / "search.json").is_file()


def test_failing_trials_end_in_one_line(run, small, npz, monkeypatch):
    def broken(self, *args, **options):
        raise ValueError("a bad combination")

    monkeypatch.setattr(keras_isa.tuning.DistillationHyperModel, "distil", broken)
    result = tune(run, npz())
    assert result.code == 2 and result.out == ""
    assert "failed, a bad combination" in result.err
    last = result.err.splitlines()[-1]
    assert last.startswith("keras-isa: the last 2 trials failed") and "a bad combination" in last


BAD = {
    "--trials": [["0"], ["x"]],
    "--tuner": [["best"]],
    "--objective": [["accuracy"]],
    "--trial-steps": [["0"]],
    "--finalists": [["-1"]],
    "--ipc": [["0"], ["99"]],
    "--steps": [["0"]],
    "--width": [["0"]],
    "--dtype-policy": [["float64"]],
    "--preset": [["no-such"]],
    "--output": [["set.npz"], ["no/such/folder/set.keras"]],
    "--space": [
        *(["ridge"], [""], ["=1:2"], ["regularization="], ["regularization=a:b"]),
        *(["regularization=1:2:3"], ["regularization=1e-2:1e-6"], ["crucial_fraction=0.5:2"]),
        *(["pairing=closest"], ["pool_size=0,1"], ["learn_labels=1"]),
    ],
}


@pytest.mark.parametrize("option", BAD)
def test_bad_options(refuse, npz, option, monkeypatch):
    def no_search(*args, **options):
        raise AssertionError("a search began before the input was refused")

    monkeypatch.setattr(DistillationTuner, "__init__", no_search)
    name = npz()
    for values in BAD[option]:
        assert option in refuse("tune", name, option, *values), values


def test_a_folder_that_is_a_file(run, small, npz, tmp_path):
    (tmp_path / "file").write_text("")
    result = tune(run, npz(), "--resume", "file")
    assert result.code == 2 and "must be a folder" in result.err.splitlines()[-1]


# ------------------------------------------------------------------ processes


def process(*words, folder, **environment):
    source = Path(importlib.util.find_spec("keras_isa_command").origin).parent
    variables = {**os.environ, "PYTHONPATH": str(source), "PYTHONUNBUFFERED": "1", **environment}
    variables["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"
    return subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from keras_isa_command import main; main()",
            *map(str, words),
            "--no-cache",
        ],
        cwd=folder,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


SMALL = ("tune", "digits", "--width", 4, "--steps", 100, "--repeats", 1, "--finalists", 1)


@pytest.mark.slow
def test_a_killed_command_goes_on(tmp_path):
    words = (*SMALL, "--trials", 4)
    killed = process(*words, folder=tmp_path)
    for line in killed.stderr:
        if line.startswith("trial 2/4: "):
            break
    time.sleep(1)
    killed.kill()
    killed.communicate(timeout=60)
    records = sorted(tmp_path.glob("digits_ipc1_tuning/trial_*/record.json"))
    before = {path: path.read_text() for path in records}
    assert 2 <= len(before) < 4
    again = process(*words, folder=tmp_path)
    out, err = again.communicate(timeout=900)
    assert again.returncode == 0, err
    assert "trial 1/4" not in err and "trial 4/4" in err
    assert all(path.read_text() == text for path, text in before.items())
    assert len(keras_isa.load(tmp_path / "digits_ipc1.keras").provenance["tuning"]["trials"]) == 4


@pytest.mark.slow
def test_a_chief_and_two_workers(tmp_path):
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    words = (*SMALL, "--trials", 4)
    shared = {"KERASTUNER_ORACLE_IP": "127.0.0.1", "KERASTUNER_ORACLE_PORT": port}
    running = {
        name: process(*words, folder=tmp_path, KERASTUNER_TUNER_ID=name, **shared)
        for name in ("chief", "worker0", "worker1")
    }
    try:
        said = {name: each.communicate(timeout=900) for name, each in running.items()}
    finally:
        for each in running.values():
            each.kill()
    for name, each in running.items():
        assert each.returncode == 0, (name, said[name][1][-2000:])
    for name in ("worker0", "worker1"):
        assert "this worker has nothing more to do" in said[name][1]
        assert "trial " in said[name][1] and said[name][0] == ""
    trials = keras_isa.load(tmp_path / "digits_ipc1.keras").provenance["tuning"]["trials"]
    assert [trial["status"] for trial in trials] == ["completed"] * 4
    assert "best found" in said["chief"][0]
