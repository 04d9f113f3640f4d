"""What distilled sets are good for: wrong labels, classes in steps, and attacks on members."""

import pytest

TINY = ("--width", "4", "--repeats", "1")


@pytest.mark.slow
def test_wrong_labels(tiny_npz, result_of, machine):
    words = str(tiny_npz), *TINY, "--steps", "2", "--share", "0.2", "--baseline"
    result = result_of("label_errors.py", *words, compile_fast=True)
    assert machine <= set(result) and result["wrong"] > 0
    precision = result["precision_at_n"]
    assert {"distilled", "while distilling", "networks on real images"} <= set(precision)
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


@pytest.mark.slow
def test_methods_side_by_side(tiny_npz, result_of, machine, tmp_path):
    out = tmp_path / "methods.json"
    words = str(tiny_npz), "--methods", "kip", "--variants", "plain", "both", "--seconds", "0.1"
    options = *words, "--seeds", "1", "--repeats", "1", "--width", "4", "--out", str(out)
    result = result_of("methods.py", *options, compile_fast=True)
    assert machine <= set(result) and out.exists()
    assert [(row["method"], row["variant"]) for row in result["rows"]] == [
        *(("random", "-"), ("kmeans", "-"), ("kip", "plain"), ("kip", "both")),
    ]
    assert all(run["seconds"] > 0 for run in result["runs"] if run["method"] == "kip")
    again = result_of("methods.py", *options, compile_fast=True)  # nothing is made again
    assert again["runs"] == result["runs"] and again["table"].count("\n") == 5
