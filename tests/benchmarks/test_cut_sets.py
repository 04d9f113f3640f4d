"""Sets that are cut from one set, against sets that were made for their sizes."""

import pytest

TINY = ("--steps", "2", "--width", "4", "--batch-size", "8", "--student-steps", "2")
SMALL = (*TINY, "--held-out", "6", "--repeats", "1", "--ipc", "2", "--sizes", "1")


@pytest.mark.slow
def test_each_size_has_its_accuracy(tiny_npz, result_of, machine):
    arguments = (str(tiny_npz), *SMALL)
    result = result_of("cut_sets.py", *arguments, compile_fast=True)
    assert machine <= set(result)
    assert set(result["accuracies"]) == {"1", "2"}
    assert result["configuration"]["settings"]["2"]["prefixes"] is True
    for one in result["accuracies"].values():
        assert all(0 <= one[name] <= 1 for name in ("accuracy_mean", "krr_accuracy_mean"))


@pytest.mark.slow
def test_sizes_beyond_the_set_are_refused(tiny_npz, run):
    status, stdout, stderr = run("cut_sets.py", str(tiny_npz), "--ipc", "2", "--sizes", "3")
    assert (status, stdout) == (2, "")
    assert "--sizes must be at most --ipc. Received: [3]" in stderr.splitlines()[-1]
