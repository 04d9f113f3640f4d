"""What distilled sets are good for: wrong labels, classes in steps, and attacks on members."""

import pytest

TINY = ("--width", "4", "--repeats", "1")


@pytest.mark.slow
def test_wrong_labels(tiny_npz, result_of, machine):
    words = str(tiny_npz), *TINY, "--steps", "2", "--share", "0.2", "--baseline"
    result = result_of("label_errors.py", *words, compile_fast=True)
    assert machine <= set(result) and result["wrong"] > 0
    precision = result["precision_at_n"]
    assert {"distilled", "networks on real images"} <= set(precision)
    assert all(0 <= value <= 1 for value in precision.values())


@pytest.mark.slow
def test_classes_in_steps(tiny_npz, result_of, machine):
    options = "--steps", "1", "--orders", "2", "--distil-steps", "2", "--student-steps", "2"
    result = result_of("continual_learning.py", str(tiny_npz), *TINY, *options, compile_fast=True)
    assert machine <= set(result)
    assert [len(orders) for orders in result["accuracies"].values()] == [2, 2]
    assert result["least_gain"] <= result["gain"]


@pytest.mark.slow
def test_members(tiny_npz, result_of, machine):
    result = result_of("membership.py", str(tiny_npz), *TINY, "--steps", "2", compile_fast=True)
    assert machine <= set(result) and set(result["areas"]) == {"distilled", "real"}
