"""The curve of accuracy over seconds of training."""

import keras
import pytest

CHANGES = "--change width=4 --change depth=1 --change steps=4"
TINY = (*CHANGES.split(), "--every", "2", "--repeats", "1")
RECIPE = ("--change", "recipe={'width': 4, 'depth': 1, 'steps': 10, 'warmup_steps': 1}")


@pytest.mark.slow
def test_the_clock_counts_training_only(tiny_npz, result_of, machine):
    arguments = (str(tiny_npz), *TINY, *RECIPE, "--accuracy", "1", "--whole")
    result = result_of("time_to_accuracy.py", *arguments, compile_fast=True)
    assert machine <= set(result)
    assert result["configuration"]["settings"]["width"] == 4
    first, second = result["curve"]
    assert (first["steps"], second["steps"]) == (2, 4)
    assert 0 < first["seconds"] < second["seconds"]
    for look in (first, second):
        assert 0 <= look["seconds_after_first_call"] < look["seconds"]
        assert 0 <= look["accuracy"] <= 1
    assert result["best"] == max(first["accuracy"], second["accuracy"])
    reached = [look for look in (first, second) if look["accuracy"] >= 0.01]
    found = (result["steps"], result["seconds"])
    assert found == ((reached[0]["steps"], reached[0]["seconds"]) if reached else (None, None))
    assert reached or keras.backend.backend() != "jax"  # whose draws reach one per cent


def test_changes_are_read_as_numbers_tuples_and_words(script):
    changes = script("time_to_accuracy")._changes
    assert changes(["steps=4", "isa_interval=(0, 0.5)", "pairing=random", "flip=True"]) == {
        "steps": 4,
        "isa_interval": (0, 0.5),
        "pairing": "random",
        "flip": True,
    }
    for wrong in ("width", "=4", "width="):
        with pytest.raises(ValueError, match=f"--change must be NAME=VALUE. Received: {wrong}"):
            changes([wrong])


@pytest.mark.slow
def test_looks_must_end_with_the_run(tiny_npz, run):
    arguments = (str(tiny_npz), *TINY, *RECIPE, "--every", "3")
    status, stdout, stderr = run("time_to_accuracy.py", *arguments)
    assert (status, stdout) == (2, "")
    assert "--every must divide the 4 steps of the run. Received: 3" in stderr.splitlines()[-1]
